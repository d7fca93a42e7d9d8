"""`route-switch learn`, `runs`, `approve` and `reject`: a stage's learning runs."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns, StoredRun
from route_switch.adapters.learning.step_functions import StepFunctionsRuns
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.switch import switch_store
from route_switch.cli.terminal import console, say, say_json
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.operations.audit import Change

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id of the run; see 'route-switch runs'.")
]
LEARN_EXAMPLES = usage_examples("learn --stage prod")
RUNS_EXAMPLES = usage_examples("runs --stage prod", "runs --limit 5 --json")
APPROVE_EXAMPLES = usage_examples("approve 2026-11-22T030000Z --stage prod")
REJECT_EXAMPLES = usage_examples("reject 2026-11-22T030000Z --stage prod")


def learn(stage: StageOption = None) -> None:
    """Start a learning run now instead of waiting for its schedule."""
    deployed = find_deployed(stage)
    start = StartRun(scheduled_time=datetime.now(UTC).replace(microsecond=0), trigger="manual")
    with aws_errors():
        _check_that_learning_is_on(deployed)
        machine = deployed.output("LearningStateMachine")
        holder = _runs(deployed).holder()
        workflow = StepFunctionsRuns(deployed.connect("stepfunctions"), machine)
        if not workflow.start(start.run_id, start):
            raise RouteSwitchError(
                f"Run {start.run_id} exists already: somebody else started it in the same second. "
                "'route-switch runs' shows it."
            )
    say(f"Run {start.run_id} started. 'route-switch runs' shows how it ends.")
    if holder is not None:
        say(
            f"note: run {holder} has not ended, and only one run can be active. Unless that run "
            "was stopped, the new one ends at once as a duplicate and is not listed.",
            err=True,
        )


def runs(
    stage: StageOption = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="Maximum number of runs, newest first.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List learning runs and their outcomes."""
    with aws_errors():
        found = _runs(find_deployed(stage)).newest(limit)
    if as_json:
        say_json([_facts(run) for run in found], indent=2)
        return
    table = Table(
        Column("run", no_wrap=True), "started (UTC)", "trigger", "outcome", "live version"
    )
    for run in found:
        started = f"{datetime.fromtimestamp(run.started_at, UTC):%Y-%m-%d %H:%M}"
        version = "" if run.version is None else str(run.version)
        table.add_row(run.id, started, run.trigger, _state(run), version)
    console().print(table)


def approve(run: RunArgument, stage: StageOption = None) -> None:
    """Approve the candidate of a waiting run: it goes live."""
    _answer(run, stage, approved=True)


def reject(run: RunArgument, stage: StageOption = None) -> None:
    """Reject the candidate of a waiting run: the live prompt stays."""
    _answer(run, stage, approved=False)


def _answer(run_id: str, stage: str | None, *, approved: bool) -> None:
    deployed = find_deployed(stage)
    with aws_errors():
        runs = _runs(deployed)
        run = runs.load(run_id)
        if run is None:
            raise RouteSwitchError(f"There is no run {run_id}. 'route-switch runs' lists them.")
        if run.outcome is not None or run.token is None:
            raise RouteSwitchError(f"Run {run_id} is not waiting for approval: {_state(run)}.")
        if approved:  # With learning off the run would end unpromoted, and could not be approved.
            _check_that_learning_is_on(deployed)
        who = deployed.connect("sts").get_caller_identity()["Arn"]
        workflow = deployed.connect("stepfunctions")
        answer = json.dumps({"approved": approved, "by": who})
        record = change_recorder(deployed.connect, deployed.settings.results_table)
        decision = "approve" if approved else "reject"
        change = Change(
            "prompt",
            decision,
            f"run {run_id}",
            "waits for approval",
            "approved" if approved else "rejected",
        )
        ended = (workflow.exceptions.TaskTimedOut, workflow.exceptions.TaskDoesNotExist)
        try:
            token = run.token
            record(
                change,
                lambda: workflow.send_task_success(taskToken=token, output=answer),
                lambda _: change.after or "",
            )
        except ended as error:
            raise RouteSwitchError(
                f"Run {run_id} is not waiting any more: it was answered, timed out or was stopped. "
                "'route-switch prompt promote' makes a candidate live by hand."
            ) from error
        runs.answered(run_id)
    say(f"{run_id}: {'approved' if approved else 'rejected'} as {who}")


def _check_that_learning_is_on(deployed: Deployed) -> None:
    if not switch_store(deployed).read().may_learn:
        raise RouteSwitchError(
            "Learning is off, so nothing was done. Turn it on with 'route-switch switch learning "
            "on'."
        )


def _runs(deployed: Deployed) -> DynamoDbRuns:
    return DynamoDbRuns(deployed.connect("dynamodb"), deployed.settings.results_table)


def _state(run: StoredRun) -> str:
    if run.outcome is not None:
        return run.outcome
    return "waits for approval" if run.token is not None else "under way, or stopped"


def _facts(run: StoredRun) -> dict[str, str | int | None]:
    return {
        "run": run.id,
        "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(),
        "trigger": run.trigger,
        "outcome": run.outcome,
        "state": _state(run),
        "message": run.message,
        "live_version": run.version,
    }

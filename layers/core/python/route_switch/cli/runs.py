"""`route-switch learn`, `runs`, `approve` and `reject`: a stage's learning runs."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from route_switch.adapters.learning.run_lock import DynamoDbRunLock
from route_switch.adapters.learning.step_functions import (
    StepFunctionsApprovals,
    StepFunctionsRuns,
)
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.followed_runs import follow_runs, stored_runs
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import aws_errors, find_deployed
from route_switch.cli.switch import switch_store
from route_switch.cli.terminal import console, say, say_json
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.learning.not_used import examples_not_used
from route_switch.domain.learning.stored_run import ShownRun
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.answer_approval import AnswerApproval
from route_switch.services.learning.start_run import StartLearning

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
    with aws_errors():
        client, machine = deployed.connect("stepfunctions"), deployed.output("LearningStateMachine")
        workflow = StepFunctionsRuns(client, machine)
        table = deployed.settings.results_table
        start = StartLearning(
            workflow,
            DynamoDbRunLock(deployed.connect("dynamodb"), table, workflow.execution),
            switch_store(deployed),
            change_recorder(deployed.connect, table),
            CLI_WORDS,
        )
        run_id = start(datetime.now(UTC))
    say(f"Run {run_id} started. 'route-switch runs' shows how it ends.")


def runs(
    stage: StageOption = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="Maximum number of runs, newest first.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List learning runs with their state and outcome."""
    with aws_errors():
        found = follow_runs(find_deployed(stage)).newest(limit)
    if as_json:
        say_json([_facts(shown) for shown in found], indent=2)
        return
    table = Table(
        Column("run", no_wrap=True), "started (UTC)", "trigger", "outcome", "live version"
    )
    for shown in found:
        run = shown.run
        started = f"{datetime.fromtimestamp(run.started_at, UTC):%Y-%m-%d %H:%M}"
        version = "" if run.version is None else str(run.version)
        table.add_row(run.id, started, run.trigger, _outcome(shown), version)
    console().print(table)


def _outcome(shown: ShownRun) -> str:
    """Return the outcome, or the state with the step that a run is at."""
    step = (shown.progress or {}).get("step")
    words = shown.state_in_words
    return escape(f"{words}: {step}") if isinstance(step, str) else words


def approve(run: RunArgument, stage: StageOption = None) -> None:
    """Approve the candidate of a waiting run, which then goes live."""
    _answer(run, stage, approved=True)


def reject(run: RunArgument, stage: StageOption = None) -> None:
    """Reject the candidate of a waiting run; the live prompt stays."""
    _answer(run, stage, approved=False)


def _answer(run_id: str, stage: str | None, *, approved: bool) -> None:
    deployed = find_deployed(stage)
    with aws_errors():
        answer = AnswerApproval(
            stored_runs(deployed),
            StepFunctionsApprovals(deployed.connect("stepfunctions")),
            switch_store(deployed),
            change_recorder(deployed.connect, deployed.settings.results_table),
            CLI_WORDS,
        )
        who = answer(run_id, approved=approved)
    say(f"{run_id}: {'approved' if approved else 'rejected'} as {who}")


def _facts(shown: ShownRun) -> JsonObject:
    run = shown.run
    return {
        "run": run.id,
        "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(),
        "trigger": run.trigger,
        "outcome": run.outcome,
        "state": shown.state_in_words,
        "message": run.message,
        "live_version": run.version,
        "progress": shown.progress,
        "left_out": [
            {"reason": reason, "examples": number}
            for reason, number in examples_not_used(run.left_out)
        ],
    }

"""`route-switch report`: the week in three sentences, its figures, and what to do next."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.run_reports import RunReports
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.adapters.steering_strings import packaged_score
from route_switch.cli.files import check_writable, write_whole
from route_switch.cli.followed_runs import follow_runs
from route_switch.cli.model_options import optimizer_extra
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.report_view import print_report, report_body
from route_switch.cli.stage import Deployed, aws_errors, find_deployed, local_stack
from route_switch.cli.switch import switch_store
from route_switch.cli.terminal import say, say_json
from route_switch.dashboard.week.context import AboutReport
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.learning.stored_run import ShownRun
from route_switch.domain.operations.audit import RETENTION, merged, prompt_actions
from route_switch.domain.router_config import RouterConfig
from route_switch.services.operations.read_week import WEEK_DAYS, ReadWeek
from route_switch.services.operations.show_week import RunOfWeek, ShowWeek
from route_switch.wiring.owner import all_keys

EXAMPLES = usage_examples(
    "report --stage prod",
    "report --days 28 --out month.html --stage prod",
    "report --json > week.json",
)
DEFAULT_FILE = "route-switch-report.html"
MAX_DAYS = 92
RUNS_READ = 100
SIMULATED = (
    "Simulated on this stage: the tier models replay recorded answers, at nominal prices. The "
    "figures show how route-switch works, not what real models would cost."
)


def report(
    stage: StageOption = None,
    days: Annotated[
        int, typer.Option(min=1, max=MAX_DAYS, help="Days, counted back from today (UTC).")
    ] = WEEK_DAYS,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help=f"File for the page. Default: {DEFAULT_FILE}; with --json, none.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report on the last days: spending, savings, quality, prompts, runs, and what to do next.

    Writes a page that needs no network and runs no script, and prints a summary. Neither quotes a
    request.
    """
    page = out if out is not None or as_json else Path(DEFAULT_FILE)
    if page is not None:
        check_writable(page)
    deployed = find_deployed(stage)
    with aws_errors():
        found = _show(deployed)(datetime.now(UTC).date(), days)
    context = AboutReport(
        stage, _console_url(deployed, stage), _simulated(deployed.settings.router)
    )
    if as_json:
        say_json(report_body(found, context), indent=2)
    else:
        print_report(found, context)
    if page is not None:
        with optimizer_extra():  # imported here, so that --json needs no HTML library
            from route_switch.dashboard.week.page import to_html
        write_whole(page, to_html(found, context))
        say(f"Page: {page}", err=True)


def _show(deployed: Deployed) -> ShowWeek:
    connect, settings = deployed.connect, deployed.settings
    dynamodb, table = connect("dynamodb"), settings.results_table
    totals, runs = DynamoDbTotals(dynamodb, table), follow_runs(deployed)
    prompts = SsmPromptStore(connect("ssm"), settings.live_parameter, settings.seed_parameter)
    bucket = LearningBucket(connect("s3"), deployed.output("LearningBucket"))
    measured = RunReports(bucket, runs.runs.newest)
    trail = DynamoDbAudit(dynamodb, table)
    return ShowWeek(
        ReadWeek(totals, prompts, measured, DynamoDbQuality(dynamodb, table)),
        totals,
        all_keys(dynamodb, settings.keys_table),
        store_errors("Parameter Store")(prompts.versions),
        lambda: [_run(each) for each in runs.newest(RUNS_READ)],
        switch_store(deployed).read,
        _learning(deployed),
        _monthly_budget(deployed),
        packaged_score(),
        lambda since: _actions(trail, since),
    )


def _run(shown: ShownRun) -> RunOfWeek:
    run = shown.run
    return RunOfWeek(
        run.id,
        datetime.fromtimestamp(run.started_at, UTC),
        run.trigger,
        next((known for known in RunOutcome if known.value == run.outcome), None),
        shown.state == "waits_for_approval",
        run.version,
        shown.state == "stopped",
    )


def _actions(trail: DynamoDbAudit, since: datetime) -> dict[int, str]:
    now = datetime.now(UTC)
    return prompt_actions(merged(trail.since(max(since, now - RETENTION), now)))


def _learning(deployed: Deployed) -> LearningConfig | None:
    said = _environment(deployed, "LearningFunction").get("LEARNING_CONFIG")
    return None if said is None else LearningConfig.model_validate_json(said)


def _monthly_budget(deployed: Deployed) -> float | None:
    said = _environment(deployed, "CostsWidgetFunction").get("MONTHLY_BUDGET_USD")
    return None if said is None else float(said)


def _environment(deployed: Deployed, output: str) -> dict[str, str]:
    """Return the function's environment; empty if the stack is older than this release."""
    name = deployed.outputs.get(output)
    if name is None:
        return {}
    found = deployed.connect("lambda").get_function_configuration(FunctionName=name)
    variables: dict[str, str] = found.get("Environment", {}).get("Variables", {})
    return variables


def _console_url(deployed: Deployed, stage: str | None) -> str | None:
    endpoint = deployed.outputs.get("ApiEndpoint")
    stack = local_stack() if stage is None else None
    if stack is not None:
        endpoint = stack["endpoint"]
    return None if endpoint is None else f"{endpoint}/console"


def _simulated(config: RouterConfig) -> str | None:
    tiers = config.models.tiers.values()
    return SIMULATED if any(tier.model.startswith("offline/") for tier in tiers) else None

"""`route-switch savings`: what routing saves, or would save, and what it loses."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.run_reports import RunReports
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.api.costs_answer import MAX_RANGE_DAYS
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.savings_view import savings_body, savings_lines
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.switch import switch_store
from route_switch.cli.terminal import say, say_json
from route_switch.services.operations.show_savings import ShowSavings
from route_switch.services.operations.sum_costs import CostsQuery

EXAMPLES = usage_examples("savings --stage prod", "savings --days 7 --json")


def savings(
    stage: StageOption = None,
    days: Annotated[
        int,
        typer.Option(min=1, max=MAX_RANGE_DAYS, help="Days, counted back from today (UTC)."),
    ] = 28,
    as_json: JsonOption = False,
) -> None:
    """Show what routing saves, or in shadow would save, and what it loses.

    Savings come from recorded requests. The quality lost and the promise come from the last
    learning run that measured the live prompt.
    """
    deployed = find_deployed(stage)
    today = datetime.now(UTC).date()
    with aws_errors():
        found = _show(deployed)(CostsQuery(today - timedelta(days=days - 1), today, "tier"))
    if as_json:
        say_json(savings_body(found), indent=2)
        return
    for line in savings_lines(found, deployed.settings.router.shadow_answer_tier):
        say(line)


def _show(deployed: Deployed) -> ShowSavings:
    connect, settings = deployed.connect, deployed.settings
    dynamodb, ssm = connect("dynamodb"), connect("ssm")
    bucket = LearningBucket(connect("s3"), deployed.output("LearningBucket"))
    return ShowSavings(
        DynamoDbTotals(dynamodb, settings.results_table),
        switch_store(deployed),
        SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter),
        RunReports(bucket, DynamoDbRuns(dynamodb, settings.results_table).newest),
    )

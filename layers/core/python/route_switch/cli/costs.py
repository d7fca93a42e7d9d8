"""`route-switch costs`: show what requests cost and what routing saved, as in `GET /v1/costs`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.api.costs_answer import GROUPS, costs_body, costs_query
from route_switch.cli.money_view import costs_table, saved_in_words
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import console, say, say_json
from route_switch.domain.errors import RequestRefusedError
from route_switch.services.operations.sum_costs import CostsQuery, CostsReport, SumCosts
from route_switch.wiring.owner import all_keys

EXAMPLES = usage_examples(
    "costs --stage prod",
    "costs --days 7 --by tier --stage prod",
    "costs --from 2026-10-01 --to 2026-10-31 --by key --json",
)


def costs(
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="The last N days, including today.")
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="YYYY-MM-DD", help="First day (UTC). Default: the first of the month."
        ),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day. Default: today.")
    ] = None,
    group_by: Annotated[
        str, typer.Option("--by", "--group-by", help=f"One row per: {', '.join(GROUPS)}.")
    ] = "day",
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Show what requests cost and what routing saved.

    Needs permission to read the stage's tables, but no API key. --json prints the response of GET
    /v1/costs.
    """
    today = datetime.now(UTC).date()
    query = _query(days, {"from": first, "to": last, "group_by": group_by}, today)
    report = _report(find_deployed(stage), query)
    if as_json:
        say_json(costs_body(report), indent=2)
        return
    console().print(costs_table(report))
    say(saved_in_words(report.total))


def _query(days: int | None, stated: Mapping[str, str | None], today: date) -> CostsQuery:
    params = {name: value for name, value in stated.items() if value is not None}
    if days is not None:
        if "from" in params or "to" in params:
            raise UsageError("--days counts back from today. Use --days, or --from and --to.")
        params["from"] = str(today - timedelta(days - 1))
    try:
        return costs_query(params, today)
    except RequestRefusedError as error:
        raise UsageError(str(error)) from error


def _report(deployed: Deployed, query: CostsQuery) -> CostsReport:
    dynamodb, settings = deployed.connect("dynamodb"), deployed.settings
    with aws_errors():
        totals = DynamoDbTotals(dynamodb, settings.results_table)
        return SumCosts(totals, all_keys(dynamodb, settings.keys_table))(query)

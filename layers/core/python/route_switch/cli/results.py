"""`route-switch results`: the newest requests, or one as `GET /v1/results/{id}` shows it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import JsonValue

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_listing import DynamoDbListing
from route_switch.adapters.s3 import S3TextStore
from route_switch.api.results_answer import FAILED, STATUSES, THUMBS, result_body, row_as_json
from route_switch.cli.money_view import BASES, RESULT_COLUMNS, result_rows, saved_amount
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.results_list import ResultList, query_of_options
from route_switch.cli.rows import print_rows
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.terminal import say, say_json
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.list_results import ListResults

EXAMPLES = usage_examples(
    "results --stage prod",
    "results --limit 5 --json",
    "results --thumb down --tier 1 --from 2026-11-01 --stage prod",
    "results chatcmpl-8f14e45fceea167a5a36dedd4bea2543 --stage prod",
)


def results(
    request_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Request id. Default: list the newest requests."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Requests to list.")] = 20,
    first: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day (UTC).")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day. Default: today.")
    ] = None,
    tier: Annotated[int | None, typer.Option(min=1, max=3, help="Only this tier.")] = None,
    reason: Annotated[
        str | None, typer.Option(help=f"Only this reason: {', '.join(Reason)}.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only answers from this model.")] = None,
    key: Annotated[str | None, typer.Option(help="Only requests of the key with this id.")] = None,
    status: Annotated[
        str | None, typer.Option(help=f"Only this status: {', '.join(STATUSES)}.")
    ] = None,
    thumb: Annotated[
        str | None, typer.Option(help=f"Only answers with this rating: {', '.join(THUMBS)}.")
    ] = None,
    error: Annotated[
        str | None,
        typer.Option(help=f"Only requests with or without a failed call: {', '.join(FAILED)}."),
    ] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """List the newest requests, or show one: tier, reason, model, cost and saving.

    Needs permission to read the stage's tables, but no API key. A request's id is in the field
    `id` of its response and in the header x-request-id. --json prints the response of GET
    /v1/results/ID, texts included, or the rows of GET /v1/results. Requests that a release before
    0.2.0 recorded are not listed, but can be shown by id.
    """
    asked = {"from": first, "to": last, "tier": tier, "reason": reason, "model": model}
    asked |= {"key": key, "status": status, "thumb": thumb, "error": error}
    deployed = find_deployed(stage)
    with aws_errors():
        if request_id is None:
            _list(deployed, limit, asked, as_json)
        else:
            _show(deployed, request_id, as_json)


def _list(
    deployed: Deployed, limit: int, asked: Mapping[str, str | int | None], as_json: bool
) -> None:
    query = query_of_options(
        asked, datetime.now(UTC).date(), deployed.settings.router.retention_days
    )
    requests = ResultList(ListResults(_listing(deployed)))
    rows = [row_as_json(each) for each in requests.first(limit, query)]
    if as_json:
        say_json({"object": "list", "data": [*rows]}, indent=2)
    else:
        print_rows(RESULT_COLUMNS, result_rows(rows))
    if not rows and not query.is_filtered:
        say(
            f"No request since {query.first} is listed. Requests that were recorded before the "
            "stage had this release are not listed; name one by its id.",
            err=True,
        )
    if requests.warning is not None:
        say(f"warning: {requests.warning}", err=True)


def _show(deployed: Deployed, request_id: str, as_json: bool) -> None:
    table, texts = deployed.settings.results_table, _texts(deployed)
    record = DynamoDbResultStore(deployed.connect("dynamodb"), table, texts).load(request_id, None)
    if record is None:
        days = deployed.settings.router.retention_days
        raise RouteSwitchError(
            f"There is no request '{request_id}'. Records are kept for {days} days; "
            "'route-switch results' lists the newest."
        )
    if as_json:
        say_json(result_body(record, _listing(deployed).feedback_of(request_id)), indent=2)
        return
    for name, value in _facts(record):
        say(f"{name:15}{value}")
    for name, value in _calls(record):
        say(f"{name:15}{value}")


def _facts(record: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    """Yield the most important facts. --json has everything, texts included."""
    for name in ("request_id", "created_at", "status", "tier", "reason", "why", "model"):
        yield name, record.get(name) or "–"
    if record.get("session") is not None:
        yield "session", f"{record['session']}{_expected(record.get('session_saved_usd'))}"
    if skipped := record.get("skipped_models"):
        names = ", ".join(map(str, skipped)) if isinstance(skipped, list) else skipped
        yield "skipped", f"{names} (keeps failing)"
    yield "prompt", record["prompt_version"]
    yield "router tokens", record["router_tokens"]
    yield "latency", f"{record['latency_ms']:.0f} ms, of which routing {record['routing_ms']:.0f}"
    yield "cost", "unknown" if record["cost_usd"] is None else f"{record['cost_usd']:.9f} USD"
    yield "saved", f"{saved_amount(record)} ({_basis(record)})"


def _expected(saved_usd: JsonValue) -> str:
    return f", to save about {saved_usd:.6f} USD" if isinstance(saved_usd, float) else ""


def _calls(record: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield each call in order, with its error."""
    attempts = record.get("attempts")
    for attempt in attempts if isinstance(attempts, list) else []:
        if isinstance(attempt, dict):
            router = attempt.get("purpose") or "router"
            role = router if attempt.get("tier") is None else f"Tier {attempt['tier']}"
            error = f": {attempt['error']}" if attempt.get("error") else ""
            status = str(attempt["status"]).replace("_", " ")
            yield (
                "call",
                f"{attempt['model']} ({role}) {status}{error}, {attempt['latency_ms']:.0f} ms",
            )


def _basis(record: JsonObject) -> str:
    """Say what the saving rests on; records of an older release do not say."""
    basis = record.get("saving_basis")
    if not isinstance(basis, str):
        return "recorded by an older release"
    low, high = record.get("saved_usd_low"), record.get("saved_usd_high")
    between = isinstance(low, float) and isinstance(high, float) and low < high
    bounds = f"; between {low:.9f} and {high:.9f} USD".replace("-", "−") if between else ""
    return f"{BASES[SavingBasis(basis)]}{bounds}"


def _listing(deployed: Deployed) -> DynamoDbListing:
    return DynamoDbListing(deployed.connect("dynamodb"), deployed.settings.results_table)


def _texts(deployed: Deployed) -> S3TextStore:
    return S3TextStore(lambda: deployed.connect("s3"), deployed.settings.texts_bucket)

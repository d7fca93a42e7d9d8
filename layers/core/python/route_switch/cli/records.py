"""`route-switch records`: bring records home that the results table did not take."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome, SqsRecords, logged_lines
from route_switch.adapters.s3 import S3TextStore
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say, say_json
from route_switch.services.operations.replay_records import Replayed, ReplayRecords

app = typer.Typer(
    help="Bring records home that the results table did not take.", no_args_is_help=True
)

EXAMPLES = usage_examples(
    "records replay --stage prod",
    "records replay --hours 24 --stage prod",
    "records replay --log router.log --dry-run",
)


@app.callback()
def records() -> None:
    """Bring records home that the results table did not take."""


@app.command(epilog=EXAMPLES)
def replay(
    hours: Annotated[
        int | None,
        typer.Option(min=1, max=24 * 90, help="Also read the router's log of the last N hours."),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(help="Also read this file of router log lines. Repeatable."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Messages, and lines of the log, to read at most.")
    ] = 100_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count, but write and remove nothing.")
    ] = False,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Save queued records, and with --hours or --log those that only the log knows.

    Each request counts once, however often and by whomever this is run: a record that is in the
    table, or was deleted from it, is removed from the queue and changes no sum. The log also knows
    requests whose function was killed before it saved them. What is not a record leaves the queue
    for the partition REJECTED of the results table, with the reason, for 90 days. Needs rights to
    read and write the results table and the queue, and to read the log.
    """
    deployed, done = find_deployed(stage), Replayed()
    with aws_errors():
        service = _service(deployed, dry_run)
        url = deployed.settings.records_queue_url
        service.queue(SqsRecords(deployed.connect("sqs"), url, limit), done)
        if hours is not None or log:
            service.log(_lines(deployed, hours, log or (), limit), done)
    if as_json:
        say_json(asdict(done), indent=2)
    else:
        for line in _in_words(done, dry_run):
            say(line)
    if done.failed:
        raise typer.Exit(1)


def _service(deployed: Deployed, dry_run: bool) -> ReplayRecords:
    dynamodb, settings = deployed.connect("dynamodb"), deployed.settings
    texts = S3TextStore(lambda: deployed.connect("s3"), settings.texts_bucket)
    store = DynamoDbResultStore(dynamodb, settings.results_table, texts)
    home = DynamoDbHome(dynamodb, settings.results_table, store)
    return ReplayRecords(
        home, settings.router.retention_days, lambda: datetime.now(UTC), dry_run=dry_run
    )


def _lines(
    deployed: Deployed, hours: int | None, files: "list[Path] | tuple[()]", limit: int
) -> Iterator[str]:
    for file in files:
        if not file.is_file():
            raise UsageError(f"There is no file {file}. Give --log a file of router log lines.")
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield from lines
    if hours is not None:
        name = deployed.output("RouterFunction")
        function = deployed.connect("lambda").get_function_configuration(FunctionName=name)
        group = function.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
        since = datetime.now(UTC) - timedelta(hours=hours)
        yield from logged_lines(deployed.connect("logs"), group, since, limit)


def _in_words(done: Replayed, dry_run: bool) -> Iterator[str]:
    verb = "to save" if dry_run else "saved"
    yield f"{verb}: {done.saved} records, {done.saved_usd:.6f} USD"
    yield f"already counted: {done.already_counted}"
    if done.unknown:
        yield (
            f"of unknown cost: {done.unknown} of the records, at most {done.at_most_usd:.6f} USD: "
            "their function was killed before it logged what they cost"
        )
    if done.under_way:
        yield f"perhaps still running: {done.under_way}; run the command again in 15 minutes"
    if done.too_old:
        yield f"older than retention_days, not counted: {done.too_old}"
    if done.unreadable_lines:
        yield f"lines of the log that could not be read: {done.unreadable_lines}"
    for message, reason in done.rejected.items():
        yield f"rejected: {message}: {reason}"
    if done.failed:
        yield f"failed: {done.failed}; the store refused them. Run the command again."

"""`route-switch records`: save records that the results table is missing."""

from collections.abc import Iterable, Iterator
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
from route_switch.domain.operations.logged_requests import MARKS
from route_switch.services.operations.replay_records import Replayed, ReplayRecords

app = typer.Typer(help="Save records that the results table is missing.", no_args_is_help=True)

EXAMPLES = usage_examples(
    "records replay --stage prod",
    "records replay --hours 24 --stage prod",
    "records replay --log router.log --dry-run",
)


@app.callback()
def records() -> None:
    """Save records that could not be written to the results table."""


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
        int, typer.Option(min=1, help="Maximum number of messages and of log lines to read.")
    ] = 100_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count, but write and remove nothing.")
    ] = False,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Save queued records and, with --hours or --log, records that only the log has.

    The hourly monitor saves queued records on its own.

    Each request counts once, no matter how often and by whom this is run: a record that is in the
    table, or was deleted from it, is removed from the queue and changes no sum. The log also has
    requests whose function was killed before it saved them. A message that is not a record is moved
    to the partition REJECTED of the results table, with the reason, for 90 days. Needs permission
    to read and write the results table and the queue, and to read the log.
    """
    deployed, done = find_deployed(stage), Replayed()
    with aws_errors():
        service = _service(deployed, dry_run)
        url = deployed.settings.records_queue_url
        service.queue(SqsRecords(deployed.connect("sqs"), url, limit), done)
        if hours is not None or log:
            service.log(_counted(_lines(deployed, hours, log or (), limit), hours), done)
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
            yield from _of_router(lines, file)
    if hours is not None:
        name = deployed.output("RouterFunction")
        function = deployed.connect("lambda").get_function_configuration(FunctionName=name)
        group = function.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
        since = datetime.now(UTC) - timedelta(hours=hours)
        yield from logged_lines(deployed.connect("logs"), group, since, limit)


def _of_router(lines: Iterable[str], file: Path) -> Iterator[str]:
    """Raise `UsageError` if no line names a request: then it is another file."""
    names_requests = False
    for line in lines:
        names_requests |= any(mark in line for mark in MARKS)
        yield line
    if not names_requests:
        raise UsageError(
            f"{file} has no line that names a request, so it is not a log of the router function. "
            "Pass a router log to --log; those of a local stack are in .local/logs/."
        )


def _counted(lines: Iterable[str], hours: int | None) -> Iterator[str]:
    """Yield the lines. Afterwards, say so if there were none."""
    read = 0
    for line in lines:
        read += 1
        yield line
    if hours is not None and not read:
        say(
            f"note: the router's log names no request in the last {hours} hours. A local stack "
            "writes its logs to files: give them with --log .local/logs/….",
            err=True,
        )


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

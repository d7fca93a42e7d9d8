"""`route-switch audit`: list who changed the prompt, keys or switches, or deleted requests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.cli.duration import read_duration
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.rows import Column, print_rows
from route_switch.cli.stage import aws_errors, find_deployed
from route_switch.cli.terminal import say, say_json
from route_switch.domain.operations.audit import RETENTION, AuditEntry, entry_as_json, merged

EXAMPLES = usage_examples("audit --stage prod", "audit --since 90d --what keys --stage prod --json")
COLUMNS = (
    Column("time (UTC)"),
    Column("change"),
    Column("before", rank=2),
    Column("after", rank=1),
    Column("by"),
)


class Area(StrEnum):
    PROMPT = "prompt"
    KEYS = "keys"
    SWITCHES = "switches"
    TEXTS = "texts"


def audit(
    since: Annotated[
        str, typer.Option(help="How far to look back, in minutes, hours or days: 90m, 24h, 7d.")
    ] = "7d",
    what: Annotated[Area | None, typer.Option(help="List only changes of this kind.")] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """List who changed the prompt, keys or switches or deleted requests, with old and new values.

    The oldest change comes first. Entries are kept for two years. Changes made without this command
    line or the API, such as in the AWS console, are recorded in AWS CloudTrail only.
    """
    back = read_duration(since, "--since", RETENTION)
    deployed = find_deployed(stage)
    now = datetime.now(UTC)
    with aws_errors():
        trail = DynamoDbAudit(deployed.connect("dynamodb"), deployed.settings.results_table)
        found = merged(trail.since(now - back, now))
    shown = [each for each in found if what is None or each.change.area == what.value]
    if as_json:
        say_json([entry_as_json(each) for each in shown], indent=2)
        return
    if not shown:
        say(f"No changes in the last {since}.", err=True)
    print_rows(COLUMNS, _rows(shown), whole=True)


def _rows(entries: Sequence[AuditEntry]) -> list[list[str]]:
    return [
        [
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            f"{entry.change.area}: {entry.change.action} {entry.change.subject}"
            + ("" if entry.state == "done" else " (not confirmed)"),
            entry.change.before or "",
            entry.change.after or "",
            entry.by,
        ]
        for entry in entries
    ]

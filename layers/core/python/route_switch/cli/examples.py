"""`route-switch examples`: recorded traffic as a file of examples to learn from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.deployed import find_deployed
from route_switch.cli.files import write_whole
from route_switch.cli.stage import STACK_FILE
from route_switch.domain.errors import RouteSwitchError
from route_switch.services.learning.collect_examples import CollectedExamples
from route_switch.wiring.learning import build_collector

LEFT_OUT = {
    "attachments": "requests with attachments",
    "empty": "requests without a text from the user",
    "continued": "requests that go on after the user's message",
    "expired": "drawn, but expired since",
    "merged": "drawn, and merged into an equal one",
}


def examples(
    out: Annotated[Path, typer.Option(help="JSONL file to write; holds text of users.")],
    stage: Annotated[
        str | None,
        typer.Option(help=f"Stage that is meant. Without it: the stack in {STACK_FILE}."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Today (UTC) and the days before it.")] = 28,
    sample: Annotated[
        int, typer.Option(min=1, help="About this many requests are drawn, each by itself.")
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Another seed draws other requests.")] = 0,
) -> None:
    """Draw requests from recorded traffic and write them for 'optimize --examples'."""
    deployed = find_deployed(stage)
    kept_days = deployed.settings.router.retention_days
    if days > kept_days:
        raise RouteSwitchError(
            f"--days {days}: records of this stage are kept for {kept_days} days (retention_days)."
        )
    today = datetime.now(UTC).date()
    collect = build_collector(
        deployed.settings,
        deployed.connect("dynamodb"),
        deployed.connect("s3"),
        # Whoever may read the table may read the texts; what is learned from is checked later.
        allowed=lambda example: example,
    )
    collected = collect([today - timedelta(days=n) for n in range(days)], sample, seed)
    if not collected.examples:
        raise RouteSwitchError(collected.note or "No examples were found.")
    write_whole(out, _lines(collected), private=True)
    _tell(out, collected)


def _lines(collected: CollectedExamples) -> str:
    lines = (example.model_dump_json(exclude_defaults=True) for example in collected.examples)
    return "".join(f"{line}\n" for line in lines)


def _tell(out: Path, collected: CollectedExamples) -> None:
    boosted = sum(example.train_only for example in collected.examples)
    typer.echo(
        f"{len(collected.examples)} examples -> {out}: {len(collected.examples) - boosted} of "
        f"{collected.requests} requests, each drawn with probability {collected.probability:.3g}, "
        f"and {boosted} more that have feedback."
    )
    for reason, label in LEFT_OUT.items():
        if collected.left_out.get(reason):
            typer.echo(f"left out: {collected.left_out[reason]} {label}")

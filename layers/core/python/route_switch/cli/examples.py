"""`route-switch examples`: write recorded traffic to a file of examples."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.files import write_whole
from route_switch.cli.options import StageOption, usage_examples
from route_switch.cli.stage import find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.not_used import NOT_USED
from route_switch.services.learning.collect_examples import CollectedExamples
from route_switch.wiring.learning import build_collector

EXAMPLES = usage_examples(
    "examples --out examples.jsonl --stage prod",
    "examples --out examples.jsonl --days 7 --sample 500 --stage prod",
)
LEFT_OUT = {
    **NOT_USED,
    "merged": "requests merged into an equal one",
    "capped": "labels beyond what one client may give",
}


def examples(
    out: Annotated[Path, typer.Option(help="JSONL file to write. It contains users' text.")],
    stage: StageOption = None,
    days: Annotated[
        int, typer.Option(min=1, help="Days of traffic, counted back from today (UTC).")
    ] = 28,
    sample: Annotated[
        int,
        typer.Option(min=1, help="Expected number of requests; each is drawn independently."),
    ] = 2000,
    seed: Annotated[
        int, typer.Option(help="Seed of the sample; another seed draws other requests.")
    ] = 0,
) -> None:
    """Write a sample of recorded requests as examples for 'optimize --examples'."""
    deployed = find_deployed(stage)
    kept_days = deployed.settings.router.retention_days
    if days > kept_days:
        raise UsageError(
            f"--days is {days}, but this stage keeps records for {kept_days} days "
            f"(retention_days). Use --days {kept_days} or less."
        )
    today = datetime.now(UTC).date()
    collect = build_collector(
        deployed.settings,
        deployed.connect("dynamodb"),
        deployed.connect("s3"),
        # The caller may read the table, and so its texts. Learning filters its own input later.
        allowed=lambda example: example,
    )
    collected = collect([today - timedelta(days=n) for n in range(days)], sample, seed)
    if not collected.examples:
        raise RouteSwitchError(collected.note or "No examples were found.")
    write_whole(out, _lines(collected), private=True)
    print_summary(out, collected)


def _lines(collected: CollectedExamples) -> str:
    lines = (example.model_dump_json(exclude_defaults=True) for example in collected.examples)
    return "".join(f"{line}\n" for line in lines)


def print_summary(out: Path, collected: CollectedExamples) -> None:
    boosted = sum(example.train_only for example in collected.examples)
    say(
        f"{len(collected.examples)} examples -> {out}: {len(collected.examples) - boosted} of "
        f"{collected.requests} requests, each drawn with probability {collected.probability:.3g}, "
        f"and {boosted} more that have feedback."
    )
    for reason, label in LEFT_OUT.items():
        if collected.left_out.get(reason):
            say(f"left out: {collected.left_out[reason]} {label}")
    for reason, number in collected.left_out.items():
        if number and reason not in LEFT_OUT:
            say(f"left out: {number} requests ({reason})")
    if collected.unreadable:
        say(f"unreadable: {', '.join(collected.unreadable)}")

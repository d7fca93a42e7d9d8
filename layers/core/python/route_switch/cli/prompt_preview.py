"""`route-switch prompt preview`: which of the last requests an edit would move."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.model_options import prices
from route_switch.cli.options import StageOption, usage_examples
from route_switch.cli.preview import route_all, router_calls
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.stage import aws_errors, find_deployed, find_stage
from route_switch.cli.terminal import say
from route_switch.dashboard.figures import share, usd
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.pricing import cost_usd
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier
from route_switch.services.learning.preview_costs import usage_of
from route_switch.services.learning.route_examples import RoutedExample
from route_switch.services.prompts.stored_numbers import with_stored_numbers
from route_switch.wiring.learning import build_collector

EXAMPLES = usage_examples(
    "prompt preview prompt.md --stage prod",
    "prompt preview prompt.md --days 2 --sample 500 --show 20",
)
SHOWN = 100
"""Characters of a query."""


@aws_errors()
def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Edited prompt, .md or .json.")],
    days: Annotated[
        int, typer.Option(min=1, help="Days of traffic, counted back from today (UTC).")
    ] = 7,
    sample: Annotated[int, typer.Option(min=1, help="Expected number of requests to route.")] = 200,
    show: Annotated[int, typer.Option(min=0, help="Moved requests to print.")] = 5,
    budget_usd: Annotated[
        float, typer.Option(min=0, help="Cap in USD on the router's calls.")
    ] = 1.0,
    stage: StageOption = None,
) -> None:
    """Show which of the last requests an edited prompt would move, and what that costs.

    Asks the stage's router LLM twice per request: with the live prompt and with FILE. Calls no
    tier.
    """
    chosen = find_stage(stage)
    models = chosen.local_models()
    edited = read_prompt(file, models)
    live = chosen.prompts().read_live()
    if live is None:
        raise RouteSwitchError("There is no live prompt to compare with. Deploy the stage first.")
    deployed = find_deployed(stage)
    config = deployed.settings.router
    examples = _last_requests(stage, days, sample)
    listed = prices([], config)
    calls = router_calls(config, lambda name: config.models.price(name) or listed(name), budget_usd)
    served = with_stored_numbers(parse_prompt(live.document), models)
    before = route_all(examples, served, config, calls, ALL_TIERS)
    after = route_all(examples, edited, config, calls, ALL_TIERS)
    _report(examples, before, after, config.models, show)


def _last_requests(stage: str | None, days: int, sample: int) -> Sequence[Example]:
    deployed = find_deployed(stage)
    today = datetime.now(UTC).date()
    collect = build_collector(
        deployed.settings,
        deployed.connect("dynamodb"),
        deployed.connect("s3"),
        # Whoever may read the table may read its texts.
        allowed=lambda example: example,
    )
    collected = collect([today - timedelta(days=n) for n in range(days)], sample)
    examples = [example for example in collected.examples if not example.train_only]
    if not examples:
        raise RouteSwitchError(collected.note or "There are no recorded requests of these days.")
    return examples


def _report(
    examples: Sequence[Example],
    before: Sequence[RoutedExample],
    after: Sequence[RoutedExample],
    models: ModelCatalog,
    show: int,
) -> None:
    pairs = [(e, b.tier, a.tier) for e, b, a in zip(examples, before, after, strict=True)]
    moved = [each for each in pairs if each[1] is not each[2]]
    say(f"{len(moved)} of {len(pairs)} requests would move ({share(len(moved), len(pairs))}).")
    for (one, other), number in sorted(Counter((b, a) for _, b, a in moved).items()):
        say(f"  Tier {one.value} to {other.value}: {number}")
    costs = [(_usd(e, b, models), _usd(e, a, models)) for e, b, a in pairs]
    known = [(b, a) for b, a in costs if b is not None and a is not None]
    if known:
        was, would_be = (sum(each) for each in zip(*known, strict=True))
        say(
            f"All answers would cost {usd(would_be)} instead of {usd(was)} "
            f"({share(would_be - was, was)}), if each model writes as much as the one that "
            "answered."
        )
    if len(known) < len(costs):
        say(f"The cost of {len(costs) - len(known)} is unknown: a model has no price.")
    for example, one, other in moved[:show]:
        say(f"  {one.value} to {other.value}  {' '.join(example.query.split())[:SHOWN]}")


def _usd(example: Example, tier: Tier, models: ModelCatalog) -> float | None:
    return cost_usd(usage_of(example), models.price(models.tiers[tier].model))

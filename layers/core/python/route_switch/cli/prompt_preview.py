"""`route-switch prompt preview`: show which of the last requests an edit would move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.model_options import prices
from route_switch.cli.options import StageOption, usage_examples
from route_switch.cli.preview import router_calls
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.stage import Deployed, aws_errors, find_deployed, find_stage
from route_switch.cli.terminal import note, say
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.operations.amounts import share, usd
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.tiers import ALL_TIERS
from route_switch.services.learning.collect_examples import CollectExamples
from route_switch.services.learning.route_examples import RouteExamples
from route_switch.services.prompts.compare_routing import RoutingComparison
from route_switch.services.prompts.preview_prompt import PreviewPrompt
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
    sample: Annotated[
        int, typer.Option(min=1, help="Number of requests to draw, approximately.")
    ] = 200,
    show: Annotated[int, typer.Option(min=0, help="Moved queries to print.")] = 5,
    budget_usd: Annotated[
        float, typer.Option(min=0, help="Cap in USD on the router LLM's calls.")
    ] = 1.0,
    stage: StageOption = None,
) -> None:
    """Show which of the last requests an edited prompt would move, and what that costs.

    Asks the stage's router LLM about each query twice: with the live prompt and with FILE. Calls no
    tier. If the budget runs out, it shows what it has compared so far.
    """
    chosen = find_stage(stage)
    models = chosen.local_models()
    edited = read_prompt(file, models)
    live = chosen.prompts().read_live()
    if live is None:
        raise RouteSwitchError("There is no live prompt to compare with. Deploy the stage first.")
    served = with_stored_numbers(parse_prompt(live.document), models)
    asked_on = datetime.now(UTC).date()
    found = _preview(find_deployed(stage), budget_usd)(
        served, edited, [asked_on - timedelta(days=n) for n in range(days)], sample
    )
    if not found.comparison.queries:
        raise RouteSwitchError(" ".join(found.notes))
    for said in found.notes:
        note(said)
    _report(found.comparison, show)


def _preview(deployed: Deployed, budget_usd: float) -> PreviewPrompt:
    """Return the service behind `POST /v1/prompt/preview`, without its deadline and its limit to
    providers that are called without LiteLLM."""
    config = deployed.settings.router
    listed = prices([], config)
    calls = router_calls(config, lambda name: config.models.price(name) or listed(name), budget_usd)
    collect: CollectExamples = build_collector(
        deployed.settings,
        deployed.connect("dynamodb"),
        deployed.connect("s3"),
        # The caller may read the table, and so its texts.
        allowed=lambda example: example,
    )
    return PreviewPrompt(
        config,
        lambda days, sample: collect(days, sample, with_feedback=0),
        RouteExamples(config, calls, ALL_TIERS).route,
        CLI_WORDS.setting,
    )


def _report(comparison: RoutingComparison, show: int) -> None:
    moved, n = comparison.moved_requests, comparison.requests
    say(f"{moved} of {n} requests would move ({share(moved, n)}).")
    say(f"They ask {len(comparison.queries)} distinct queries, each of which was routed once.")
    for one, other, number in comparison.moves:
        say(f"  Tier {one.value} to {other.value}: {number}")
    if comparison.costs is not None:
        was, would_be = comparison.costs
        say(
            f"All answers would cost {usd(would_be)} instead of {usd(was)} "
            f"({share(would_be - was, was)}), if each model writes as much as the one that "
            "answered."
        )
    if comparison.unknown_cost:
        say(f"The cost of {comparison.unknown_cost} is unknown: a model has no price.")
    for each in comparison.moved[:show]:
        query = " ".join(each.example.query.split())[:SHOWN]
        say(f"  {each.before.value} to {each.after.value}  {query}")

"""`route-switch preview`: show where routing would send the requests of a log, and the costs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from rich.table import Table

from route_switch.adapters.learning.example_file import read_example_file
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.learning.logs.log_reader import LogReader
from route_switch.adapters.learning.logs.rows import read_log
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import (
    FIRST_ANSWER_S,
    PriceOf,
    check_provider,
    paid_calls,
    prices,
    stop_message,
    tier_models,
    why_no_key,
)
from route_switch.cli.options import (
    PriceOption,
    RouterModelOption,
    TiersOption,
    usage_examples,
)
from route_switch.cli.progress import outage_reporter
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.route import router_config
from route_switch.cli.terminal import console, note, say
from route_switch.cli.unread_queries import why_cut, why_misread
from route_switch.domain.errors import ConfigurationError, RouteSwitchError, RunStoppedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.merging import merge_equal
from route_switch.domain.operations.amounts import share, usd
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.learning.import_log import import_log
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.preview_costs import (
    PreviewedCosts,
    missing_evidence,
    preview_costs,
)
from route_switch.services.learning.route_examples import RoutedExample, RouteExamples, why_unclear
from route_switch.services.learning.spending_caps import LocalCap

EXAMPLES = usage_examples(
    "preview requests.jsonl --tiers openai/gpt-4.1-nano,openai/gpt-4.1-mini,openai/gpt-4.1",
    "preview examples.jsonl --prompt candidate.md --tiers openai/gpt-4.1-nano,openai/gpt-4.1",
)


def preview(
    log: Annotated[
        Path,
        typer.Argument(metavar="LOG", help="A log that 'import' reads, or a file of examples."),
    ],
    tiers: TiersOption,
    prompt: Annotated[
        Path | None, typer.Option(help="Routing prompt. Default: the packaged prompt.")
    ] = None,
    router_model: RouterModelOption = "local/encoder",
    price: PriceOption = None,
    sample: Annotated[
        int,
        typer.Option(min=1, help="Maximum number of requests to route; a longer log is sampled."),
    ] = (1000),
    budget_usd: Annotated[
        float, typer.Option(min=0, help="Cap in USD on the router's calls.")
    ] = 1.0,
) -> None:
    """Show where a prompt sends the requests of a log, and what that costs at list prices.

    Needs no key: the default router runs in this process, and no tier is called. Says nothing about
    the quality of answers, but estimates what it takes to measure it.
    """
    models = tier_models(tiers)
    config = router_config(router_model)
    check_provider(router_model)
    note(why_no_key([router_model], config))
    examples = _drawn(_examples_in(log), sample)
    known = _prices(models, price, config)
    texts = [example.query for example in examples]
    note(why_misread(router_model, texts))
    note(why_cut(router_model, texts))
    routing_prompt = read_prompt(prompt) if prompt else packaged_prompt()
    calls = router_calls(config, prices(price or [], config), budget_usd)
    routed = route_all(examples, routing_prompt, config, calls, frozenset(models))
    total, by_workload = preview_costs(examples, routed, known)
    _print(total, by_workload, models)
    missing = missing_evidence(examples, models, known)
    for line in _evidence(missing.answers, missing.usd, len(examples)):
        say(line)


def router_calls(config: RouterConfig, price_of: PriceOf, budget_usd: float) -> MeteredCalls:
    return paid_calls(
        config,
        price_of,
        MemoryMemo(),
        LocalCap(budget_usd),
        Pace(first_answer_s=FIRST_ANSWER_S),
        outage_reporter(console(sys.stderr)),
    )


def route_all(
    examples: Sequence[Example],
    prompt: RoutingPrompt,
    config: RouterConfig,
    calls: MeteredCalls,
    allowed: frozenset[Tier],
) -> tuple[RoutedExample, ...]:
    """Route, and warn if the router LLM does not name a tier for every query."""
    try:
        routed = RouteExamples(config, calls, allowed)(examples, prompt)
    except RunStoppedError as stop:
        raise RouteSwitchError(stop_message(stop, config)) from stop
    unclear = why_unclear(routed, config.models.router)
    if unclear is not None:
        say(f"warning: {unclear}", err=True)
    return routed


def _examples_in(log: Path) -> tuple[Example, ...]:
    """Return the examples of a file that has them, or those that `import` would make of it."""
    first = next((row.fields for row in read_log(log) if row.problem is None), {})
    if isinstance(first.get("models"), dict) or isinstance(first.get("conversation"), list):
        file = read_example_file(log)
        note(file.note)
        return merge_equal(file.examples)
    reader = LogReader()
    found = import_log(reader.calls(read_log(log)), lambda _: None, {}, {})
    if not found.rows:
        raise RouteSwitchError(
            f"{log} has no call that can be read. 'route-switch import {log} -o "
            "examples.jsonl' says why."
        )
    if reader.left_out:
        note(f"{len(reader.left_out)} of {reader.lines} rows are left out; 'import' says why.")
    return merge_equal(Example.model_validate(row) for row in found.rows)


def _drawn(examples: tuple[Example, ...], most: int) -> tuple[Example, ...]:
    if len(examples) <= most:
        return examples
    note(f"{most} of {len(examples)} requests are drawn; --sample draws more.")
    return tuple(Random(0).sample(examples, most))  # noqa: S311 (a sample, not a secret)


def _prices(
    models: Mapping[Tier, str], price: Sequence[str] | None, config: RouterConfig
) -> dict[Tier, Price]:
    price_of = prices(price or [], config)
    found = {tier: price_of(model) for tier, model in models.items()}
    missing = [models[tier] for tier, known in found.items() if known is None]
    if missing:
        raise ConfigurationError(
            f"No list price is known for {', '.join(missing)}. Set one with --price "
            f"{missing[0]}=INPUT,OUTPUT in USD per million tokens."
        )
    return {tier: known for tier, known in found.items() if known is not None}


def _print(
    total: PreviewedCosts, by_workload: Mapping[str, PreviewedCosts], models: Mapping[Tier, str]
) -> None:
    table = Table("workload", box=None, pad_edge=False)
    heads = [*(f"tier {tier.value}" for tier in models), "bypassed", "routed", "all Tier 3"]
    for head in ("requests", *heads, "saves"):
        table.add_column(head, justify="right")
    rows = sorted(by_workload.items(), key=lambda each: -each[1].weight)
    for name, sums in [*(rows if len(rows) > 1 else ()), ("all", total)]:
        table.add_row(name, *_cells(sums, models))
    console().print(table)


def _cells(sums: PreviewedCosts, models: Mapping[Tier, str]) -> Iterator[str]:
    yield f"{sums.weight:,.0f}"
    for tier in models:
        yield share(sums.mix[tier], sums.weight)
    yield share(sums.bypassed, sums.weight)
    yield usd(sums.routed_usd)
    yield usd(sums.tier_3_usd)
    yield share(sums.tier_3_usd - sums.routed_usd, sums.tier_3_usd)


def _evidence(answers: int, answers_usd: float, rows: int) -> Iterator[str]:
    yield ""
    yield (
        "Costs are list prices times the tokens of the log, as if every model wrote as much as the "
        "one that answered. They include the router's calls."
    )
    yield "These figures do not say how good the answers are."
    if not answers:
        yield "The log has the answers of all tiers: 'route-switch evaluate' compares them."
        return
    yield (
        f"To measure that, {answers:,} answers are needed (about {usd(answers_usd)}), and a judge "
        f"or gold to grade them. 'route-switch optimize --dry-run' estimates the whole run on "
        f"these {rows:,} requests."
    )

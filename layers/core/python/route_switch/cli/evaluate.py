"""`route-switch evaluate`: compare a routing prompt with baselines on examples with results."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.table import Table

from route_switch.adapters.learning.example_file import read_example_file
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.evaluate_rows import MeasuredRows, rows_to_measure
from route_switch.cli.evaluate_verdict import verdict_lines
from route_switch.cli.model_options import (
    FIRST_ANSWER_S,
    check_lambda,
    check_provider,
    optimizer_extra,
    paid_calls,
    prices,
    stop_message,
    tier_models,
    why_no_key,
)
from route_switch.cli.options import (
    IncumbentOption,
    LambdaOption,
    NoBypassOption,
    NoWorseMarginOption,
    PriceOption,
    ProfileOption,
    RouterModelOption,
    TiersOption,
    usage_examples,
)
from route_switch.cli.progress import outage_reporter
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.route import router_config
from route_switch.cli.terminal import console, note, say, say_json
from route_switch.cli.unread_queries import why_cut, why_misread
from route_switch.cli.whole_tables import print_table
from route_switch.domain.errors import RouteSwitchError, RunStoppedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.profiles import BALANCED
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.route_examples import (
    THREADS,
    RoutedExample,
    RouteExamples,
    why_unclear,
)
from route_switch.services.learning.spending_caps import LocalCap

if TYPE_CHECKING:
    from route_switch.optimizer.compare import Comparison, Route
    from route_switch.optimizer.report.figures import Interval, PolicyFigures


EXAMPLES = usage_examples(
    "evaluate --examples log.jsonl --tiers small,medium,large --prompt learned/candidate.md",
    "evaluate --examples log.jsonl --tiers small,large --prompt candidate.md --heldout --json",
)


def evaluate(
    examples: Annotated[
        Path, typer.Option(help="JSONL with 'query' and 'models' per line; may be gzipped.")
    ],
    tiers: TiersOption,
    prompt: Annotated[Path, typer.Option(help="Candidate prompt, .md or .json.")],
    lambda_: LambdaOption = 0.2,
    incumbent: IncumbentOption = None,
    router_model: RouterModelOption = "local/encoder",
    budget_usd: Annotated[
        float, typer.Option(min=0, help="Cap in USD on the router's calls.")
    ] = 1.0,
    no_worse_margin: NoWorseMarginOption = 0.0,
    price: PriceOption = None,
    no_bypass: NoBypassOption = False,
    profile: ProfileOption = BALANCED,
    heldout: Annotated[
        bool, typer.Option("--heldout", help="Use only rows that no prompt learns from.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare a prompt with baselines: cost, quality and objective with 95% intervals.

    Calls the router LLM only. The answers come from the file; rows without results are left out.
    """
    check_lambda(lambda_)
    models = tier_models(tiers)
    prompts = {
        "hand-written": packaged_prompt(),
        "incumbent": read_prompt(incumbent) if incumbent else packaged_prompt(),
        "candidate": read_prompt(prompt),
    }
    config = router_config(router_model, no_bypass)
    file = read_example_file(examples)
    note(file.note)
    price_of = prices(price or [], config)
    check_provider(router_model)
    note(why_no_key([router_model], config))
    pace = Pace(first_answer_s=FIRST_ANSWER_S)
    tell = outage_reporter(console(sys.stderr))
    calls = paid_calls(config, price_of, MemoryMemo(), LocalCap(budget_usd), pace, tell)
    # Rows that say nothing are left out; only `optimize` stops if there are too many of them.
    build = BuildOutcomes(calls, None, 1, no_worse_margin, max_not_understood=1.0)
    measured = rows_to_measure(file, models, prompts, build, price_of, heldout)
    texts = [example.query for example in file.examples]
    note(why_misread(router_model, texts))
    note(why_cut(router_model, texts))
    comparison = _compare(
        measured.table,
        measured.train,
        prompts,
        RouteExamples(config, calls, frozenset(models), profile),
        config,
        lambda_,
    )
    if as_json:
        setting = {
            "rows": measured.name,
            "left_out": dict(measured.left_out),
            "lambda": lambda_,
            "no_worse_margin": no_worse_margin,
            "tiers": models,
            "router_model": router_model,
            "profile": profile,
        }
        say_json({**setting, **_as_json(comparison)}, indent=2)
    else:
        _print_table(comparison, measured, lambda_, profile)


def _compare(
    table: OutcomeTable,
    train: OutcomeTable | None,
    prompts: dict[str, RoutingPrompt],
    route: RouteExamples,
    config: RouterConfig,
    lambda_: float,
) -> "Comparison":
    with optimizer_extra():  # imported here, so that the other commands work without the extra
        from route_switch.adapters.models.encoder import EncoderClient
        from route_switch.optimizer.compare import Embedding, compare
        from route_switch.optimizer.embeddings import RememberedEmbeddings
    try:
        embed = RememberedEmbeddings(EncoderClient().embed, MemoryMemo(), Pace(), THREADS)
        embedding = Embedding(embed, config.router_max_input_tokens)
        router = config.models.router
        return compare(table, train, prompts, _warning(route, router), embedding, lambda_)
    except RunStoppedError as stop:
        raise RouteSwitchError(stop_message(stop, config)) from stop


def _warning(route: RouteExamples, router: str) -> "Route":
    """Route, and warn if the router LLM does not name a tier for every query."""

    def routed(examples: Sequence[Example], prompt: RoutingPrompt) -> Sequence[RoutedExample]:
        found = route(examples, prompt)
        warning = why_unclear(found, router)
        if warning is not None:
            say(f"warning: with prompt {prompt.version}, {warning}", err=True)
        return found

    return routed


def _as_json(comparison: "Comparison") -> dict[str, JsonValue]:
    return {
        "n": comparison.n,
        "templates": comparison.templates,
        "tier_3_usd": comparison.tier_3_usd,
        "policies": [_policy_json(figures) for figures in comparison.policies],
        "against": {name: gain.model_dump() for name, gain in comparison.against.items()},
        "shuffled_labels_against_random": {
            name: control.model_dump() for name, control in comparison.controls.items()
        },
    }


def _policy_json(figures: "PolicyFigures") -> JsonValue:
    """Return cost, quality and retention as numbers, with their intervals in `intervals`."""
    plain = {"cost": figures.cost, "quality": figures.quality, "retention": figures.retention}
    return {
        "policy": figures.policy,
        **{name: interval.mean for name, interval in plain.items()},
        "objective": figures.objective.model_dump(),
        "mix": {str(tier.value): share for tier, share in figures.mix.items()},
        "intervals": {
            name: interval.model_dump(include={"low", "high"}) for name, interval in plain.items()
        },
        "latency_ms": figures.latency_ms.model_dump() if figures.latency_ms else None,
    }


def _print_table(
    comparison: "Comparison", rows: MeasuredRows, lambda_: float, profile: str
) -> None:
    with optimizer_extra():
        from route_switch.optimizer.report.text_format import difference
    asked = "" if profile == BALANCED else f", profile {profile}"
    title = f"{comparison.n} rows ({rows.name}), λ = {lambda_:g}{asked}, 95% intervals below"
    columns = ("policy", "cost", "quality", "retention", "objective", "mix, %", "candidate −")
    table = Table(
        *columns,
        title=title,
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        show_edge=False,
    )
    for figures in comparison.policies:
        gain = comparison.against.get(figures.policy)
        table.add_row(
            figures.policy,
            *map(_cell, (figures.cost, figures.quality, figures.retention, figures.objective)),
            "/".join(f"{100 * share:.0f}" for share in figures.mix.values()),
            _cell(gain, signed=True) if gain else "",
        )
    if rows.remark is not None:
        say(rows.remark)
    print_table(table)
    controls = (f"{name} {difference(each)}" for name, each in comparison.controls.items())
    console().print(
        f"Control: learned from shuffled labels, minus random at the same mix: "
        f"{', '.join(controls)}."
    )
    for line in verdict_lines(comparison):
        say(f"\n{line}")


def _cell(interval: "Interval", *, signed: bool = False) -> str:
    """Print the ends with two decimals, so that the table fits 80 columns."""
    with optimizer_extra():
        from route_switch.optimizer.report.text_format import bounds, fixed
    return f"{fixed(interval.mean, 3, signed=signed)}\n{bounds(interval, signed=signed)}"

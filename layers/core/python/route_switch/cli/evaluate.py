"""`route-switch evaluate`: a routing prompt beside the baselines, on examples with results."""

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from route_switch.adapters.models.registry import ModelClients
from route_switch.bootstrap import packaged_prompt
from route_switch.cli._stand_ins import (
    UncappedCalls,
    file_digest,
    read_examples,
    recorded_table,
    train_and_heldout,
)
from route_switch.cli.route import read_prompt, router_config
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.outcome import OutcomeTable, tiers_of
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.route_examples import RouteExamples

if TYPE_CHECKING:
    from route_switch.adapters.models.encoder import EncoderClient
    from route_switch.optimizer.compare import Comparison
    from route_switch.optimizer.figures import Interval, PolicyFigures


def evaluate(
    examples: Annotated[Path, typer.Option(help="JSONL with 'query' and 'models'; may be gzip.")],
    tiers: Annotated[
        str, typer.Option(help="Models in the file: SMALL,MEDIUM,LARGE or SMALL,LARGE.")
    ],
    prompt: Annotated[Path, typer.Option(help="The candidate, .md or .json.")],
    lambda_: Annotated[
        float, typer.Option("--lambda", help="What the cost of all-Tier-3 weighs in quality.")
    ] = 0.2,
    incumbent: Annotated[
        Path | None, typer.Option(help="The prompt that is live; else the packaged one.")
    ] = None,
    router_model: Annotated[
        str, typer.Option(help="Router LLM as provider/model.")
    ] = "local/encoder",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show cost, quality and objective of a prompt beside baselines, with 95% intervals."""
    if not (math.isfinite(lambda_) and lambda_ >= 0):
        raise ConfigurationError(f"--lambda is {lambda_}, but must be 0 or more, such as 0.2.")
    models = tiers_of(tuple(name.strip() for name in tiers.split(",")))
    prompts = {
        "hand-written": packaged_prompt(),
        "incumbent": read_prompt(incumbent) if incumbent else packaged_prompt(),
        "candidate": read_prompt(prompt),
    }
    table, train = _rows(examples, models, prompts)
    comparison = _compare(table, train, prompts, router_model, lambda_)
    if not comparison.router_price_known:
        typer.echo(
            f"warning: what {router_model} costs is not known; costs leave the router out.",
            err=True,
        )
    rows = "all" if train is None else "held-out"
    if as_json:
        setting = {"rows": rows, "lambda": lambda_, "tiers": models, "router_model": router_model}
        typer.echo(json.dumps({**setting, **_as_json(comparison)}, indent=2))
    else:
        _print_table(comparison, rows, lambda_)


def _rows(
    path: Path, models: dict[Tier, str], prompts: dict[str, RoutingPrompt]
) -> tuple[OutcomeTable, OutcomeTable | None]:
    """The rows to measure on, and those that a baseline may learn from.

    All rows and None, unless a prompt was learned from this very file: then it has seen the rest,
    and only held-out rows tell anything.
    """
    examples = read_examples(path)
    digest = file_digest(path)
    if all(prompt.provenance.get("examples") != digest for prompt in prompts.values()):
        return recorded_table(examples, models), None
    train, heldout = train_and_heldout(examples)
    return recorded_table(heldout, models), recorded_table(train, models)


def _compare(
    table: OutcomeTable,
    train: OutcomeTable | None,
    prompts: dict[str, RoutingPrompt],
    router_model: str,
    lambda_: float,
) -> "Comparison":
    try:
        # Here, so that the other commands work without the packages that only this one needs.
        from route_switch.optimizer.compare import Embedding, compare
    except ImportError as error:
        raise ConfigurationError(
            f"evaluate cannot start: {error}. Install the extra `route-switch[optimizer]`."
        ) from error
    config = router_config(router_model)
    clients = ModelClients(config, os.environ.get)
    encoder = cast("EncoderClient", clients("local"))
    return compare(
        table,
        train,
        prompts,
        RouteExamples(config, UncappedCalls(clients), frozenset(table.tiers)),
        Embedding(encoder.embed, config.router_max_input_tokens),
        lambda_,
    )


def _as_json(comparison: "Comparison") -> dict[str, JsonValue]:
    return {
        "n": comparison.n,
        "tier_3_usd": comparison.tier_3_usd,
        "router_price_known": comparison.router_price_known,
        "policies": [_policy_json(figures) for figures in comparison.policies],
        "against": {name: gain.model_dump() for name, gain in comparison.against.items()},
        "shuffled_labels_against_random": comparison.control.model_dump(),
    }


def _policy_json(figures: "PolicyFigures") -> JsonValue:
    """Cost, quality and retention are plain numbers; their intervals stand beside them."""
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


def _print_table(comparison: "Comparison", rows: str, lambda_: float) -> None:
    title = f"{comparison.n} rows ({rows}), λ = {lambda_:g}, 95% intervals below"
    columns = ("policy", "cost", "quality", "retention", "objective", "% per tier", "candidate −")
    table = Table(*columns, title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for figures in comparison.policies:
        gain = comparison.against.get(figures.policy)
        table.add_row(
            figures.policy,
            *map(_cell, (figures.cost, figures.quality, figures.retention, figures.objective)),
            "/".join(f"{100 * share:.0f}" for share in figures.mix.values()),
            _cell(gain, "+.3f") if gain else "",
        )
    console = Console()
    console.print(table)
    control = comparison.control
    console.print(
        f"Control: a learner on shuffled labels minus random at its mix is {control.mean:+.3f} "
        f"({control.low:+.3f} to {control.high:+.3f})."
    )


def _cell(interval: "Interval", form: str = ".3f") -> str:
    return f"{interval.mean:{form}}\n{interval.low:{form}}–{interval.high:{form}}"

"""`route-switch optimize`: learns a routing prompt from examples."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markdown import Markdown

from route_switch.adapters.learning.example_file import file_digest, read_examples
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import (
    check_lambda,
    known_prices,
    optimizer_needed,
    prices,
    tier_models,
)
from route_switch.cli.route import read_prompt, router_config
from route_switch.domain.learning.calibration import MIN_KAPPA, why_partial
from route_switch.domain.tiers import Tier
from route_switch.services.learning.pace import Pace


def optimize(
    examples: Annotated[Path, typer.Option(help="JSONL of examples; may be gzip.")],
    tiers: Annotated[
        str, typer.Option(help="Models, small to large: SMALL,MEDIUM,LARGE or SMALL,LARGE.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same one resumes it.")],
    lambda_: Annotated[
        float, typer.Option("--lambda", help="What the cost of all-Tier-3 weighs in quality.")
    ] = 0.2,
    router_model: Annotated[
        str, typer.Option(help="Router LLM as provider/model.")
    ] = "local/encoder",
    proposer_model: Annotated[
        str | None,
        typer.Option(help="Writes instructions; else the large model, or offline/proposer."),
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option(help="Grades answers that nothing else grades.")
    ] = None,
    judge_floor: Annotated[
        float, typer.Option(help="Cohen's κ against labels below which a person has to approve.")
    ] = MIN_KAPPA,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    budget_usd: Annotated[float, typer.Option(min=0, help="Cap on all that the run pays.")] = 5.0,
    threads: Annotated[int, typer.Option(min=1, max=256)] = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate, and stop.")] = False,
    incumbent: Annotated[
        Path | None, typer.Option(help="The prompt to start from; else the packaged one.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Searches, each from the last winner.")] = 2,
    candidates: Annotated[int, typer.Option(min=4, help="Instructions and demo sets each.")] = 14,
    trials: Annotated[int, typer.Option(min=1, help="Prompts evaluated in a round.")] = 40,
    demos: Annotated[int, typer.Option(min=1, help="Most demos in a prompt.")] = 16,
    learn_from_text: Annotated[
        Literal["off", "redacted", "full"],
        typer.Option(help="What prompts and reports may show of traffic's text."),
    ] = "redacted",
    price: Annotated[
        list[str] | None, typer.Option(help="MODEL=INPUT,OUTPUT, USD per million tokens.")
    ] = None,
    calls_per_minute: Annotated[float | None, typer.Option(min=0.1)] = None,
    stop_after: Annotated[
        float | None, typer.Option(min=0, help="Seconds; the next run goes on from there.")
    ] = None,
    monthly_queries: Annotated[int, typer.Option(min=1, help="For the saving.")] = 100_000,
    gate_history: Annotated[
        Path | None, typer.Option(help="What earlier gates used up; read, and written at the end.")
    ] = None,
) -> None:
    """Find the prompt with the highest quality − λ · cost, and say whether it is better."""
    check_lambda(lambda_)
    with optimizer_needed():  # here, so that the other commands do without it
        from route_switch.cli.run import FolderRun, print_estimate
        from route_switch.optimizer.learning_job import default_proposer
        from route_switch.optimizer.learning_steps import Plan
        from route_switch.optimizer.mipro_search import SearchSize
        from route_switch.optimizer.report.markdown_page import to_markdown
    models = tier_models(tiers)
    config = router_config(router_model)
    proposer = proposer_model or default_proposer(models, router_model)
    price_of = prices(price or [], config)
    names = (*models.values(), router_model, proposer, *([judge_model] if judge_model else []))
    plan = Plan(
        models=models,
        prices=known_prices(names, price_of),
        config=config,
        proposer_model=proposer,
        judge_model=judge_model,
        lambda_=lambda_,
        seed=seed,
        threads=threads,
        rounds=rounds,
        size=SearchSize(candidates=candidates, trials=trials, demos=demos),
        learn_from_text=learn_from_text,
        lowest_kappa=judge_floor,
    )
    partial = why_partial(judge_model, models[Tier.LARGE]) if judge_model else None
    if partial is not None:
        typer.echo(f"warning: {partial}", err=True)
    rows = read_examples(examples)
    if dry_run:
        print_estimate(rows, plan, budget_usd)
        return
    run = FolderRun(
        plan,
        rows,
        file_digest(examples),
        read_prompt(incumbent) if incumbent else packaged_prompt(),
        out,
        budget_usd,
        price_of,
        Pace(calls_per_minute, _remaining(stop_after)),
        monthly_queries,
        gate_history,
    )
    report = run()
    Console().print(Markdown(to_markdown(report)))
    typer.echo(f"{out / 'candidate.md'}: the prompt; {out / 'report.html'}: the report")


def _remaining(stop_after: float | None) -> Callable[[], float]:
    end = time.monotonic() + (math.inf if stop_after is None else stop_after)
    return lambda: end - time.monotonic()

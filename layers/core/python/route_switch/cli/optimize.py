"""`route-switch optimize`: learn a routing prompt from examples."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from route_switch.adapters.learning.example_file import file_digest, read_example_file
from route_switch.adapters.models.litellm_catalog import takes_schema
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import (
    FIRST_ANSWER_S,
    check_lambda,
    check_trials,
    known_prices,
    optimizer_extra,
    prices,
    tier_models,
    why_no_key,
)
from route_switch.cli.options import (
    IncumbentOption,
    LambdaOption,
    NoBypassOption,
    NoWorseMarginOption,
    PriceOption,
    RouterModelOption,
    TiersOption,
    usage_examples,
)
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.route import router_config
from route_switch.cli.terminal import note, say
from route_switch.cli.unread_queries import why_cut, why_misread
from route_switch.cli.whole_tables import print_markdown
from route_switch.domain.learning.calibration import MIN_KAPPA, why_partial
from route_switch.domain.learning.learning_config import LearnedStrategy, OptimizerName
from route_switch.domain.learning.understanding import MAX_NOT_UNDERSTOOD
from route_switch.domain.tiers import Tier
from route_switch.services.learning.pace import Pace

EXAMPLES = usage_examples(
    "optimize --examples log.jsonl --tiers small,medium,large --out learned --dry-run",
    "optimize --examples log.jsonl --tiers small,medium,large --out learned --budget-usd 2",
    "optimize --examples log.jsonl --tiers small,large --out learned --max-quality-loss 0.05",
    "optimize --examples log.jsonl --tiers small,large --out learned --optimizer gepa",
    "optimize --examples log.jsonl --tiers small,medium,large --out learned --strategy auto",
    "optimize --examples log.jsonl --tiers openai/gpt-4o-mini,openai/gpt-4.1 --out learned "
    "--router-model openai/gpt-4o-mini --judge-model openai/gpt-4.1-mini",
)


def optimize(
    examples: Annotated[Path, typer.Option(help="JSONL of examples; may be gzipped.")],
    tiers: TiersOption,
    out: Annotated[
        Path, typer.Option(help="Folder of the run. The same command on it resumes the run.")
    ],
    strategy: Annotated[
        LearnedStrategy,
        typer.Option(
            help="What to propose: a better prompt; a local model, which needs no router LLM; "
            "hybrid, which asks the router LLM where the local model is unsure; or auto, the best "
            "of them on validation rows."
        ),
    ] = "prompt",
    lambda_: LambdaOption = 0.2,
    router_model: RouterModelOption = "local/encoder",
    proposer_model: Annotated[
        str | None,
        typer.Option(
            help="Model that writes instructions. Default: the large tier or the router LLM if it "
            "can be called, else offline/proposer."
        ),
    ] = None,
    judge_model: Annotated[
        str | None,
        typer.Option(
            help="Model that grades answers without feedback, test result or gold. Default: none."
        ),
    ] = None,
    judge_floor: Annotated[
        float,
        typer.Option(
            help="Minimum agreement (Cohen's κ) of the judge with labels; below it, a person must "
            "approve."
        ),
    ] = MIN_KAPPA,
    max_quality_loss: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=0.5,
            help="Find the cheapest policy that keeps this promise: at most this share of answers "
            "is worse than Tier 3's, with 95% confidence. Without that evidence, no prompt is "
            "promoted.",
        ),
    ] = None,
    no_worse_margin: NoWorseMarginOption = 0.0,
    max_not_understood: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Largest share of gold answers not recognized in Tier 3's answer, verdicts that "
            "cannot be read, router replies without a tier, or refused answers; above it the run "
            "stops.",
        ),
    ] = MAX_NOT_UNDERSTOOD,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 1,
    budget_usd: Annotated[
        float, typer.Option(min=0, help="Cap in USD on everything that the run pays for.")
    ] = 5.0,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Concurrent model calls.")] = 8,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the expected cost and stop.")
    ] = False,
    incumbent: IncumbentOption = None,
    optimizer: Annotated[
        OptimizerName,
        typer.Option(
            help="How to search for a better prompt: mipro (MIPROv2) combines new instructions "
            "with demos; gepa revises the instruction after reading what its choices cost."
        ),
    ] = "mipro",
    rounds: Annotated[
        int, typer.Option(min=1, help="Number of searches, each from the previous winner.")
    ] = 2,
    candidates: Annotated[
        int, typer.Option(min=4, help="Number of instructions and of demo sets per round.")
    ] = 14,
    trials: Annotated[int, typer.Option(min=1, help="Prompts evaluated per round.")] = 40,
    demos: Annotated[
        int,
        typer.Option(
            min=1, help="Maximum number of demos in a prompt; gepa keeps the incumbent's demos."
        ),
    ] = 9,
    no_bypass: NoBypassOption = False,
    learn_from_text: Annotated[
        Literal["off", "redacted", "full"],
        typer.Option(help="How much of the traffic's text the proposer and prompts may show."),
    ] = "redacted",
    price: PriceOption = None,
    calls_per_minute: Annotated[
        float | None, typer.Option(min=0.1, help="Rate limit of model calls. Default: none.")
    ] = None,
    stop_after: Annotated[
        float | None,
        typer.Option(
            min=0, help="Stop after this many seconds; the same command resumes. Default: never."
        ),
    ] = None,
    monthly_queries: Annotated[
        int, typer.Option(min=1, help="Queries per month, for the saving in the report.")
    ] = 100_000,
    gate_history: Annotated[
        Path | None,
        typer.Option(
            help="File with the history of earlier gates. Default: gate-history.json in the "
            "run's folder."
        ),
    ] = None,
) -> None:
    """Find the routing policy with the highest quality − λ · cost and test it on held-out rows.

    Quality is the share of queries whose answer is rated no worse than Tier 3's. Cost is what
    answers and router cost, divided by the cost of the same queries on Tier 3.
    """
    check_lambda(lambda_)
    check_trials(optimizer, trials)
    with optimizer_extra():  # imported here, so that the other commands work without the extra
        from route_switch.cli.folder_run import FolderRun, print_estimate
        from route_switch.cli.run_checks import only_recorded, why_another_proposes
        from route_switch.optimizer.learning_job import default_proposer
        from route_switch.optimizer.plan import Plan
        from route_switch.optimizer.prompt_search import SearchSize
        from route_switch.optimizer.report.markdown_page import to_markdown
    models = tier_models(tiers)
    config = router_config(router_model, no_bypass)
    file = read_example_file(examples)
    note(file.note)
    texts = [example.query for example in file.examples]
    note(why_misread(router_model, texts))
    note(why_cut(router_model, texts))
    recorded = only_recorded(file.examples, models)
    proposer = proposer_model or default_proposer(models, router_model, recorded)
    if strategy != "local":
        note(why_another_proposes(models[Tier.LARGE], recorded, proposer, proposer_model))
    price_of = prices(price or [], config)
    writers = () if strategy == "local" else (proposer,)
    names = (*models.values(), router_model, *writers, *([judge_model] if judge_model else []))
    note(why_no_key([name for name in names if name not in recorded], config))
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
        strategy=strategy,
        lowest_kappa=judge_floor,
        max_quality_loss=max_quality_loss,
        no_worse_margin=no_worse_margin,
        judge_takes_schema=judge_model is not None and takes_schema(judge_model),
        max_not_understood=max_not_understood,
        optimizer=optimizer,
    )
    partial = why_partial(judge_model, models[Tier.LARGE]) if judge_model else None
    if partial is not None:
        say(f"warning: {partial}", err=True)
    if dry_run:
        print_estimate(file.examples, plan, budget_usd, gate_history)
        return
    run = FolderRun(
        plan,
        file.examples,
        file_digest(examples),
        read_prompt(incumbent) if incumbent else packaged_prompt(),
        out,
        budget_usd,
        price_of,
        Pace(calls_per_minute, _remaining(stop_after), first_answer_s=FIRST_ANSWER_S),
        monthly_queries,
        gate_history,
        odd_lines=len(file.odd),
    )
    report = run()
    print_markdown(to_markdown(report))
    say(f"Prompt: {out / 'candidate.md'}; report: {out / 'report.html'}")


def _remaining(stop_after: float | None) -> Callable[[], float]:
    end = time.monotonic() + (math.inf if stop_after is None else stop_after)
    return lambda: end - time.monotonic()

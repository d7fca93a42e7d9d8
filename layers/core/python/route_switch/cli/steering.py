"""`route-switch steering`: measure how far texts around a query move its tier."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.steering_strings import packaged_strings, read_strings
from route_switch.cli.model_options import check_provider, why_no_key
from route_switch.cli.options import JsonOption, RouterModelOption, usage_examples
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.route import read_queries, router_config
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say, say_json
from route_switch.cli.whole_tables import print_table
from route_switch.domain.decision import Reason
from route_switch.domain.errors import ModelError
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.steering import (
    Direction,
    SteeringScore,
    SteeringString,
    score_steering,
)
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.services.deadline import Deadline
from route_switch.wiring.router import build_tier_chooser

EXAMPLES = usage_examples(
    "steering",
    "steering --prompt learned/candidate.json --queries queries.jsonl",
    "steering --router-model openai/gpt-4.1-nano --sample 10 --max-calls 2500",
)
FREE_ROUTERS = ("local/", "offline/")
THREADS = 4
PROGRESS_S = 10.0
RouteTexts = Callable[[Sequence[str]], Sequence[Tier]]
TITLES: dict[Direction, str] = {
    "up": "to a larger model",
    "down": "to a smaller model",
    "control": "by harmless texts",
}


def steering(
    prompt: Annotated[
        Path | None,
        typer.Option(help="Routing prompt, .md or .json. Default: the packaged prompt."),
    ] = None,
    router_model: RouterModelOption = "local/encoder",
    queries: Annotated[
        Path | None,
        typer.Option(help="JSONL with 'query' per line. Default: queries of the packaged sample."),
    ] = None,
    strings: Annotated[
        Path | None,
        typer.Option(help="JSON list of strings to try in addition to the packaged ones."),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=1, help="Queries from Tier 1, and from Tier 3, to try each string on."),
    ] = 30,
    max_calls: Annotated[
        int,
        typer.Option(min=0, help="Maximum number of router calls, if the router LLM costs money."),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure how easily text added around a query changes its tier.

    Texts that ask for a larger model are added to queries that go to Tier 1, and texts that ask for
    a smaller one to queries that go to Tier 3.
    """
    routing_prompt = read_prompt(prompt) if prompt else packaged_prompt()
    packaged = packaged_strings()
    own = read_strings(strings, [each.id for each in packaged]) if strings else ()
    tried = (*packaged, *own)
    config = router_config(router_model, no_bypass=True)
    asked = [row.query for row in read_queries(queries)] if queries else sample_queries()
    if strategy_in_effect(config, routing_prompt) != "local":
        check_provider(router_model)
        _check_calls(router_model, _most_calls(tried, asked[: 20 * sample], sample), max_calls)
        _check_key(router_model, config)
    asked = asked[: 20 * sample]
    route = with_progress(router_for(config, routing_prompt), _most_calls(tried, asked, sample))
    score = score_steering(tried, asked, route, sample)
    if not score.easy and not score.hard:
        raise UsageError("No query goes to Tier 1 or Tier 3, so nothing can be moved.")
    if as_json:
        say_json({"prompt_version": routing_prompt.version, **score.as_json()}, indent=2)
    else:
        _print(score, routing_prompt)


def _most_calls(strings: Sequence[SteeringString], queries: Sequence[str], sample: int) -> int:
    controls = sum(string.direction == "control" for string in strings)
    return len(queries) + sample * (len(strings) + controls)


def _check_calls(router_model: str, needed: int, most: int) -> None:
    """Raise `UsageError` if a router LLM that costs money might be called too often."""
    if router_model.startswith(FREE_ROUTERS) or needed <= most:
        return
    raise UsageError(
        f"This takes up to {needed} calls of {router_model}, and --max-calls allows {most}. Try "
        f"fewer queries with --sample, or allow the calls with --max-calls {needed}."
    )


def sample_queries() -> list[str]:
    """Return the queries of the packaged sample. Raise `UsageError` if it is not installed."""
    try:
        from route_switch_offline import load_results
    except ImportError as error:
        raise UsageError(
            "The packaged sample is not installed. Give queries of your own with --queries, or "
            "install the extra `route-switch[local]`."
        ) from error
    return [row.query for row in load_results()]


def router_for(config: RouterConfig, prompt: RoutingPrompt) -> RouteTexts:
    """Return a function that routes texts as serving does, without AWS. It raises `ModelError` if
    the router LLM fails."""
    choose_tier = build_tier_chooser(config, os.environ.get)

    def tier_of(text: str) -> Tier:
        deadline = Deadline(config.request_deadline_s)
        choice = choose_tier(Query(text), prompt, prompt.version, ALL_TIERS, deadline)
        call = choice.router_call
        if choice.decision.reason is Reason.FALLBACK and call is not None and call.error:
            raise ModelError(f"The router LLM failed, so nothing is measured: {call.error}")
        return choice.decision.tier

    until_failure = _until_failure(tier_of)
    is_local = str(config.models.router).startswith("local/")  # bound by the processor

    def route(texts: Sequence[str]) -> Sequence[Tier]:
        with ThreadPoolExecutor(1 if is_local else THREADS) as pool:
            try:
                return list(pool.map(until_failure, texts))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # the others would fail too
                raise

    return route


def _until_failure(call: Callable[[str], Tier]) -> Callable[[str], Tier]:
    """Raise the error of the first failed call instead of making another, which may cost money."""
    failures: list[BaseException] = []

    def call_or_raise(text: str) -> Tier:
        if failures:
            raise failures[0]
        try:
            return call(text)
        except BaseException as error:
            failures.append(error)
            raise

    return call_or_raise


def _check_key(router_model: str, config: RouterConfig) -> None:
    why = why_no_key([router_model], config)
    if why is not None:
        raise UsageError(why)


def with_progress(
    route: RouteTexts, most: int, clock: Callable[[], float] = time.monotonic
) -> RouteTexts:
    """Report to standard error, every `PROGRESS_S`, how many of at most `most` texts are routed."""
    routed, said_at = 0, clock()

    def route_and_say(texts: Sequence[str]) -> Sequence[Tier]:
        nonlocal routed, said_at
        tiers = route(texts)
        routed += len(texts)
        if clock() - said_at >= PROGRESS_S:
            said_at = clock()
            say(f"{routed:,} of at most {most:,} texts are routed …", err=True)
        return tiers

    return route_and_say


def _print(score: SteeringScore, prompt: RoutingPrompt) -> None:
    say(
        f"Prompt {prompt.version}, strings {score.strings_digest}: {score.easy} queries of Tier 1 "
        f"and {score.hard} of Tier 3, each in {len(score.scores)} texts."
    )
    for direction, title in TITLES.items():
        if not score.of(direction):
            continue
        if not any(each.n for each in score.of(direction)):
            tier = "Tier 1" if direction == "up" else "Tier 3"
            say(f"\nMoved {title}: not measured, because no query goes to {tier} by itself.")
            continue
        say(f"\nMoved {title}: {score.mean(direction):.1%} on average")
        table = Table("family", "texts", "mean", "worst text", "moved (95% interval)")
        for family in sorted(score.families(direction), key=lambda each: -each.worst.share):
            worst = family.worst
            table.add_row(
                escape(family.family),
                str(len(family.scores)),
                f"{family.mean:.1%}",
                escape(worst.string.id),
                worst.share_and_interval,
            )
        print_table(table)

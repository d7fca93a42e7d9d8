"""The seam for routing: one way from query to tier, for every strategy and caller."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.decision import Reason, nearest_allowed
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply, RoutingContext, Suggestion, choose_tier
from route_switch.domain.strategies.prompt_strategy import PromptStrategy
from route_switch.domain.strategies.registry import STRATEGIES, strategy_named
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.domain.usage import Usage
from route_switch.services.deadline import Deadline
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch.services.learning.route_examples import RouteExamples
from route_switch.wiring.router import build_tier_chooser

CONFIG = router_config("fake/router")
LONG = "Explain, please, how one proves that a function is continuous."
SUGGESTIONS = st.builds(
    Suggestion,
    st.none() | st.sampled_from(Tier),
    st.just("by length"),
    st.none() | st.floats(0, 1),
)


@dataclass(frozen=True)
class Fixed:
    suggestion: Suggestion

    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        return self.suggestion


class ByLength:
    """A strategy in one file, which asks no model."""

    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        tier = Tier.LARGE if query.tokens > 12 else Tier.SMALL
        return Suggestion(tier, "by length", 0.75)


def nobody(_: tuple[JsonObject, ...], __: Mapping[str, JsonValue]) -> RouterReply | None:
    raise AssertionError("the router LLM was asked")


def context(config: RouterConfig = CONFIG, reply: str | None = None) -> RoutingContext:
    said = None if reply is None else RouterReply(reply)
    return RoutingContext(config, packaged_prompt(), (lambda _, __: said) if said else nobody)


@given(SUGGESTIONS, st.sets(st.sampled_from(Tier), min_size=1), st.sampled_from(Tier))
def test_the_choice_is_always_an_allowed_tier_nearest_to_the_suggestion_or_the_safe_tier(
    suggestion: Suggestion, allowed: set[Tier], safe: Tier
) -> None:
    config = CONFIG.model_copy(update={"safe_tier": safe})
    choice = choose_tier(Query(LONG), Fixed(suggestion), context(config), frozenset(allowed))
    chosen = safe if suggestion.tier is None else suggestion.tier
    assert choice.chosen is chosen
    assert choice.tier is nearest_allowed(chosen, frozenset(allowed))
    assert choice.reason is (Reason.FALLBACK if suggestion.tier is None else Reason.ROUTER)


@given(SUGGESTIONS)
def test_a_short_query_bypasses_every_strategy(suggestion: Suggestion) -> None:
    choice = choose_tier(Query("hello"), Fixed(suggestion), context(), ALL_TIERS)
    assert (choice.tier, choice.reason) == (Tier.SMALL, Reason.BYPASS)


def test_without_a_strategy_a_query_goes_to_the_safe_tier() -> None:
    choice = choose_tier(Query(LONG), None, context(), ALL_TIERS)
    assert (choice.tier, choice.reason) == (CONFIG.safe_tier, Reason.FALLBACK)
    assert choose_tier(Query("hello"), None, context(), ALL_TIERS).reason is Reason.BYPASS


@pytest.mark.parametrize(
    ("reply", "tier"), [("3", Tier.LARGE), ("Tier 1.", Tier.SMALL), ("perhaps", None)]
)
def test_the_prompt_strategy_reads_the_reply_of_the_router_llm(
    reply: str, tier: Tier | None
) -> None:
    assert PromptStrategy().suggest(Query(LONG), context(reply=reply)).tier is tier


def test_an_unknown_strategy_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"'magic'.*one of prompt"):
        strategy_named("magic")


def test_a_strategy_is_one_registry_row_for_serving_and_for_learning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(STRATEGIES, "length", ByLength)
    config = CONFIG.model_copy(update={"strategy": "length"})
    serve = build_tier_chooser(config, lambda _: None)
    learn = RouteExamples(config, paid, ALL_TIERS)
    for query, tier in (("hello", Tier.SMALL), ("What is the capital of Peru?", Tier.SMALL)):
        served = serve(Query(query), packaged_prompt(), "v1", ALL_TIERS, Deadline(10)).decision
        [learned] = learn([Example(id="1", query=query)], packaged_prompt())
        assert served.tier is learned.tier is tier
    served = serve(Query(LONG), packaged_prompt(), "v1", ALL_TIERS, Deadline(10)).decision
    [learned] = learn([Example(id="1", query=LONG)], packaged_prompt())
    assert served.tier is learned.tier is Tier.LARGE
    assert (served.reason, served.routed_tier, served.why) == (
        Reason.ROUTER,
        Tier.LARGE,
        "by length",
    )


def paid(
    name: str,
    messages: tuple[JsonObject, ...],
    params: Mapping[str, JsonValue],
    purpose: Purpose,
    *,
    about: str | None = None,
) -> Reply:
    return Reply("2", Usage(0, 0), 0.0, 0.0)

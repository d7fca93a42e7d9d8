"""Examples are routed like requests, except that a failing router is an error."""

from collections.abc import Mapping
from contextlib import nullcontext

import pytest
from pydantic import JsonValue

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.errors import (
    InvalidModelRequestError,
    NotUnderstoodError,
    ProviderDownError,
    ProviderUnusableError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.understanding import ReplyCount
from route_switch.domain.ports import JsonObject
from route_switch.domain.quoted_query import as_data
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import ROUTER_PARAMS
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.domain.usage import Usage
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch.services.learning.route_examples import (
    RoutedExample,
    RouteExamples,
    check_replies,
    count_named,
)
from tests.support.local_models import with_local_model

TWO = frozenset({Tier.SMALL, Tier.LARGE})
LONG = "Explain, please, how one proves that a function is continuous."


class Router:
    """Answers everything with `text`, or with the error."""

    def __init__(self, text: str | BaseException) -> None:
        self._text = text
        self.asked: list[tuple[str, str, Purpose]] = []

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        self.asked.append((name, str(messages[-1]["content"]), purpose))
        if isinstance(self._text, BaseException):
            raise self._text
        return Reply(self._text, Usage(50, 1), 0.25, 40.0)


def route(
    router: Router,
    *queries: str,
    allowed: frozenset[Tier] = ALL_TIERS,
    prompt: RoutingPrompt | None = None,
) -> list[RoutedExample]:
    examples = [Example(id=query, query=query) for query in queries]
    routing = RouteExamples(router_config("openai/tiny"), router, allowed)
    return list(routing(examples, prompt or packaged_prompt()))


def test_a_short_query_bypasses_the_router_and_a_longer_one_is_routed() -> None:
    router = Router("3")
    assert route(router, "hello", LONG) == [
        RoutedExample(Tier.SMALL, 0.0, 0.0, asked=False),
        RoutedExample(Tier.LARGE, 0.25, 40.0),
    ]
    assert router.asked == [("openai/tiny", f"Query:\n{as_data(LONG)}", Purpose.ROUTER)]


def test_a_reply_without_a_tier_leads_to_the_safe_tier_and_is_paid_for() -> None:
    assert route(Router("no idea"), LONG) == [RoutedExample(Tier.MEDIUM, 0.25, 40.0, named=False)]


def test_hybrid_counts_a_reply_without_a_tier_though_the_local_model_decides() -> None:
    prompt = with_local_model(packaged_prompt(), "hybrid", ask_below=0.2)
    sure, unsure = "prove " * 20, "hello " * 20
    asked = Router("no idea")
    assert route(asked, sure, unsure, prompt=prompt) == [
        RoutedExample(Tier.LARGE, 0.0, 0.0, asked=False),
        RoutedExample(Tier.SMALL, 0.25, 40.0, named=False),
    ]
    assert len(asked.asked) == 1
    assert route(Router("2"), unsure, prompt=prompt)[0].tier is Tier.MEDIUM


def test_a_missing_tier_is_replaced_by_the_nearest_one() -> None:
    assert route(Router("2"), LONG, allowed=TWO)[0].tier is Tier.LARGE


def test_a_failing_router_ends_the_run() -> None:
    with pytest.raises(ProviderDownError):
        route(Router(ProviderDownError("down")), LONG)


class Choosy(Router):
    """Refuses queries that contain a word."""

    def __init__(self, word: str) -> None:
        super().__init__("3")
        self._word = word

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        if self._word in str(messages[-1]["content"]):
            raise InvalidModelRequestError("content filter", status=400)
        assert params == ROUTER_PARAMS
        return super().__call__(name, messages, params, purpose)


def test_a_refused_query_goes_to_the_safe_tier_at_no_cost() -> None:
    refused, routed = route(Choosy("continuous"), LONG, LONG.replace("continuous", "convex"))
    assert refused == RoutedExample(Tier.MEDIUM, 0.0, 0.0, refusal="content filter")
    assert routed == RoutedExample(Tier.LARGE, 0.25, 40.0)
    two = route(Choosy("continuous"), LONG, f"{LONG[:20]} this to me now.", allowed=TWO)
    assert two[0].tier is Tier.LARGE


class Mumbling(Router):
    """Names a tier except for queries that contain a word."""

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        reply = super().__call__(name, messages, params, purpose)
        mumbles = "mumble" in str(messages[-1]["content"])
        return Reply("Well, well.", reply.usage, 0.0, 1.0) if mumbles else reply


@pytest.mark.parametrize(("unclear", "stops"), [(5, False), (6, True)])
def test_a_router_that_names_no_tier_too_often_stops_the_run(unclear: int, stops: bool) -> None:
    queries = [f"{LONG} mumble {n}" for n in range(unclear)]
    queries += [f"{LONG} Number {n}?" for n in range(100 - unclear)]
    routed = route(Mumbling("3"), *queries, "hello")
    assert count_named(routed) == ReplyCount(asked=100, not_understood=unclear)
    with pytest.raises(NotUnderstoodError, match="6 of 100") if stops else nullcontext():
        check_replies(routed, "openai/tiny", 0.05)


def test_a_refused_query_counts_as_a_reply_without_a_tier() -> None:
    routed = route(Choosy("continuous"), LONG, LONG.replace("continuous", "convex"))
    assert count_named(routed) == ReplyCount(asked=2, not_understood=1)


def test_a_router_that_refuses_every_query_is_an_error() -> None:
    with pytest.raises(ProviderUnusableError, match=r"refuses every query\.") as raised:
        route(Choosy("Explain"), LONG, f"{LONG} Why?", "hello")
    assert "content filter" in raised.value.detail, (
        "the log must not show it, because it may quote a query"
    )
    assert "content filter" not in str(raised.value)


def test_queries_keep_their_order_with_many_threads() -> None:
    queries = [f"Question number {n}: {LONG}" for n in range(50)]
    decisions = route(Choosy(" 7: "), *queries)
    assert [d.refusal is not None for d in decisions] == [n == 7 for n in range(50)]

"""Examples are routed as requests are, except that a failing router is not covered up."""

from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from route_switch.bootstrap import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.errors import ProviderDownError
from route_switch.domain.example import Example
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Usage
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.services.paid_calls import Purpose, Reply
from route_switch.services.route_examples import Routed, RouteExamples

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
    ) -> Reply:
        self.asked.append((name, str(messages[-1]["content"]), purpose))
        if isinstance(self._text, BaseException):
            raise self._text
        return Reply(self._text, Usage(50, 1), 0.25, 40.0)


def route(router: Router, *queries: str, allowed: frozenset[Tier] = ALL_TIERS) -> list[Routed]:
    examples = [Example(id=query, query=query) for query in queries]
    return list(
        RouteExamples(router_config("openai/tiny"), router, allowed)(examples, packaged_prompt())
    )


def test_a_short_query_goes_to_tier_1_without_a_call_and_a_longer_one_where_the_router_says() -> (
    None
):
    router = Router("3")
    assert route(router, "hello", LONG) == [
        Routed(Tier.SMALL, 0.0, 0.0, asked=False),
        Routed(Tier.LARGE, 0.25, 40.0),
    ]
    assert router.asked == [("openai/tiny", f"Query:\n{LONG}", Purpose.ROUTER)]


def test_a_reply_that_names_no_tier_is_the_safe_tier_and_still_paid_for() -> None:
    assert route(Router("no idea"), LONG) == [Routed(Tier.MEDIUM, 0.25, 40.0)]


def test_a_tier_that_does_not_exist_is_the_nearest_one() -> None:
    assert route(Router("2"), LONG, allowed=TWO)[0].tier is Tier.LARGE


def test_a_failing_router_ends_the_run() -> None:
    with pytest.raises(ProviderDownError):
        route(Router(ProviderDownError("down")), LONG)

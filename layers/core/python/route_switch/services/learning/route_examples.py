"""Route examples with a prompt, to measure it. Requests are routed the same way, except that here a
failing router ends the run instead of sending its queries to the safe tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.domain.errors import (
    InvalidModelRequestError,
    NotUnderstoodError,
    ProviderUnusableError,
)
from route_switch.domain.learning.clients import Weights
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.understanding import ReplyCount, count_replies, too_many
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply, RoutingContext, choose_tier
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import read_reply
from route_switch.domain.strategies.registry import strategy_in_effect, strategy_named
from route_switch.domain.tiers import Tier
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

THREADS = 8


@dataclass(frozen=True, slots=True)
class RoutedExample:
    """Where an example goes, and what the decision took.

    `asked` is False if no router call was needed; `refusal` is the provider's message if it
    refused the call. `named` is False if the router's reply named no tier. `asked_by` are the
    clients that asked the query.
    """

    tier: Tier
    router_usd: float
    router_ms: float
    asked: bool = True
    refusal: str | None = None
    named: bool = True
    asked_by: Weights = field(default_factory=dict)


def count_named(routed: Sequence[RoutedExample]) -> ReplyCount:
    """Count the queries that the router LLM was asked about, and those for which it named no tier,
    because its reply named none or its provider refused the call."""
    asked = (each for each in routed if each.asked)
    return count_replies((each.asked_by, each.named and each.refusal is None) for each in asked)


def asked_share(examples: Sequence[Example], routed: Sequence[RoutedExample]) -> float:
    """Return the weighted share of queries that the router LLM was asked about."""
    total = sum(example.weight for example in examples)
    asked = (e.weight for e, each in zip(examples, routed, strict=True) if each.asked)
    return sum(asked) / total if total else 0.0


def why_unclear(routed: Sequence[RoutedExample], router: str) -> str | None:
    """Return a warning if the router LLM names no tier for some queries. Raise
    `NotUnderstoodError` if it names none for any: then only the safe tier is measured."""
    count = count_named(routed)
    if count.not_understood and count.not_understood == count.asked:
        raise NotUnderstoodError(
            f"{router} names no tier for any of {count.asked} queries, so all of them would go to "
            "the safe tier. Check its name and its output limit, or use another router model."
        )
    if not count.not_understood:
        return None
    return (
        f"{router} names no tier for {count.not_understood} of {count.asked} queries "
        f"({count.share:.1%}). They are measured on the safe tier, where they go when served."
    )


def check_replies(routed: Sequence[RoutedExample], router: str, limit: float) -> None:
    """Raise `NotUnderstoodError` if the router LLM names a tier too rarely: what is measured then
    is the safe tier."""
    what = f"queries that {router} was asked about, its reply names no tier"
    advice = "Check its name and its output limit, use another router model"
    stop = too_many(count_named(routed), limit, what, advice)
    if stop is not None:
        raise NotUnderstoodError(stop)


class RouteExamples:
    """Route among the tiers in `allowed`, with the router model and the limits of `config`, for
    requests with this `profile`: learning measures `balanced`, regardless of the stage's
    profile."""

    def __init__(
        self,
        config: RouterConfig,
        calls: PaidCalls,
        allowed: frozenset[Tier],
        profile: Profile = BALANCED,
    ) -> None:
        self._config = config
        self._calls = calls
        self._allowed = allowed
        self._profile = profile

    def __call__(
        self, examples: Sequence[Example], prompt: RoutingPrompt, threads: int = THREADS
    ) -> tuple[RoutedExample, ...]:
        """Raise what a call raises. A query that the router's provider refuses goes to the safe
        tier; if it refuses every query, raise `ProviderUnusableError`."""
        routed = map_ordered(lambda example: self.route(example, prompt), examples, threads)
        asked = [r for r in routed if r.asked]
        if asked and all(r.refusal is not None for r in asked):
            raise ProviderUnusableError(
                f"{self._config.models.router} refuses every query. Check its name and the prompt.",
                detail=asked[0].refusal or "",
            )
        return tuple(routed)

    def route(self, example: Example, prompt: RoutingPrompt) -> RoutedExample:
        """Route one example. Raise what a call raises."""
        ask = _AskPaid(self._config.models.router, self._calls)
        context = RoutingContext(self._config, prompt, ask, self._profile)
        name = strategy_in_effect(self._config, prompt)
        choice = choose_tier(example.as_query, strategy_named(name), context, self._allowed)
        asked = ask.was_called
        has_tier = choice.suggestion.tier is not None
        # Where the reply names no tier, `hybrid` still has the local model's.
        understood = has_tier if name != "hybrid" else ask.names_tier
        named = not asked or ask.refusal is not None or understood
        return RoutedExample(
            choice.tier,
            ask.cost_usd,
            ask.latency_ms,
            asked,
            ask.refusal,
            named,
            example.asked_by,
        )


class _AskPaid:
    """Calls the router LLM for one example, and notes what that took."""

    def __init__(self, model: str, calls: PaidCalls) -> None:
        self._model = model
        self._calls = calls
        self.was_called = False
        self.cost_usd = 0.0
        self.latency_ms = 0.0
        self.refusal: str | None = None
        self.names_tier = False

    def __call__(
        self, messages: tuple[JsonObject, ...], params: Mapping[str, JsonValue]
    ) -> RouterReply | None:
        self.was_called = True
        try:
            reply = self._calls(self._model, messages, params, Purpose.ROUTER)
        except InvalidModelRequestError as error:
            self.refusal = str(error)
            return None
        self.cost_usd, self.latency_ms = reply.cost_usd, reply.latency_ms
        said = RouterReply(reply.text, reply.cut_off)
        self.names_tier = read_reply(said).tier is not None
        return said

"""Chooses the tier of a query: bypass, router LLM, or the safe tier."""

from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.decision import Reason, RoutingDecision, nearest_allowed, parse_tier
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.call_models import CallResult, Deadline, ModelCaller

ROUTER_PARAMS: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 16}
"""A digit is asked for; the rest of the room is for a model that writes "Tier 2." instead."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision, and the router call that led to it where there was one."""

    decision: RoutingDecision
    router_call: CallResult | None = None


class ChooseTier:
    """Decides, and never fails: whatever the router LLM does, the query gets a legal tier."""

    def __init__(self, config: RouterConfig, caller: ModelCaller) -> None:
        self._config = config
        self._caller = caller

    def __call__(
        self,
        query: Query,
        prompt: RoutingPrompt,
        version: str,
        allowed: frozenset[Tier],
        deadline: Deadline,
        *,
        router: bool = True,
    ) -> Choice:
        """Without `router`, what is not bypassed goes to the safe tier."""
        started = deadline.elapsed_ms
        tier, reason, call = self._decide(query, prompt, deadline, router)
        decision = RoutingDecision(
            tier=nearest_allowed(tier, allowed),
            reason=reason,
            prompt_version=version,
            router_tokens=_tokens(call),
            latency_ms=deadline.elapsed_ms - started,
            routed_tier=None if reason is Reason.FALLBACK and _router_is_down(call) else tier,
        )
        return Choice(decision, call)

    def _decide(
        self, query: Query, prompt: RoutingPrompt, deadline: Deadline, router: bool
    ) -> tuple[Tier, Reason, CallResult | None]:
        config = self._config
        if config.bypasses(query):
            return Tier.SMALL, Reason.BYPASS, None
        if not router:
            return config.safe_tier, Reason.FALLBACK, None
        call = self._caller.call(
            config.models.router,
            prompt.render(query, config.router_max_input_tokens),
            ROUTER_PARAMS,
            min(config.router_timeout_s, deadline.remaining_s),
            deadline,
        )
        tier = parse_tier(call.completion.text) if call.completion else None
        if tier is None:
            return config.safe_tier, Reason.FALLBACK, call
        return tier, Reason.ROUTER, call


def _router_is_down(call: CallResult | None) -> bool:
    """Off, or failing. A router that refuses a query, or says nothing that makes sense, is not
    down: it would do so on any day, and learning measures the safe tier there as well."""
    return call is None or (
        call.completion is None and not isinstance(call.error, InvalidModelRequestError)
    )


def _tokens(call: CallResult | None) -> int:
    usage = call.attempt.usage if call else None
    return usage.total_tokens if usage else 0

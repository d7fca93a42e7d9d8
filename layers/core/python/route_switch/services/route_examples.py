"""Routes examples with a prompt, to measure it: as a request would be routed, but nothing is
covered up. A router that fails ends the run, where a request would go to the safe tier."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.domain.config import RouterConfig
from route_switch.domain.decision import nearest_allowed, parse_tier
from route_switch.domain.example import Example
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.choose_tier import ROUTER_PARAMS
from route_switch.services.in_order import in_order
from route_switch.services.paid_calls import PaidCalls, Purpose

THREADS = 8


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an example goes, and what deciding took."""

    tier: Tier
    router_usd: float
    router_ms: float


class RouteExamples:
    """Routes among the tiers in `allowed`, with the router model and the limits of `config`."""

    def __init__(self, config: RouterConfig, calls: PaidCalls, allowed: frozenset[Tier]) -> None:
        self._config = config
        self._calls = calls
        self._allowed = allowed

    def __call__(
        self, examples: Sequence[Example], prompt: RoutingPrompt, threads: int = THREADS
    ) -> tuple[Routed, ...]:
        return tuple(in_order(lambda example: self.route(example, prompt), examples, threads))

    def route(self, example: Example, prompt: RoutingPrompt) -> Routed:
        """Raises whatever the call raises; a reply that names no tier is the safe tier."""
        query, config = example.as_query, self._config
        if config.bypasses(query):
            return Routed(nearest_allowed(Tier.SMALL, self._allowed), 0.0, 0.0)
        messages = prompt.render(query, config.router_max_input_tokens)
        reply = self._calls(config.models.router, messages, ROUTER_PARAMS, Purpose.ROUTER)
        tier = parse_tier(reply.text) or config.safe_tier
        return Routed(nearest_allowed(tier, self._allowed), reply.cost_usd, reply.latency_ms)

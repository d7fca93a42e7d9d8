"""Routes examples with a prompt, to measure it: as a request would be routed, but nothing is
covered up. A router that fails ends the run, where a request would go to the safe tier."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.domain.decision import nearest_allowed, parse_tier
from route_switch.domain.errors import InvalidModelRequestError, ProviderUnusableError
from route_switch.domain.learning.example import Example
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.choose_tier import ROUTER_PARAMS
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

THREADS = 8


@dataclass(frozen=True, slots=True)
class RoutedExample:
    """Where an example goes, and what deciding took."""

    tier: Tier
    router_usd: float
    router_ms: float
    asked: bool = True
    refusal: str | None = None


class RouteExamples:
    """Routes among the tiers in `allowed`, with the router model and the limits of `config`."""

    def __init__(self, config: RouterConfig, calls: PaidCalls, allowed: frozenset[Tier]) -> None:
        self._config = config
        self._calls = calls
        self._allowed = allowed

    def __call__(
        self, examples: Sequence[Example], prompt: RoutingPrompt, threads: int = THREADS
    ) -> tuple[RoutedExample, ...]:
        """Raises whatever a call raises, but for a refused request: a query that the router's
        provider does not take goes to the safe tier, unless it takes none at all."""
        routed = map_ordered(lambda example: self._route(example, prompt), examples, threads)
        asked = [r for r in routed if r.asked]
        if asked and all(r.refusal is not None for r in asked):
            raise ProviderUnusableError(
                f"{self._config.models.router} refuses every query. Check its name and the prompt.",
                detail=asked[0].refusal or "",
            )
        return tuple(routed)

    def _route(self, example: Example, prompt: RoutingPrompt) -> RoutedExample:
        query, config = example.as_query, self._config
        if config.bypasses(query):
            return RoutedExample(nearest_allowed(Tier.SMALL, self._allowed), 0.0, 0.0, asked=False)
        messages = prompt.render(query, config.router_max_input_tokens)
        try:
            reply = self._calls(config.models.router, messages, ROUTER_PARAMS, Purpose.ROUTER)
        except InvalidModelRequestError as error:
            safe = nearest_allowed(config.safe_tier, self._allowed)
            return RoutedExample(safe, 0.0, 0.0, refusal=str(error))
        tier = parse_tier(reply.text) or config.safe_tier
        return RoutedExample(nearest_allowed(tier, self._allowed), reply.cost_usd, reply.latency_ms)

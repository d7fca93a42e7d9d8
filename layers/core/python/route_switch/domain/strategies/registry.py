"""Every routing strategy, by the name that a routing prompt and `router.strategy` use."""

from collections.abc import Callable

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.routing import RoutingStrategy
from route_switch.domain.strategies.hybrid_strategy import HybridStrategy
from route_switch.domain.strategies.local_strategy import LocalStrategy
from route_switch.domain.strategies.prompt_strategy import PromptStrategy

STRATEGIES: dict[str, Callable[[], RoutingStrategy]] = {
    "prompt": PromptStrategy,
    "local": LocalStrategy,
    "hybrid": HybridStrategy,
}


def strategy_named(name: str) -> RoutingStrategy:
    """Raise `ConfigurationError` if there is no strategy of this name."""
    if name not in STRATEGIES:
        raise ConfigurationError(
            f"There is no routing strategy '{name}'. Set router.strategy to one of "
            f"{', '.join(STRATEGIES)}."
        )
    return STRATEGIES[name]()

"""Every routing strategy, by the name that a routing prompt and `router.strategy` use."""

from collections.abc import Callable

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RoutingStrategy
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.hybrid_strategy import HybridStrategy
from route_switch.domain.strategies.local_strategy import LocalStrategy
from route_switch.domain.strategies.prompt_strategy import PromptStrategy

STRATEGIES: dict[str, Callable[[], RoutingStrategy]] = {
    "prompt": PromptStrategy,
    "local": LocalStrategy,
    "hybrid": HybridStrategy,
}


NEED_NUMBERS = frozenset({"local", "hybrid"})
"""Strategies that need the numbers of a local model."""


def strategy_in_effect(config: RouterConfig, prompt: RoutingPrompt) -> str:
    """Return the name of the strategy that decides: the stage's, else the prompt's. Without the
    numbers of its local model, a prompt is served by the router LLM alone."""
    wanted = config.strategy or prompt.strategy
    has_numbers = prompt.local_model is not None and prompt.local_model.numbers is not None
    return wanted if has_numbers or wanted not in NEED_NUMBERS else "prompt"


def strategy_named(name: str) -> RoutingStrategy:
    """Raise `ConfigurationError` if there is no strategy of this name."""
    if name not in STRATEGIES:
        raise ConfigurationError(
            f"There is no routing strategy '{name}'. Set router.strategy to one of "
            f"{', '.join(STRATEGIES)}."
        )
    return STRATEGIES[name]()

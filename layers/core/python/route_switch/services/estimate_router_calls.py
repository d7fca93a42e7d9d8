"""Estimate the tokens of a router call before it is made: an upper bound of what it costs."""

from route_switch.domain.query import text_of
from route_switch.domain.quoted_query import CLOSING
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import router_params
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage

LONGEST_PROMPT_TOKENS = MAX_BYTES // 3
"""The tokens assumed for a prompt that has not been read yet. A Chinese character has three bytes
and is about one token; English text has fewer tokens."""

MARGIN = 1.3
"""Tokenizers count differently, and each message adds some tokens of its own."""


def router_usage(config: RouterConfig, prompt: RoutingPrompt | None = None) -> Usage:
    """Return the most that a router call is likely to use. None is any prompt that may go live."""
    return _usage(config, _prompt_tokens(prompt), config.router_max_input_tokens)


def explanation_usage(config: RouterConfig) -> Usage:
    """Return the same for a call of an explanation: the router call, and the texts of one tier
    again."""
    return _usage(
        config, LONGEST_PROMPT_TOKENS, config.router_max_input_tokens + LONGEST_PROMPT_TOKENS
    )


def written_tokens(config: RouterConfig, read: int) -> int:
    """Return how many tokens of a router call's input its provider writes to a cache, at most."""
    models = config.models
    price, known = models.price(models.router), models.capabilities_of(models.router)
    is_marked = known.cache_min_tokens is not None and read >= known.cache_min_tokens
    return read if is_marked and price is not None and price.charges_cache_writes else 0


def output_tokens(config: RouterConfig) -> int:
    """Return the output limit of a router call."""
    limit = router_params(config).get("max_tokens")
    return limit if isinstance(limit, int) else 0


def _usage(config: RouterConfig, prompt_tokens: int, other_tokens: int) -> Usage:
    prefix, rest = round(prompt_tokens * MARGIN), round(other_tokens * MARGIN)
    return Usage(
        prefix + rest, output_tokens(config), cache_write_tokens=written_tokens(config, prefix)
    )


def _prompt_tokens(prompt: RoutingPrompt | None) -> int:
    if prompt is None:
        return LONGEST_PROMPT_TOKENS
    texts = (*map(text_of, prompt.frozen_messages), prompt.messages.query, CLOSING)
    return sum(map(estimate_tokens, texts))

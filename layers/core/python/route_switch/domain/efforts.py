"""How many tokens a model thinks with, by effort."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

MIN_THINKING_TOKENS = 1024
"""The least that Claude accepts: Anthropic's API reference, `thinking.budget_tokens`."""


@dataclass(frozen=True, slots=True)
class EffortTokens:
    """`budget` is what a model that takes a budget gets in place of the effort, as LiteLLM
    translates it, so that a model means the same by an effort whichever client calls it.

    `most` is the output that thoughts of this effort may take. It is an assumption, as providers
    state no numbers. OpenAI advises to reserve 25,000 tokens for thoughts and answer until one's
    own usage is known.
    """

    budget: int
    most: int


EFFORT_TOKENS: Mapping[str, EffortTokens] = {
    "minimal": EffortTokens(MIN_THINKING_TOKENS, MIN_THINKING_TOKENS),
    "low": EffortTokens(MIN_THINKING_TOKENS, 1024),
    "medium": EffortTokens(2048, 4096),
    "high": EffortTokens(4096, 16_384),
    "xhigh": EffortTokens(8192, 32_768),
    "max": EffortTokens(16_384, 32_768),
}
"""Tokens by `Effort`, without `none`."""


def effort_of(budget_tokens: int) -> Effort:
    """Return the least effort whose thoughts may take `budget_tokens`: low, medium or high, which
    every model with efforts knows."""
    if budget_tokens <= EFFORT_TOKENS["low"].most:
        return "low"
    return "medium" if budget_tokens <= EFFORT_TOKENS["medium"].most else "high"

"""Reported token usage in every dialect that providers speak.

What is known of the dialects (2026-11):

- OpenAI, Azure, vLLM, Groq, Mistral, Ollama: `prompt_tokens`, `completion_tokens`, `total_tokens`;
  cached reads in `prompt_tokens_details.cached_tokens`; reasoning is part of the completion.
- DeepSeek: cached reads in `prompt_cache_hit_tokens`.
- Gemini (OpenAI-compatible) and xAI: reasoning is part of the total but not of the completion.
- Anthropic through LiteLLM, OpenRouter: cache writes in `cache_creation_input_tokens`, or in
  `prompt_tokens_details` as `cache_creation_tokens` or `cache_write_tokens`; part of the prompt.
- Anthropic's own names, `input_tokens` and `output_tokens`: cached reads and writes come on top of
  the input. Responses API: the same names, with `input_tokens_details`; part of the input.
- Some servers write numbers as strings or floats, or leave one of the three numbers out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

MAX_TOKENS = 1_000_000_000
"""A report above this is an error of the provider, not a number of tokens."""

_CACHED = (
    "cache_read_input_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "cache_read_tokens",
)
_WRITTEN = ("cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens")
"""Names of cached reads and cache writes, beside the other numbers or in their details."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider reports them.

    `cached_input_tokens` (read from the provider's prompt cache) and `cache_write_tokens` are part
    of `input_tokens`; `reasoning_tokens` are part of `output_tokens`.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def read_usage(reported: JsonValue) -> Usage | None:
    """Return the usage that a provider reported, or None if it is missing, partial or absurd."""
    if not isinstance(reported, dict):
        return None
    read = (reported, _details(reported, "prompt"), _details(reported, "input"))
    wrote = (reported, _details(reported, "completion"), _details(reported, "output"))
    cached, written = _part(read, *_CACHED), _part(read, *_WRITTEN)
    reasoning = _part(wrote, "reasoning_tokens")
    total = _first(reported, "total_tokens")
    tokens_in = _first(reported, "prompt_tokens", "input_tokens", "prompt_eval_count")
    tokens_out = _first(reported, "completion_tokens", "output_tokens", "eval_count")
    if tokens_in is not None and _is_anthropic(reported):
        tokens_in += cached + written
    tokens_in, tokens_out = _completed(tokens_in, tokens_out, total, reasoning)
    if tokens_in is None or tokens_out is None:
        return None
    cached = min(cached, tokens_in)
    written = min(written, tokens_in - cached)
    usage = Usage(tokens_in, tokens_out, cached, written, min(reasoning, tokens_out))
    return usage if _is_plausible(reported, usage) else None


def reported_usage(reported: JsonValue, usage: Usage | None) -> dict[str, JsonValue] | None:
    """Return the provider's report as OpenAI's schema demands it: whole numbers, none missing.

    None if `usage`, which is what was read of it, is unknown. Fields that the schema does not know
    stay as they are.
    """
    if usage is None or not isinstance(reported, dict):
        return None
    body = _whole_numbers(reported)
    for side in ("prompt_tokens_details", "completion_tokens_details"):
        if side in body:
            details = body[side]
            body[side] = _whole_numbers(details) if isinstance(details, dict) else None
    body.setdefault("prompt_tokens", usage.input_tokens)
    body.setdefault("completion_tokens", usage.output_tokens)
    body.setdefault("total_tokens", usage.total_tokens)
    return body


def _whole_numbers(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Numbers of tokens as integers, without those that are missing or unreadable."""
    read = {k: _number(v) if k.endswith("_tokens") else v for k, v in values.items()}
    return {k: v for k, v in read.items() if v is not None or not k.endswith("_tokens")}


def _completed(
    tokens_in: int | None, tokens_out: int | None, total: int | None, reasoning: int
) -> tuple[int | None, int | None]:
    """Fill in the missing part, and count reasoning that is not part of the completion."""
    if total is None:
        if tokens_out is not None and reasoning > tokens_out:
            tokens_out += reasoning
        return tokens_in, tokens_out
    if tokens_in is None and tokens_out is not None:
        tokens_in = max(total - tokens_out, 0)
    elif tokens_in is not None:
        tokens_out = max(tokens_out or 0, total - tokens_in)
    return tokens_in, tokens_out


def _is_anthropic(reported: Mapping[str, JsonValue]) -> bool:
    """Whether cached input is counted apart: Anthropic's names without OpenAI's."""
    return "prompt_tokens" not in reported and (
        "cache_read_input_tokens" in reported or "cache_creation_input_tokens" in reported
    )


def _details(reported: Mapping[str, JsonValue], side: str) -> Mapping[str, JsonValue]:
    details = reported.get(f"{side}_tokens_details")
    return details if isinstance(details, dict) else {}


def _first(values: Mapping[str, JsonValue], *names: str) -> int | None:
    return next((n for name in names if (n := _number(values.get(name))) is not None), None)


def _part(places: tuple[Mapping[str, JsonValue], ...], *names: str) -> int:
    """Return the first number above 0 of these names; 0 if there is none."""
    numbers = (_number(place.get(name)) for place in places for name in names)
    return next((number for number in numbers if number is not None and number > 0), 0)


def _number(value: JsonValue) -> int | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 1e18 else None


def _is_plausible(reported: Mapping[str, JsonValue], usage: Usage) -> bool:
    """No reported number may be negative or beyond any model's reach."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens")
    stated = [reported[name] for name in names if reported.get(name) is not None]
    numbers = [_number(value) for value in stated]
    return all(n is not None and 0 <= n <= MAX_TOKENS for n in numbers) and (
        usage.total_tokens <= MAX_TOKENS
    )

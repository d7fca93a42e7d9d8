"""Reported token usage in every dialect that providers speak.

What is known of the dialects (2026-11):

- OpenAI, Azure, vLLM, Groq, Mistral, Ollama: `prompt_tokens`, `completion_tokens`, `total_tokens`;
  cached reads in `prompt_tokens_details.cached_tokens`; reasoning is part of the completion.
- DeepSeek: cached reads in `prompt_cache_hit_tokens`.
- Gemini (OpenAI-compatible) and xAI: reasoning is part of the total but not of the completion.
- Anthropic through LiteLLM, OpenRouter: cache writes in `cache_creation_input_tokens`, or in
  `prompt_tokens_details` as `cache_creation_tokens` or `cache_write_tokens`; part of the prompt.
  Writes that live for an hour are also in `cache_creation` (Anthropic, OpenRouter) or
  `prompt_tokens_details.cache_creation_token_details` (LiteLLM).
- Anthropic's own names, `input_tokens` and `output_tokens`: cached reads and writes come on top of
  the input. Responses API: the same names, with `input_tokens_details`; part of the input.
- Audio, where a model hears or speaks: `audio_tokens` in the details of either side.
- Some servers write numbers as strings or floats, or leave one of the three numbers out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

MAX_TOKENS = 1_000_000_000
"""A report above this is an error of the provider, not a number of tokens."""

_INPUT = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_OUTPUT = ("completion_tokens", "output_tokens", "eval_count")
_CACHED = (
    "cache_read_input_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "cache_read_tokens",
)
_WRITTEN = ("cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens")
"""Names of cached reads and cache writes, next to the other numbers or in their details."""


RARE_TOKENS = ("cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens")
"""Fields of `Usage` that a record only has if they are not 0, so that it stays small."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider reports them.

    `cached_input_tokens` (read from the provider's prompt cache), `cache_write_tokens` and
    `audio_input_tokens` are part of `input_tokens` and do not overlap; `cache_write_1h_tokens`,
    which the cache keeps for an hour, are part of `cache_write_tokens`. `reasoning_tokens` and
    `audio_output_tokens` are part of `output_tokens` and do not overlap either.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


INPUT, CACHE_READ, CACHE_WRITE = "tokens:input", "tokens:cache_read", "tokens:cache_write"
"""Counters of input tokens: all of them, and those of prompt caches."""


def token_counters(calls: Iterable[Usage]) -> dict[str, int]:
    """Return what calls add to the counters of input tokens; nothing where it is 0."""
    sums = {INPUT: 0, CACHE_READ: 0, CACHE_WRITE: 0}
    for usage in calls:
        sums[INPUT] += usage.input_tokens
        sums[CACHE_READ] += usage.cached_input_tokens
        sums[CACHE_WRITE] += usage.cache_write_tokens
    return {name: count for name, count in sums.items() if count}


def read_usage(reported: JsonValue) -> Usage | None:
    """Return the usage that a provider reported, or None if it is missing, partial or absurd."""
    if not isinstance(reported, dict):
        return None
    read = (reported, _details(reported, "prompt"), _details(reported, "input"))
    wrote = (reported, _details(reported, "completion"), _details(reported, "output"))
    cached, hour = _part(read, *_CACHED), _written_for_an_hour(reported)
    written = max(_part(read, *_WRITTEN), hour)
    reasoning = _part(wrote, "reasoning_tokens")
    total = _first(reported, "total_tokens")
    tokens_in = _first(reported, *_INPUT)
    tokens_out = _first(reported, *_OUTPUT)
    if tokens_in is not None and _is_anthropic(reported):
        tokens_in += cached + written
    tokens_in, tokens_out = _completed(tokens_in, tokens_out, total, reasoning)
    if tokens_in is None or tokens_out is None:
        return None
    cached = min(cached, tokens_in)
    written = min(written, tokens_in - cached)
    reasoning = min(reasoning, tokens_out)
    usage = Usage(
        tokens_in,
        tokens_out,
        cached,
        written,
        reasoning,
        min(hour, written),
        min(_part(read[1:], "audio_tokens"), tokens_in - cached - written),
        min(_part(wrote[1:], "audio_tokens"), tokens_out - reasoning),
    )
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
    apart = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")
    return "prompt_tokens" not in reported and any(name in reported for name in apart)


def _written_for_an_hour(reported: Mapping[str, JsonValue]) -> int:
    details = _details(reported, "prompt").get("cache_creation_token_details")
    places = (reported.get("cache_creation"), details)
    found = tuple(place for place in places if isinstance(place, dict))
    return _part(found, "ephemeral_1h_input_tokens")


def _details(reported: Mapping[str, JsonValue], side: str) -> Mapping[str, JsonValue]:
    details = reported.get(f"{side}_tokens_details")
    return details if isinstance(details, dict) else {}


def _first(values: Mapping[str, JsonValue], *names: str) -> int | None:
    return next((n for name in names if (n := _number(values.get(name))) is not None), None)


def _part(places: Sequence[Mapping[str, JsonValue]], *names: str) -> int:
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
    names = (*_INPUT, *_OUTPUT, "total_tokens")
    stated = [reported[name] for name in names if reported.get(name) is not None]
    numbers = [_number(value) for value in stated]
    return all(n is not None and 0 <= n <= MAX_TOKENS for n in numbers) and (
        usage.total_tokens <= MAX_TOKENS
    )

"""Read when a call may be repeated, as the provider says in headers, in the body, or in words.

Known forms: `retry-after-ms`; `retry-after` in seconds or as a date; Gemini's `retryDelay` ("37s");
OpenAI's and Azure's words ("Please try again in 6m0s", "Please retry after 7 seconds"); the reset
of an exhausted limit (`x-ratelimit-reset`, or `-reset-requests` beside `-remaining-requests: 0`) as
a duration, in seconds, or as a Unix time in seconds or milliseconds; OpenRouter has these headers
in the body.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import JsonValue

MAX_RETRY_AFTER_S = 3600.0

_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s{0,3}(ms|mill?is|h|m|s)", re.IGNORECASE)
_WORDS = re.compile(
    r"(?:try again|retry|wait)\s+(?:in|after|for)\s+"
    r"((?:\d+(?:\.\d+)?\s{0,3}[a-z]{1,12}\s{0,3}){1,3})",
    re.IGNORECASE,
)
_LIMITS = ("", "-requests", "-tokens", "-input-tokens", "-output-tokens")
_UNIX_S, _UNIX_MS = 1e9, 1e12
"""A larger number is a Unix time, in seconds or in milliseconds."""


def retry_after_s(
    headers: Mapping[str, str], body: JsonValue = None, *, limited: bool = False
) -> float | None:
    """Return the seconds that a response asks to wait, at most `MAX_RETRY_AFTER_S`; None if it does
    not say. `limited`: the status is that of a rate limit, so that its resets and words count."""
    advice = _stated(headers)
    if advice is None:
        advice = _delay_in(body)
    if advice is None and limited:
        advice = next(_of_the_limit(headers, body), None)
    return None if advice is None else min(advice, MAX_RETRY_AFTER_S)


def _stated(headers: Mapping[str, str]) -> float | None:
    milliseconds = _positive(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    seconds = _positive(stated)
    if seconds is not None or not stated:
        return seconds
    try:
        moment = parsedate_to_datetime(stated)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _delay_in(body: JsonValue) -> float | None:
    """Return Gemini's `retryDelay`."""
    match body:
        case [first, *_]:
            return _delay_in(first)
        case {"error": {"details": list(details)}}:
            for detail in details:
                delay = detail.get("retryDelay") if isinstance(detail, dict) else None
                found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
                if found:
                    return float(found[1])
    return None


def _of_the_limit(headers: Mapping[str, str], body: JsonValue) -> Iterator[float]:
    """Yield what the words say, and the reset of the limit that takes longest."""
    match body:
        case {"error": {"message": str(message)}} | {"message": str(message)}:
            found = _WORDS.search(message[:2000])
            if found and (seconds := _duration_s(found[1])) is not None:
                yield seconds
    resets = [*_resets(headers)]
    match body:
        case {"error": {"metadata": {"headers": dict(inside)}}}:
            resets += _resets({k.lower(): v for k, v in inside.items() if isinstance(v, str)})
    if resets:
        yield max(resets)


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    for limit in _LIMITS:
        remaining = headers.get(f"x-ratelimit-remaining{limit}", "0" if not limit else "")
        reset = headers.get(f"x-ratelimit-reset{limit}")
        if reset and _positive(remaining) == 0 and (seconds := _reset_s(reset)) is not None:
            yield seconds


def _reset_s(reset: str) -> float | None:
    number = _positive(reset)
    if number is None:
        return _duration_s(reset)
    if number > _UNIX_S:
        moment = number / 1000 if number > _UNIX_MS else number
        return max(moment - datetime.now(UTC).timestamp(), 0.0)
    return number


def _duration_s(text: str) -> float | None:
    """Return the seconds of a duration such as 20ms, 1m2.5s or 7 seconds."""
    parts = _DURATION.findall(text)
    if not parts:
        return None
    return sum(float(n) * _UNITS_S["ms" if len(u) > 1 else u.lower()] for n, u in parts)


def _positive(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None

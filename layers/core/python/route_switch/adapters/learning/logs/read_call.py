"""Read a row of a log into a call, by the names that its source uses."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from route_switch.adapters.learning.logs.bodies import (
    answer_of,
    check_request,
    request_of,
    without_answer,
)
from route_switch.adapters.learning.logs.numbers import is_grouped, limited, number_in
from route_switch.adapters.learning.logs.rows import as_text, parsed
from route_switch.adapters.learning.logs.sources import SOURCES, Names, Source
from route_switch.domain.learning.logged_call import LoggedCall, UnusableRowError
from route_switch.domain.learning.quantities import with_finite_numbers, with_real_limit
from route_switch.domain.ports import JsonObject

_KINDS = (
    *("call_type", "request_path", "url", "model", "request_model"),
    *("request.model", "body.model", "request_body.model"),
)
_ERRORS = ("response.error", "response.body.error", "response_body.error", "error")
_STATUS = ("response.status_code", "status_code", "response_status", "resultSignature")


def source_named(name: str) -> Source:
    return next(each for each in SOURCES if each.name == name)


def source_of(row: JsonObject) -> Source | None:
    """Return the first source whose marks the row has, and whose request it holds."""
    for source in SOURCES:
        if any(found(row, (mark,)) is not None for mark in source.marks) and _request(row, source):
            return source
    return None


def read_call(row: JsonObject, source: Source, columns: Mapping[str, str]) -> LoggedCall:
    """Return the call in a row. `columns` names columns by field, and takes precedence. Raise
    `UnusableRowError`."""
    _check_kind(row, source)
    asked = _request(row, source, columns)
    if asked is None:
        raise UnusableRowError("it has no request")
    messages, params = asked
    messages, last = without_answer(messages)
    check_request(messages)
    _check_numbers(params)
    answer = answer_of(_value(row, source, "response", columns)) or last
    get = _Reader(row, source, columns)
    return LoggedCall(
        messages=tuple(messages),
        params=params,
        model=get.text("model"),
        answer=answer,
        input_tokens=get.whole("input_tokens"),
        output_tokens=get.whole("output_tokens"),
        cost_usd=get.number("cost_usd"),
        latency_ms=get.latency_ms(),
        score=get.share("score"),
        rating=get.text("rating"),
        gold=get.text("gold"),
        workload=get.text("workload"),
    )


def _check_kind(row: JsonObject, source: Source) -> None:
    for name, allowed in source.calls_are.items():
        kind = found(row, (name,))
        if isinstance(kind, str) and kind.upper() not in allowed:
            raise UnusableRowError(f"it is not a model call (its {name} is {kind[:40]})")
    for name, failures in source.failed_if.items():
        if found(row, (name,)) in failures:
            raise UnusableRowError("the call failed")
    status = found(row, _STATUS)
    if isinstance(status, int | float | str) and str(status).isdigit() and int(status) >= 400:
        raise UnusableRowError("the call failed")
    if isinstance(found(row, _ERRORS), dict):
        raise UnusableRowError("the call failed")
    kinds = (found(row, (name,)) for name in _KINDS)
    if "embed" in " ".join(str(kind) for kind in kinds if kind) or _is_embedding(row):
        raise UnusableRowError("it is an embedding, not a chat call")


def _is_embedding(row: JsonObject) -> bool:
    places = ("response", "response.body", "response_body")
    names = tuple(f"{place}.data.0.embedding" for place in places)
    return found(row, names) is not None


def _request(
    row: JsonObject, source: Source, columns: Mapping[str, str] | None = None
) -> tuple[list[JsonObject], JsonObject] | None:
    names = _names(source, "request", columns or {})
    for name in names:
        asked = request_of(found(row, (name,)))
        if asked is not None:
            # The parameters may be next to the messages.
            return asked[0], {**(request_of(row) or ([], {}))[1], **asked[1]}
    return None


def _names(source: Source, what: str, columns: Mapping[str, str]) -> Names:
    if what in columns:
        return (columns[what],)
    names: Names = getattr(source, what)
    return names


def _value(row: JsonObject, source: Source, what: str, columns: Mapping[str, str]) -> JsonValue:
    return found(row, _names(source, what, columns))


@dataclass(frozen=True, slots=True)
class _Reader:
    row: JsonObject
    source: Source
    columns: Mapping[str, str]

    def text(self, what: str) -> str | None:
        value = _value(self.row, self.source, what, self.columns)
        if isinstance(value, bool):
            return "true" if value else "false"
        text = as_text(value)
        return None if text is None or not text.strip() else text.strip()

    def number(self, what: str) -> float | None:
        """Return a number of at least 0, in any form that spreadsheets write. Raise
        `UnusableRowError` for any other text: a cost must not be dropped silently."""
        text = self.text(what)
        if text is None:
            return None
        number = number_in(text)
        if number is None or not 0 <= number < float("inf"):
            raise UnusableRowError(f"its {what} is not a number of at least 0")
        return limited(what, number)

    def whole(self, what: str) -> int | None:
        text = self.text(what)
        if text is not None and is_grouped(text):
            digits = re.sub(r"\D", "", text)
            return limited(what, int(digits[:20]))  # more digits are above any limit as well
        number = self.number(what)
        return None if number is None else round(number)

    def share(self, what: str) -> float | None:
        """Return a number from 0 to 1. Words of a test count, too."""
        text = (self.text(what) or "").casefold()
        if text in ("true", "false"):
            return float(text == "true")
        number = self.number(what)
        return number if number is not None and number <= 1 else None

    def latency_ms(self) -> float | None:
        milliseconds, seconds = self.number("milliseconds"), self.number("seconds")
        if milliseconds is not None:
            return milliseconds
        if seconds is not None:
            return seconds * 1000
        started, ended = self._time("started"), self._time("ended")
        if started is None or ended is None:
            return None
        return limited("latency_ms", max(ended - started, 0.0) * 1000)

    def _time(self, what: str) -> float | None:
        """Return Unix seconds."""
        text = self.text(what)
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            pass
        else:
            return seconds if math.isfinite(seconds) else None
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return None


def _check_numbers(params: JsonObject) -> None:
    try:
        with_real_limit(with_finite_numbers(params))
    except ValueError as error:
        raise UnusableRowError(f"its request cannot be read: {error}") from error


def found(row: JsonValue, names: Sequence[str]) -> JsonValue:
    """Return the value of the first name that is there and not null."""
    for name in names:
        value = next(_follow(row, name.split(".")), None)
        if value is not None:
            return value
    return None


def _follow(value: JsonValue, path: Sequence[str]) -> Iterator[JsonValue]:
    if not path:
        if value is not None:
            yield value
        return
    step, rest = path[0], path[1:]
    inner = parsed(value)
    if isinstance(inner, list) and step.isdigit() and int(step) < len(inner):
        yield from _follow(inner[int(step)], rest)
    elif isinstance(inner, list):
        yield from _named_entries(inner, step, rest)
    elif isinstance(inner, dict):
        for name, each in inner.items():
            if step == "*" or _plain(name) == _plain(step):
                yield from _follow(each, rest)


def _named_entries(entries: list[JsonValue], step: str, rest: Sequence[str]) -> Iterator[JsonValue]:
    """Read a list of objects with `name` and `value` as an object."""
    for entry in entries:
        if isinstance(entry, dict) and _plain(str(entry.get("name", ""))) == _plain(step):
            yield from _follow(entry.get("value"), rest)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").casefold()

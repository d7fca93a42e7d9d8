"""Where logs come from, and what they call what they hold. A new source is one row here.

Names are paths into a row: `usage.input` is `input` in the object `usage`, and `a.*` any value of
the object `a`. The first name that is there counts. Objects that were exported as text are read as
objects. Names compare without case, `_` and `-`, so `totalCost` is also `total_cost`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from route_switch.adapters.learning.logs.bodies import (
    answer_of,
    check_request,
    request_of,
    without_answer,
)
from route_switch.adapters.learning.logs.rows import as_text, parsed
from route_switch.domain.learning.logged_call import LoggedCall, UnusableRowError
from route_switch.domain.ports import JsonObject

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """`marks` are names of which a row of this source has at least one."""

    name: str
    marks: Names
    request: Names
    response: Names
    model: Names = ("model",)
    input_tokens: Names = ()
    output_tokens: Names = ()
    cost_usd: Names = ()
    seconds: Names = ()
    milliseconds: Names = ()
    started: Names = ()
    ended: Names = ()
    rating: Names = ()
    score: Names = ()
    gold: Names = ()
    workload: Names = ()
    user: Names = ("user",)
    calls_are: Mapping[str, Names] = field(default_factory=dict)
    """Values that a row must have to be a model call, by name."""
    failed_if: Mapping[str, Names] = field(default_factory=dict)


_OPENAI_IN = ("usage.prompt_tokens", "usage.input_tokens")
_OPENAI_OUT = ("usage.completion_tokens", "usage.output_tokens")


def _in(*places: str) -> Names:
    return tuple(f"{place}.{name}" for place in places for name in _OPENAI_IN)


def _out(*places: str) -> Names:
    return tuple(f"{place}.{name}" for place in places for name in _OPENAI_OUT)


SOURCES = (
    Source(
        "langfuse",
        marks=("trace_id", "project_id"),
        request=("input",),
        response=("output",),
        model=("model", "provided_model_name", "model_id"),
        input_tokens=("usage_details.input", "usage.input", "input_usage", "prompt_tokens"),
        output_tokens=("usage_details.output", "usage.output", "output_usage", "completion_tokens"),
        cost_usd=("cost_details.total", "total_cost", "calculated_total_cost"),
        seconds=("latency",),
        started=("start_time",),
        ended=("end_time",),
        rating=("scores.user-feedback", "scores.user_feedback", "scores.feedback", "scores.rating"),
        workload=("trace_name", "name"),
        user=("user_id",),
        calls_are={"type": ("GENERATION",)},
        failed_if={"level": ("ERROR",)},
    ),
    Source(
        "helicone",
        marks=("request_model", "helicone_user", "request_properties", "response_id"),
        request=("request_body", "request"),
        response=("response_body", "response"),
        model=("response_model", "request_model", "model", "response_body.model"),
        input_tokens=("prompt_tokens", *_in("response_body")),
        output_tokens=("completion_tokens", *_out("response_body")),
        cost_usd=("cost_usd", "cost", "costUSD"),
        milliseconds=("delay_ms", "latency", "latency_ms"),
        rating=("feedback_rating", "feedback.rating", "helicone_feedback"),
        score=("scores.*.value",),
        workload=("properties.workload", "request_properties.app"),
        user=("request_user_id", "helicone_user", "user_id"),
    ),
    Source(
        "litellm",
        marks=("call_type", "response_cost", "model_map_information", "litellm_params"),
        request=("proxy_server_request.body", "proxy_server_request", "messages", "kwargs"),
        response=("response",),
        model=("model", "model_group"),
        input_tokens=("prompt_tokens", *_in("response")),
        output_tokens=("completion_tokens", *_out("response")),
        cost_usd=("response_cost", "spend"),
        started=("startTime",),
        ended=("endTime",),
        workload=("metadata.user_api_key_alias", "request_tags.0"),
        user=("end_user", "user"),
        failed_if={"status": ("failure",)},
    ),
    Source(
        "azure",
        marks=(
            "properties.requestBody",
            "properties.backendRequestBody",
            "BackendRequestBody",
            "RequestBody",
        ),
        request=(
            "properties.requestBody",
            "properties.backendRequestBody",
            "BackendRequestBody",
            "RequestBody",
        ),
        response=(
            "properties.responseBody",
            "properties.backendResponseBody",
            "BackendResponseBody",
            "ResponseBody",
        ),
        model=(
            "properties.modelDeploymentName",
            "properties.responseBody.model",
            "BackendResponseBody.model",
            "ResponseBody.model",
        ),
        input_tokens=_in("properties.responseBody", "BackendResponseBody", "ResponseBody"),
        output_tokens=_out("properties.responseBody", "BackendResponseBody", "ResponseBody"),
        milliseconds=("durationMs", "DurationMs", "TotalTime"),
    ),
    Source(
        "openai",
        marks=("request", "body", "response", "choices"),
        request=("request.body", "request", "body", "messages", "input"),
        response=("response.body", "response", "choices", "output"),
        model=(
            "response.body.model",
            "response.model",
            "request.body.model",
            "request.model",
            "body.model",
            "model",
        ),
        input_tokens=(*_in("response.body", "response"), *_OPENAI_IN),
        output_tokens=(*_out("response.body", "response"), *_OPENAI_OUT),
        cost_usd=("cost_usd", "cost"),
        milliseconds=("latency_ms", "duration_ms"),
        rating=("rating", "feedback"),
        workload=("metadata.workload", "workload"),
        user=("request.user", "body.user", "user"),
    ),
    Source(
        "chat",
        marks=("messages", "conversations", "conversation"),
        request=("messages", "conversations", "conversation"),
        response=("answer", "completion", "response"),
        input_tokens=("input_tokens", *_OPENAI_IN),
        output_tokens=("output_tokens", *_OPENAI_OUT),
        cost_usd=("cost_usd", "cost"),
        milliseconds=("latency_ms",),
        rating=("rating", "feedback", "thumb"),
        score=("score",),
        gold=("gold", "reference"),
        workload=("workload", "category"),
    ),
    Source(
        "table",
        marks=("query", "prompt", "question", "input", "instruction", "user_message"),
        request=("query", "prompt", "question", "user_message", "input", "instruction"),
        response=("answer", "response", "completion", "output", "model_response", "reply"),
        model=("model", "model_name", "llm"),
        input_tokens=("input_tokens", "prompt_tokens", "tokens_in"),
        output_tokens=("output_tokens", "completion_tokens", "tokens_out"),
        cost_usd=("cost_usd", "cost", "total_cost", "price"),
        seconds=("latency_s", "seconds"),
        milliseconds=("latency_ms", "latency"),
        rating=("rating", "stars", "thumb", "thumbs", "feedback", "csat"),
        score=("score", "correct", "performance", "accuracy"),
        gold=("gold", "expected", "reference", "ground_truth", "label"),
        workload=("workload", "category", "eval_name", "task", "task_name", "dataset", "topic"),
        user=("user", "user_id"),
    ),
)
"""In the order in which they are tried."""


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
        user=get.text("user"),
    )


def _check_kind(row: JsonObject, source: Source) -> None:
    for name, allowed in source.calls_are.items():
        kind = found(row, (name,))
        if isinstance(kind, str) and kind.upper() not in allowed:
            raise UnusableRowError(f"it is no model call (its {name} is {kind[:40]})")
    for name, failures in source.failed_if.items():
        if found(row, (name,)) in failures:
            raise UnusableRowError("the call failed")
    status = found(row, _STATUS)
    if isinstance(status, int | float | str) and str(status).isdigit() and int(status) >= 400:
        raise UnusableRowError("the call failed")


def _request(
    row: JsonObject, source: Source, columns: Mapping[str, str] | None = None
) -> tuple[list[JsonObject], JsonObject] | None:
    names = _names(source, "request", columns or {})
    for name in names:
        asked = request_of(found(row, (name,)))
        if asked is not None:
            # The parameters may stand beside the messages.
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
            return "1" if value else "0"
        text = as_text(value)
        return None if text is None or not text.strip() else text.strip()

    def number(self, what: str) -> float | None:
        """Return a number of at least 0."""
        text = self.text(what)
        try:
            number = float((text or "").replace("$", ""))
        except ValueError:
            return None
        return number if 0 <= number < float("inf") else None

    def whole(self, what: str) -> int | None:
        number = self.number(what)
        return None if number is None else round(number)

    def share(self, what: str) -> float | None:
        number = self.number(what)
        return number if number is not None and number <= 1 else None

    def latency_ms(self) -> float | None:
        milliseconds, seconds = self.number("milliseconds"), self.number("seconds")
        if milliseconds is not None:
            return milliseconds
        if seconds is not None:
            return seconds * 1000
        started, ended = self._time("started"), self._time("ended")
        return None if started is None or ended is None else max(ended - started, 0.0) * 1000

    def _time(self, what: str) -> float | None:
        """Return Unix seconds."""
        text = self.text(what)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            return None


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

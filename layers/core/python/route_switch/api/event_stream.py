"""A live answer as server-sent events of the OpenAI chat completion API."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from pydantic import JsonValue

from route_switch.api.chat_answer import envelope, usage_body
from route_switch.api.error_answers import error_body
from route_switch.domain.decision import Reason
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.message_pieces import THOUGHTS
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest
from route_switch.services.route_request import Answer

_LINE_ENDS = {ord(c): f"\\u{ord(c):04x}" for c in "\u2028\u2029\u0085"}
DONE = "data: [DONE]\n\n"
KEEP_ALIVE = ": the model has not finished\n\n"
"""A comment, which clients skip. Idle connections are closed on the way."""


def live_events(
    answer: Answer, on_end: Callable[[], object], *, include_usage: bool
) -> Generator[str]:
    """Yield each chunk as it arrives. `on_end` is called before the last event is sent, also if
    the client has left.

    The last event tells the costs in `route_switch`, and a comment repeats them for clients that
    refuse unknown fields. An answer that broke off ends in an error event.
    """
    events = _Events(answer.routed, include_usage=include_usage)
    ends: list[JsonObject] = []
    try:
        with closing(answer.chunks()) as chunks:
            for chunk in chunks:
                if chunk is None:
                    yield KEEP_ALIVE
                    continue
                for event in events.of(chunk):
                    if _is_end(event):  # the costs follow with the usage
                        ends.append(event)
                    else:
                        yield sse(event)
    finally:
        on_end()
    yield from events.end(ends, answer)


class _Events:
    def __init__(self, routed: RoutedRequest, *, include_usage: bool) -> None:
        self._envelope = envelope(routed, "chat.completion.chunk")
        self._include_usage = include_usage
        if include_usage:
            self._envelope["usage"] = None
        self._begun: set[int] = set()

    def of(self, chunk: Chunk) -> Iterator[JsonObject]:
        """Yield the role when a choice begins, then what the chunk has, then the choice's end."""
        if chunk.system_fingerprint is not None:
            self._envelope["system_fingerprint"] = chunk.system_fingerprint
        events = [*self._deltas(chunk)]
        if not events and chunk.extra and chunk.finish_reason is None:
            yield {**chunk.extra, **self._envelope, "choices": []}
        for event in events:
            yield {**(chunk.extra if event is events[-1] else {}), **event}
        if chunk.finish_reason is not None:
            end = self._event(chunk, {}, None, chunk.finish_reason)
            yield end if events else {**chunk.extra, **end}

    def _deltas(self, chunk: Chunk) -> Iterator[JsonObject]:
        delta = {name: value for name, value in chunk.delta.items() if name != "role"}
        says = chunk.delta or chunk.finish_reason or chunk.choice_extra or chunk.logprobs
        if says and chunk.index not in self._begun:
            self._begun.add(chunk.index)
            text = None if delta.get("content") is None else ""
            yield self._event(chunk, {"role": "assistant", "content": text}, None)
        logprobs = chunk.logprobs
        for part in _parts(delta):
            yield self._event(chunk, part, logprobs)
            logprobs = None
        if logprobs:
            yield self._event(chunk, {}, logprobs)

    def _event(
        self, chunk: Chunk, delta: JsonObject, logprobs: JsonValue, reason: str | None = None
    ) -> JsonObject:
        choice: JsonObject = {
            **(chunk.choice_extra if reason or not chunk.finish_reason else {}),
            "index": chunk.index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": reason,
        }
        return {**self._envelope, "choices": [choice]}

    def end(self, ends: list[JsonObject], answer: Answer) -> Iterator[str]:
        if answer.error is not None:
            yield sse(_broken_off(answer.error))
            return
        routed = answer.routed
        usage = routed.completion and usage_body(routed.completion)
        if self._include_usage and usage:
            ends.append({**self._envelope, "choices": [], "usage": usage})
        costs = _costs(routed)
        if ends:
            ends[-1]["route_switch"] = costs
        yield from map(sse, ends)
        yield f": route_switch {json.dumps(costs)}\n\n"
        yield DONE


def _parts(delta: JsonObject) -> Iterator[JsonObject]:
    """Yield the thoughts, the text, and everything else, as far as there is any: clients show
    fields in the order in which they come."""
    said: JsonObject = {name: value for name, value in delta.items() if value is not None}
    content = said.pop("content", None)
    thoughts: JsonObject = {n: said.pop(n) for n in tuple(said) if n.startswith(THOUGHTS)}
    if thoughts:
        yield thoughts
    if content:
        yield {"content": content}
    if isinstance(calls := said.get("tool_calls"), list):
        # A call that arrived whole has no index of its own.
        said["tool_calls"] = [
            {"index": n, **call} for n, call in enumerate(calls) if isinstance(call, dict)
        ]
    if said:
        yield said


def _is_end(event: JsonObject) -> bool:
    choices = event["choices"]
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice["finish_reason"] is not None for choice in choices
    )


def sse(event: JsonObject) -> str:
    """Return a server-sent event, in which no character is left that some clients take for the end
    of a line."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"data: {text.translate(_LINE_ENDS)}\n\n"


def _costs(routed: RoutedRequest) -> JsonObject:
    record = routed.record
    costs: JsonObject = {
        "tier": record.tier.value,
        "reason": record.reason.value,
        "model": record.model,
        "cost_usd": record.cost_usd,
        "saved_usd": record.saved_usd,
        "saving_basis": record.saving_basis,
    }
    if record.session is not None and record.reason is not Reason.SHADOW:
        costs["session"] = record.session.value
        if record.session_saved_usd is not None:
            costs["session_saved_usd"] = record.session_saved_usd
    return costs


def _broken_off(error: ModelError) -> JsonObject:
    late = isinstance(error, ModelTimeoutError)
    return error_body(
        "The answer is incomplete: the model "
        f"{'took too long' if late else 'stopped sending'}. Repeat the request.",
        "server_error",
        "upstream_timeout" if late else "upstream_failed",
    )

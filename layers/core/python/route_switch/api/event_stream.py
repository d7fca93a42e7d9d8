"""A live answer as server-sent events of the OpenAI chat completion API."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from pydantic import JsonValue

from route_switch.api.chat_answer import DONE, envelope, sse, usage_body
from route_switch.api.error_answers import error_body
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest
from route_switch.services.route_request import Answer

KEEP_ALIVE = ": the model has not finished\n\n"
"""A comment, which clients skip. Idle connections are closed on the way."""


def live_events(
    answer: Answer, on_end: Callable[[RoutedRequest], None], *, include_usage: bool
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
        on_end(answer.routed)
    yield from events.end(ends, answer)


class _Events:
    def __init__(self, routed: RoutedRequest, *, include_usage: bool) -> None:
        self._envelope = envelope(routed, "chat.completion.chunk")
        self._include_usage = include_usage
        if include_usage:
            self._envelope["usage"] = None
        self._begun: set[int] = set()

    def of(self, chunk: Chunk) -> Iterator[JsonObject]:
        """Yield the chunk's text and the end of its choice as events of their own."""
        if chunk.system_fingerprint is not None:
            self._envelope["system_fingerprint"] = chunk.system_fingerprint
        delta = {name: value for name, value in chunk.delta.items() if name != "role"}
        if chunk.index not in self._begun and (delta or chunk.finish_reason):
            self._begun.add(chunk.index)
            delta = {"role": "assistant", **({} if "content" in delta else _NO_TEXT), **delta}
        if isinstance(calls := delta.get("tool_calls"), list):
            delta["tool_calls"] = [*map(_numbered, range(len(calls)), calls)]
        if delta or chunk.logprobs:
            yield {**chunk.extra, **self._event(chunk, delta)}
        elif chunk.extra:
            yield {**chunk.extra, **self._envelope, "choices": []}
        if chunk.finish_reason is not None:
            yield self._event(chunk, {}, chunk.finish_reason)

    def _event(self, chunk: Chunk, delta: JsonObject, reason: str | None = None) -> JsonObject:
        choice: JsonObject = {
            **chunk.choice_extra,
            "index": chunk.index,
            "delta": delta,
            "logprobs": None if reason else chunk.logprobs,
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


_NO_TEXT: JsonObject = {"content": None}


def _numbered(position: int, call: JsonValue) -> JsonValue:
    """A call that arrived whole has no index of its own."""
    return {"index": position, **call} if isinstance(call, dict) else call


def _is_end(event: JsonObject) -> bool:
    choices = event["choices"]
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice["finish_reason"] is not None for choice in choices
    )


def _costs(routed: RoutedRequest) -> JsonObject:
    record = routed.record
    return {
        "tier": record.tier.value,
        "reason": record.reason.value,
        "model": record.model,
        "cost_usd": record.cost_usd,
        "saved_usd": record.saved_usd,
    }


def _broken_off(error: ModelError) -> JsonObject:
    late = isinstance(error, ModelTimeoutError)
    return error_body(
        "The answer is incomplete: the model "
        f"{'took too long' if late else 'stopped sending'}. Repeat the request.",
        "server_error",
        "upstream_timeout" if late else "upstream_failed",
    )

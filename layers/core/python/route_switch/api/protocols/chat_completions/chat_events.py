"""A live answer as server-sent events of the OpenAI chat completion API."""

import json
from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer, openai_error
from route_switch.api.live_events import KEEP_ALIVE, sse
from route_switch.api.protocols.chat_completions.chat_answer import envelope, usage_body
from route_switch.api.route_answer import costs_body
from route_switch.domain.message_pieces import THOUGHTS
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest

DONE = "data: [DONE]\n\n"


class ChatEvents:
    """Writes each chunk as it arrives.

    The last event has the costs in `route_switch`, and a comment repeats them for clients that
    refuse unknown fields.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, routed: RoutedRequest, call: ClientCall) -> None:
        self._envelope = envelope(routed, "chat.completion.chunk")
        self._include_usage = call.include_usage
        if call.include_usage:
            self._envelope["usage"] = None
        self._begun: set[int] = set()
        self._ends: list[JsonObject] = []

    def begin(self) -> Iterator[str]:
        yield from ()

    def of(self, chunk: Chunk) -> Iterator[str]:
        for event in self._events(chunk):
            if _is_end(event):  # the costs follow with the usage
                self._ends.append(event)
            else:
                yield sse(event)

    def end(self, routed: RoutedRequest) -> Iterator[str]:
        usage = routed.completion and usage_body(routed.completion)
        ends = self._ends
        if self._include_usage and usage:
            ends.append({**self._envelope, "choices": [], "usage": usage})
        costs = costs_body(routed)
        if ends:
            ends[-1]["route_switch"] = costs
        yield from map(sse, ends)
        yield f": route_switch {json.dumps(costs)}\n\n"
        yield DONE

    def broken_off(self, error: ErrorAnswer) -> Iterator[str]:
        yield sse(openai_error(error))

    def _events(self, chunk: Chunk) -> Iterator[JsonObject]:
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

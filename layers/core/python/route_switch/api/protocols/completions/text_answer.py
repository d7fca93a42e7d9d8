"""Answers of OpenAI's legacy completion API, whole and streamed."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer, openai_error
from route_switch.api.live_events import KEEP_ALIVE, sse
from route_switch.api.protocols.chat_completions.chat_answer import envelope, usage_body
from route_switch.api.protocols.chat_completions.chat_events import DONE
from route_switch.api.protocols.completions.text_request import echoed_prompt
from route_switch.api.route_answer import costs_body
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest

_KIND = "text_completion"


def text_body(routed: RoutedRequest, call: ClientCall) -> JsonObject:
    """Return the answer as a text completion; without choices if no model was called."""
    completion = routed.completion
    echoed = echoed_prompt(call.content)
    choices: list[JsonValue] = [
        _choice(
            choice.index,
            echoed + _text_of(choice.message),
            _logprobs(choice.logprobs, len(echoed)),
            _reason(choice.finish_reason),
        )
        for choice in (completion.choices if completion else ())
    ]
    body = {**envelope(routed, _KIND), "choices": choices}
    if completion is None:
        body["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    elif completion.usage:
        body["usage"] = usage_body(completion)
    return body


class TextEvents:
    """Writes each piece of text as it arrives. The last event has the costs."""

    keep_alive = KEEP_ALIVE

    def __init__(self, routed: RoutedRequest, call: ClientCall) -> None:
        self._envelope = envelope(routed, _KIND)
        self._include_usage = call.include_usage
        self._echoed = echoed_prompt(call.content)
        self._lengths: dict[int, int] = {}
        """Characters of each choice so far."""
        self._ends: list[JsonObject] = []

    def begin(self) -> Iterator[str]:
        yield from ()

    def of(self, chunk: Chunk) -> Iterator[str]:
        says = chunk.delta or chunk.finish_reason or chunk.logprobs
        if says and chunk.index not in self._lengths:
            self._lengths[chunk.index] = len(self._echoed)
            if self._echoed:
                yield self._event(_choice(chunk.index, self._echoed, None, None))
        text = _text_of(chunk.delta)
        if text or chunk.logprobs:
            start = self._lengths[chunk.index]
            self._lengths[chunk.index] += len(text)
            yield self._event(_choice(chunk.index, text, _logprobs(chunk.logprobs, start), None))
        if chunk.finish_reason is not None:
            end = _choice(chunk.index, "", None, _reason(chunk.finish_reason))
            self._ends.append({**self._envelope, "choices": [end]})

    def end(self, routed: RoutedRequest) -> Iterator[str]:
        ends, usage = self._ends, routed.completion and usage_body(routed.completion)
        if self._include_usage and usage:
            ends.append({**self._envelope, "choices": [], "usage": usage})
        if ends:
            ends[-1]["route_switch"] = costs_body(routed)
        yield from map(sse, ends)
        yield DONE

    def broken_off(self, error: ErrorAnswer) -> Iterator[str]:
        yield sse(openai_error(error))

    def _event(self, choice: JsonValue) -> str:
        return sse({**self._envelope, "choices": [choice]})


def _choice(index: int, text: str, logprobs: JsonValue, reason: str | None) -> JsonObject:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}


def _text_of(message: JsonObject) -> str:
    """Return what a model says or refuses to say."""
    said = (message.get("content"), message.get("refusal"))
    return "".join(text for text in said if isinstance(text, str))


def _reason(reason: str) -> str:
    return reason if reason in ("stop", "length", "content_filter") else "stop"


def _logprobs(given: JsonValue, start: int) -> JsonValue:
    """Return the tokens with their places in the text, which begin at `start`."""
    content = given.get("content") if isinstance(given, dict) else None
    tokens = [t for t in (content if isinstance(content, list) else ()) if isinstance(t, dict)]
    if not tokens:
        return None
    offsets: list[JsonValue] = []
    for token in tokens:
        offsets.append(start)
        start += len(str(token.get("token", "")))
    return {
        "tokens": [token.get("token") for token in tokens],
        "token_logprobs": [token.get("logprob") for token in tokens],
        "top_logprobs": [_alternatives(token.get("top_logprobs")) for token in tokens],
        "text_offset": offsets,
    }


def _alternatives(top: JsonValue) -> JsonValue:
    tokens: Iterable[JsonValue] = top if isinstance(top, list) else ()
    return {str(t.get("token")): t.get("logprob") for t in tokens if isinstance(t, dict)}

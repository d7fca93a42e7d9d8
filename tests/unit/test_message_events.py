"""Anthropic's client makes the same message of an answer's events and of the whole answer."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.protocols.messages.messages_answer import message_body
from route_switch.api.protocols.messages.messages_events import PING, MessageEvents
from route_switch.api.protocols.messages.turns import chat_messages
from route_switch.domain.completion import complete
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage
from tests.support.routed import routed

USAGE = Usage(11, 7, cached_input_tokens=5, cache_write_tokens=1, reasoning_tokens=3)
CALL = ClientCall({}, (), {"stop": ["END"]})
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=4)
PIECES = st.lists(TEXTS, min_size=1, max_size=3)
VALUES = st.text(max_size=4) | st.integers(0, 9) | st.lists(st.booleans(), max_size=2)
ARGUMENTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=2)


@dataclass
class Reader:
    """Anthropic's client, which reads whatever `text` is at the moment."""

    text: str = ""

    def __post_init__(self) -> None:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=self.text))
        self._client = anthropic.Anthropic(
            api_key="x", max_retries=0, http_client=httpx2.Client(transport=transport)
        )

    def read(self, text: str) -> dict[str, Any]:
        self.text = text
        with self._client.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
            return dict(stream.get_final_message().to_dict(mode="json"))


READER = Reader()


def streamed(chunks: list[Chunk]) -> list[str]:
    events = MessageEvents(routed(None, "msg_1"), CALL)
    texts = [*events.begin()]
    for chunk in chunks:
        texts += [*events.of(chunk), PING]
    return [*texts, *events.end(routed(complete(chunks), "msg_1"))]


def whole(chunks: list[Chunk]) -> JsonObject:
    return message_body(routed(complete(chunks), "msg_1"), CALL)


def call_pieces(index: int, arguments: dict[str, Any], cuts: list[int]) -> list[Chunk]:
    text = json.dumps(arguments)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    function: JsonObject = {"name": f"tool-{index}", "arguments": ""}
    begins: JsonValue = {"index": index, "id": f"c{index}", "function": function}
    chunks = [Chunk({"tool_calls": [begins]})]
    for start, end in itertools.pairwise(places):
        piece: JsonValue = {"index": index, "function": {"arguments": text[start:end]}}
        chunks.append(Chunk({"tool_calls": [piece]}))
    return chunks


@st.composite
def thoughts(draw: st.DrawFn) -> list[Chunk]:
    """Signed blocks, which come in numbered pieces, or an unsigned thought."""
    kinds = ("none", "signed", "signed at the end", "reasoning_content", "reasoning")
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return []
    if kind == "signed at the end":  # as Bedrock's client does
        pieces = draw(PIECES)
        whole_thought = {"type": "thinking", "thinking": "".join(pieces), "signature": "sig"}
        last: JsonValue = {"index": 0, **whole_thought}
        said = [Chunk({"reasoning_content": piece}) for piece in pieces]
        return [*said, Chunk({"thinking_blocks": [last]})]
    if kind != "signed":
        return [Chunk({kind: piece}) for piece in draw(PIECES)]
    chunks = []
    for index in range(draw(st.integers(1, 2))):
        thought: JsonObject = {"index": index, "type": "thinking", "signature": ""}
        if draw(st.booleans()):
            redacted: JsonValue = {"index": index, "type": "redacted_thinking", "data": "xyz"}
            chunks.append(Chunk({"thinking_blocks": [redacted]}))
            continue
        for piece in draw(PIECES):
            block: JsonValue = {**thought, "thinking": piece}
            chunks.append(Chunk({"thinking_blocks": [block], "reasoning_content": piece}))
        signed: JsonValue = {**thought, "thinking": "", "signature": f"sig-{index}"}
        chunks.append(Chunk({"thinking_blocks": [signed]}))
    return chunks


@st.composite
def answers(draw: st.DrawFn) -> list[Chunk]:
    """Thoughts, then text or a refusal, then calls, whose pieces may alternate."""
    chunks = [Chunk({"role": "assistant", "content": None}), *draw(thoughts())]
    said = draw(st.sampled_from(("content", "refusal", "")))
    chunks += [Chunk({said: piece}) for piece in draw(PIECES)] if said else []
    calls = [
        call_pieces(index, draw(ARGUMENTS), draw(st.lists(st.integers(0, 99), max_size=3)))
        for index in range(draw(st.integers(0, 3)))
    ]
    if draw(st.booleans()):  # in turn
        mixed = itertools.chain.from_iterable(itertools.zip_longest(*calls))
        chunks += [chunk for chunk in mixed if chunk is not None]
    else:
        chunks += [chunk for pieces in calls for chunk in pieces]
    reason = draw(st.sampled_from(("stop", "tool_calls", "length", "content_filter")))
    return [*chunks, Chunk({}, finish_reason=reason), Chunk({}, usage=USAGE)]


def told(message: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only one of the two has: costs, and fields that the client adds."""
    read = anthropic.types.Message.model_validate(message, strict=True)
    content = [{k: v for k, v in b.to_dict().items() if v is not None} for b in read.content]
    named = ("id", "model", "stop_reason", "stop_sequence")
    usage = {k: v for k, v in read.usage.to_dict().items() if v is not None}
    return {**{n: getattr(read, n) for n in named}, "content": content, "usage": usage}


@given(answers())
def test_a_stream_is_the_whole_message(chunks: list[Chunk]) -> None:
    assert told(READER.read("".join(streamed(chunks)))) == told(whole(chunks))


DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, st.text(max_size=3)),
    st.builds(lambda text: {"refusal": text}, st.text(max_size=3)),
    st.builds(lambda text: {"reasoning": text}, st.text(max_size=3)),
    st.builds(
        lambda data: {"thinking_blocks": [{"type": "redacted_thinking", "data": data}]}, TEXTS
    ),
    st.builds(
        lambda n, text: {
            "tool_calls": [
                {"index": n, "id": f"c{n}", "function": {"name": "f", "arguments": text}}
            ]
        },
        st.integers(0, 2),
        st.text(max_size=3),
    ),
)


@given(st.lists(DELTAS, max_size=8))
def test_at_most_one_block_is_open_and_each_is_closed(deltas: list[JsonObject]) -> None:
    chunks = [Chunk({"content": "x"}), *map(Chunk, deltas), Chunk({}, finish_reason="stop")]
    is_open, index = False, -1
    events = [json.loads(text.split("data: ")[1]) for text in streamed(chunks)]
    for event in events:
        if event["type"] == "content_block_start":
            assert (is_open, event["index"]) == (False, index + 1)
            is_open, index = True, index + 1
        elif event["type"] == "content_block_delta":
            assert (is_open, event["index"]) == (True, index)
        elif event["type"] == "content_block_stop":
            is_open = False
    assert not is_open
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]


@given(st.lists(DELTAS, max_size=8))
def test_nothing_that_a_model_says_is_lost(deltas: list[JsonObject]) -> None:
    """Its arguments need not be JSON, and its pieces may come in any order."""
    chunks = [Chunk({"content": "x"}), *map(Chunk, deltas), Chunk({}, finish_reason="stop")]
    message = complete(chunks).choices[0].message
    events = [json.loads(text.split("data: ")[1]) for text in streamed(chunks)]
    begun = {e["index"]: e["content_block"] for e in events if "content_block" in e}
    arguments: dict[str, str] = {}
    said = ""
    for event in events:
        delta = event.get("delta", {})
        said += delta.get("text", "")
        if "partial_json" in delta:
            call = begun[event["index"]]["id"]
            arguments[call] = arguments.get(call, "") + delta["partial_json"]
    assert sorted(said) == sorted(f"{message.get('content')}{message.get('refusal') or ''}")
    ids = [block["id"] for block in begun.values() if block["type"] == "tool_use"]
    calls: Any = message.get("tool_calls") or []
    assert len(ids) == len(set(ids))
    given_arguments = sorted("".join(c["function"]["arguments"] for c in calls))
    assert sorted("".join(arguments.values())) == given_arguments


def test_arguments_that_are_not_an_object_stay_visible() -> None:
    call: JsonValue = {"id": "c", "function": {"name": "f", "arguments": "{oops"}}
    [block] = message_blocks(Chunk({"tool_calls": [call]}, finish_reason="tool_calls"))
    assert block["input"] == {"INVALID_JSON": "{oops"}


def message_blocks(chunk: Chunk) -> Any:
    return whole([chunk])["content"]


def test_an_error_in_the_middle_raises_in_the_client() -> None:
    events = MessageEvents(routed(None, "msg_1"), CALL)
    texts = [*events.begin(), *events.of(Chunk({"content": "Half"}))]
    error = ErrorAnswer(504, "The answer is incomplete.", "server_error", "upstream_timeout")
    with pytest.raises(anthropic.APIStatusError, match="timeout_error"):
        READER.read("".join([*texts, *events.broken_off(error)]))


@given(answers())
def test_an_answer_can_be_sent_back(chunks: list[Chunk]) -> None:
    """What the model thought, said and called arrives as it was."""
    answered = complete(chunks).choices[0].message
    [message] = chat_messages(None, [{"role": "assistant", "content": whole(chunks)["content"]}])
    said = f"{answered.get('content') or ''}{answered.get('refusal') or ''}"
    assert (message["content"] or "") == said
    blocks: Any = answered.get("thinking_blocks")
    if blocks:
        assert message["thinking_blocks"] == blocks
    else:
        for name in ("reasoning_content", "reasoning"):
            assert message.get(name) == answered.get(name)
    sent: Any = message.get("tool_calls") or []
    calls: Any = answered.get("tool_calls") or []
    assert [json.loads(c["function"]["arguments"]) for c in sent] == [
        json.loads(c["function"]["arguments"]) for c in calls
    ]
    assert [c["id"] for c in sent] == [c["id"] for c in calls]

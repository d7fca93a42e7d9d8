"""The events of any answer and the whole answer are the same response."""

import itertools
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.protocols.responses.response_body import response_answer
from route_switch.api.protocols.responses.response_events import ResponseEvents
from route_switch.api.protocols.responses.response_request import parse_response_request
from route_switch.domain.completion import Completion, complete
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage
from tests.support.response_reading import read_response, read_response_stream
from tests.support.routed import routed

Json = Any  # a response, which is read at many places
TOOLS: list[JsonValue] = [
    {"type": "function", "name": "weather", "parameters": {"type": "object"}},
    {"type": "custom", "name": "apply_patch", "description": "Edit files."},
    {
        "type": "namespace",
        "name": "agents",
        "description": "",
        "tools": [{"type": "function", "name": "spawn"}, {"type": "custom", "name": "run"}],
    },
    {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}},
]
REQUEST: JsonObject = {"input": "Why?", "tools": TOOLS, "include": ["reasoning.encrypted_content"]}
USAGE = Usage(11, 7, cached_input_tokens=5, cache_write_tokens=1, reasoning_tokens=3)
PIECES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=3)
ARGUMENTS = st.dictionaries(
    st.text(max_size=4), st.text(max_size=4) | st.integers(0, 9), max_size=2
)
NAMES = ("weather", "apply_patch", "agents__spawn", "agents__run", "tool_search", "unknown")


def asked(**fields: JsonValue) -> ClientCall:
    return parse_response_request(json.dumps({**REQUEST, **fields}).encode())


def streamed(chunks: list[Chunk], call: ClientCall) -> str:
    routed_now = routed(None)
    events = ResponseEvents(routed_now, call)
    texts = [*events.begin()]
    for chunk in chunks:
        texts += events.of(chunk)
    return "".join([*texts, *events.end(routed(complete(chunks)))])


def whole(completion: Completion, call: ClientCall) -> str:
    return json.dumps(response_answer(routed(completion), call))


def call_pieces(index: int, name: str, arguments: dict[str, Any], cuts: list[int]) -> list[Chunk]:
    text = json.dumps({"input": "x"} if name in ("apply_patch", "agents__run") else arguments)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    first: JsonObject = {"index": index, "id": f"call_{index}", "type": "function"}
    chunks = [Chunk({"tool_calls": [{**first, "function": {"name": name, "arguments": ""}}]})]
    for start, end in itertools.pairwise(places):
        piece: JsonValue = {"index": index, "function": {"arguments": text[start:end]}}
        chunks.append(Chunk({"tool_calls": [piece]}))
    return chunks


@st.composite
def answers(draw: st.DrawFn) -> list[Chunk]:
    """Thoughts, then text or a refusal, then calls: the order that models keep."""
    chunks = [Chunk({"role": "assistant", "content": None})]
    if draw(st.booleans()):
        name = draw(st.sampled_from(("reasoning_content", "reasoning", "thinking")))
        chunks += [Chunk({name: piece}) for piece in draw(PIECES)]
    said = draw(st.sampled_from(("content", "refusal", "")))
    chunks += [Chunk({said: piece}) for piece in draw(PIECES)] if said else []
    for index in range(draw(st.integers(0, 3))):
        name, cuts = draw(st.sampled_from(NAMES)), draw(st.lists(st.integers(0, 99), max_size=3))
        chunks += call_pieces(index, name, draw(ARGUMENTS), cuts)
    reason = draw(st.sampled_from(("stop", "tool_calls", "length", "content_filter")))
    return [*chunks, Chunk({}, finish_reason=reason), Chunk({}, usage=USAGE)]


@given(answers(), st.sampled_from(([], ["reasoning.encrypted_content"])))
def test_a_stream_is_the_whole_answer(chunks: list[Chunk], include: list[str]) -> None:
    call = asked(include=[*include])
    folded = read_response_stream(streamed(chunks, call))
    assert folded == read_response(whole(complete(chunks), call))


DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, st.text(max_size=3)),
    st.builds(lambda text: {"refusal": text}, st.text(max_size=3)),
    st.builds(lambda text: {"reasoning_content": text}, st.text(max_size=3)),
    st.builds(lambda n: {"thinking_blocks": [{"type": "redacted", "data": str(n)}]}, st.integers()),
    st.builds(
        lambda n, text: {
            "tool_calls": [
                {"index": n, "id": f"c{n}", "function": {"name": "weather", "arguments": text}}
            ]
        },
        st.integers(0, 2),
        st.text(max_size=3),
    ),
    st.just(
        {
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {
                        "url": "https://example.org",
                        "title": "t",
                        "start_index": 0,
                        "end_index": 1,
                    },
                }
            ]
        }
    ),
)


@given(st.lists(DELTAS, min_size=1, max_size=9), st.sampled_from(("stop", "length")))
def test_events_are_in_order_no_matter_in_which_order_a_model_speaks(
    deltas: list[JsonObject], reason: str
) -> None:
    chunks = [*map(Chunk, deltas), Chunk({}, finish_reason=reason)]
    last = read_response_stream(streamed(chunks, asked()))
    said = [p["text"] for i in last["output"] for p in i.get("content", ()) if "text" in p]
    texts = [str(delta["content"]) for delta in deltas if "content" in delta]
    assert "".join(said) == "".join(texts)


def output_of(delta: JsonObject, call: ClientCall | None = None, **fields: Any) -> list[Json]:
    chunk = Chunk(delta, finish_reason="stop", **fields)
    output: list[Json] = read_response(whole(complete([chunk]), call or asked()))["output"]
    return output


def calling(name: str, arguments: str) -> JsonObject:
    function: JsonValue = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"id": "call_7", "type": "function", "function": function}]}


def test_tools_are_called_as_the_client_knows_them() -> None:
    patch = json.dumps({"input": "*** Begin Patch"})
    [custom] = output_of(calling("apply_patch", patch))
    assert (custom["type"], custom["input"]) == ("custom_tool_call", "*** Begin Patch")
    [spawn] = output_of(calling("agents__spawn", "{}"))
    assert (spawn["name"], spawn["namespace"]) == ("spawn", "agents")
    [run] = output_of(calling("agents__run", patch))
    assert (run["type"], run["name"], run["namespace"]) == ("custom_tool_call", "run", "agents")
    [search] = output_of(calling("tool_search", '{"query": "mail"}'))
    assert (search["type"], search["execution"]) == ("tool_search_call", "client")
    assert search["arguments"] == {"query": "mail"}


def test_a_custom_tool_gets_its_text_however_the_model_wraps_it() -> None:
    for arguments in ('{"input": "run"}', '{"patch": "run"}', '"run"', "run"):
        [custom] = output_of(calling("apply_patch", arguments))
        assert custom["input"] == "run"


def test_reasoning_carries_what_its_provider_wants_back_if_the_client_asks_for_it() -> None:
    signed: JsonValue = [{"type": "thinking", "thinking": "Hm.", "signature": "s1"}]
    delta: JsonObject = {
        "reasoning_content": "Hm.",
        "thinking_blocks": signed,
        **calling("weather", "{}"),
    }
    reasoning, _ = output_of(delta)
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hm."}]
    later = asked(
        input=[
            {"role": "user", "content": "Why?"},
            reasoning,
            {"type": "function_call", "call_id": "call_7", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_7", "output": "sun"},
        ]
    )
    assistant = later.messages[1]
    assert assistant["thinking_blocks"] == signed
    assert assistant["reasoning_content"] == "Hm."
    [without, _] = output_of(delta, asked(include=[]))
    assert "encrypted_content" not in without


def test_fields_of_a_call_come_back_with_its_reasoning() -> None:
    delta: Json = calling("weather", "{}")
    delta["tool_calls"][0]["extra_content"] = {"signature": "s"}
    function_call, reasoning = output_of(delta)
    assert reasoning["summary"] == []
    output: Json = {"type": "function_call_output", "call_id": "call_7", "output": "sun"}
    later: Json = asked(input=[function_call, reasoning, output]).messages[0]
    assert later["tool_calls"][0]["extra_content"] == {"signature": "s"}


def test_an_answer_that_is_cut_says_why() -> None:
    for reason, why in (("length", "max_output_tokens"), ("content_filter", "content_filter")):
        chunks = [Chunk({"content": "Bec"}), Chunk({}, finish_reason=reason)]
        last = read_response_stream(streamed(chunks, asked()))
        assert (last["status"], last["incomplete_details"]) == ("incomplete", {"reason": why})
        assert last["output"][0]["status"] == "incomplete"


def test_an_answer_that_says_nothing_is_an_empty_message() -> None:
    [message] = read_response_stream(streamed([Chunk({}, finish_reason="stop")], asked()))["output"]
    assert message["content"][0]["text"] == ""


def test_usage_reports_cached_and_reasoning_tokens() -> None:
    usage = read_response(whole(complete([Chunk({"content": "a"}, usage=USAGE)]), asked()))["usage"]
    assert usage == {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 18,
    }


def test_logprobs_and_citations_have_this_apis_form() -> None:
    top: JsonValue = {"token": "B", "logprob": -2.0, "bytes": None}
    token: JsonValue = {"token": "A", "logprob": -0.5, "bytes": None, "top_logprobs": [top]}
    cited: JsonObject = {
        "url": "https://example.org",
        "title": "t",
        "start_index": 0,
        "end_index": 1,
    }
    delta: JsonObject = {
        "content": "A",
        "annotations": [{"type": "url_citation", "url_citation": cited}],
    }
    [message] = output_of(delta, logprobs={"content": [token]})
    [part] = message["content"]
    assert part["annotations"] == [{"type": "url_citation", **cited}]
    assert part["logprobs"][0]["bytes"] == [65]
    assert part["logprobs"][0]["top_logprobs"] == [{"token": "B", "logprob": -2.0, "bytes": [66]}]


def test_a_stream_that_breaks_off_ends_in_an_error_and_a_failed_response() -> None:
    events = ResponseEvents(routed(None), asked())
    texts = [*events.begin(), *events.of(Chunk({"content": "Half"}))]
    error = ErrorAnswer(502, "It stopped.", "server_error", "upstream_failed")
    texts += events.broken_off(error)
    failed = read_response_stream("".join(texts))
    assert (failed["status"], failed["error"]["message"]) == ("failed", "It stopped.")
    told = json.loads(texts[-2].split("data: ")[1])
    assert told["error"]["code"] == told["code"] == "upstream_failed"


def test_an_answer_does_not_translate_the_conversation_again() -> None:
    added: JsonValue = {"type": "additional_tools", "tools": TOOLS}
    foreign: JsonValue = {"type": "reasoning", "encrypted_content": "gAAAA"}
    call = asked(input=[{"role": "user", "content": "Why?"}, added, foreign], tools=[])
    call = replace(call, content={k: v for k, v in call.content.items() if k != "input"})
    chunks = call_pieces(0, "agents__spawn", {}, [])
    response = json.loads(whole(complete(chunks), call))
    [item] = response["output"]
    assert (item["name"], item["namespace"]) == ("spawn", "agents")
    [note] = response["route_switch"]["left_out"]
    assert note.startswith("input[2]: reasoning")

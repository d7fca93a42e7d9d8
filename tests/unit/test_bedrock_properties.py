"""Properties of every conversation that is sent to Bedrock."""

import json
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.domain.completion import complete
from route_switch.domain.ports import JsonObject, ModelCall
from tests.support.converse import MODEL, sent

HI: JsonObject = {"role": "user", "content": "Hi"}
TOOLS = [{"type": "function", "function": {"name": "look_up"}}]

words = st.text(max_size=20)
names = st.text("abc_-019", min_size=1, max_size=64)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(words, values, max_size=3)
contents = words | st.lists(words.map(lambda text: {"type": "text", "text": text}), max_size=3)
plain = st.builds(
    lambda role, content: [{"role": role, "content": content}],
    st.sampled_from(["system", "developer", "user", "assistant"]),
    contents,
)


@st.composite
def tool_round(draw: st.DrawFn) -> list[JsonObject]:
    """Tool calls, and a result for each in any order."""
    ids = draw(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=3, unique=True))
    calls = [
        {
            "id": id_,
            "type": "function",
            "function": {"name": draw(names), "arguments": json.dumps(draw(arguments))},
        }
        for id_ in ids
    ]
    asking = {"role": "assistant", "content": draw(st.none() | contents), "tool_calls": calls}
    results = [
        {"role": "tool", "tool_call_id": id_, "content": draw(contents)}
        for id_ in draw(st.permutations(ids))
    ]
    return cast("list[JsonObject]", [asking, *results])


conversations = st.lists(plain | tool_round(), max_size=6).map(
    lambda rounds: [
        HI,
        *(m for messages in rounds for m in messages),
    ]
)


def texts(message: JsonObject) -> list[str]:
    content = message.get("content") or []
    said = [content] if isinstance(content, str) else [p["text"] for p in cast("Any", content)]
    told = [text for text in said if text.strip()]
    return told or (["(no output)"] if message["role"] == "tool" else [])


def sent_texts(content: Any) -> list[str]:
    return [
        inner["text"]
        for block in content
        for inner in (
            [block] if "text" in block else block.get("toolResult", {}).get("content", [])
        )
    ]


@given(conversations)
def test_roles_alternate_and_every_tool_call_has_its_result_in_the_next_turn(
    messages: list[JsonObject],
) -> None:
    turns = sent(*messages, tools=TOOLS)["messages"]
    assert [turn["role"] for turn in turns] == [
        ("user", "assistant")[i % 2] for i in range(len(turns))
    ]
    for turn, following in zip(turns, [*turns[1:], {"content": []}], strict=True):
        called = {b["toolUse"]["toolUseId"] for b in turn["content"] if "toolUse" in b}
        results = {b["toolResult"]["toolUseId"] for b in following["content"] if "toolResult" in b}
        assert called == results


@given(conversations)
def test_no_text_is_lost_or_reordered(messages: list[JsonObject]) -> None:
    request = sent(*messages, tools=TOOLS)
    system = [m for m in messages if m["role"] in ("system", "developer")]
    others = [m for m in messages if m not in system]
    assert [b["text"] for b in request.get("system", [])] == [t for m in system for t in texts(m)]
    assert [t for turn in request["messages"] for t in sent_texts(turn["content"])] == [
        t for m in others for t in texts(m)
    ]


@given(conversations)
def test_without_tools_everything_becomes_text_and_nothing_is_lost(
    messages: list[JsonObject],
) -> None:
    turns = sent(*messages)["messages"]
    told = "\n".join(block["text"] for turn in turns for block in turn["content"])
    for message in messages:
        if message["role"] not in ("system", "developer"):
            assert all(text in told for text in texts(message))
        for call in cast("Any", message.get("tool_calls", [])):
            function = call["function"]
            plain_arguments = json.dumps(json.loads(function["arguments"]), ensure_ascii=False)
            assert f"{function['name']} {plain_arguments}" in told


@given(
    st.lists(st.tuples(names, names, arguments), min_size=1, max_size=3, unique_by=lambda c: c[0])
)
def test_a_tool_call_survives_the_round_trip_to_the_client(
    calls: list[tuple[str, str, JsonObject]],
) -> None:
    blocks = [{"toolUse": {"toolUseId": i, "name": n, "input": a}} for i, n, a in calls]
    response = {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    }
    bedrock = cast("Any", SimpleNamespace(converse=lambda **_: response))
    answer = complete(BedrockClient(bedrock).stream(ModelCall(MODEL, (HI,))))
    results: list[JsonObject] = [
        {"role": "tool", "tool_call_id": i, "content": "x"} for i, _, _ in calls
    ]
    request = sent(HI, answer.choices[0].message, *results, tools=TOOLS)
    assert request["messages"][1]["content"] == blocks

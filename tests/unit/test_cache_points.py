"""Cache points of the caller reach every provider that takes them; the stage may set its own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.adapters.models.fitting_client import FittingClient
from route_switch.domain.cache_points import (
    MAX_POINTS,
    CachePoints,
    at_most_four,
    has_points,
    with_points,
    with_prefix_point,
    without_points,
)
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.example import Example
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.tiers import Tier
from route_switch.services.learning.answer_examples import AnswerExamples
from tests.support.converse import validated
from tests.support.paid import FakeModel, metered

POINT: JsonObject = {"type": "ephemeral"}
HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-lite-v1:0"
LONG = "You are a careful assistant of a large hospital. " * 400
BLOCK = {"cachePoint": {"type": "default"}}
CACHES = Capabilities(cache_min_tokens=1024)


def part(text: str, point: JsonObject | None = None) -> JsonObject:
    return {"type": "text", "text": text, **({"cache_control": point} if point else {})}


def message(role: str, *parts: JsonValue, **fields: JsonValue) -> JsonObject:
    return {"role": role, "content": [*parts], **fields}


def tool(name: str, **fields: JsonValue) -> JsonObject:
    return {"type": "function", "function": {"name": name, "parameters": {}}, **fields}


MARKED: tuple[JsonObject, ...] = (
    message("system", part("Rules.", POINT)),
    message("user", part("Document.", POINT), part("Summarize.")),
    message("assistant", part("Summary.")),
    {"role": "user", "content": "Go on.", "cache_control": POINT},
)
TOOLS: dict[str, Any] = {"tools": [tool("f"), tool("g", cache_control=POINT)]}


def sent(
    model: str, *messages: JsonObject, known: Capabilities | None = None, **params: Any
) -> Any:
    return validated(converse_request(ModelCall(model, messages, params), known or Capabilities()))


def test_claude_on_bedrock_gets_every_point_after_what_it_marks() -> None:
    request = sent(CLAUDE, *MARKED, **TOOLS)
    assert request["system"] == [{"text": "Rules."}, BLOCK]
    first, _, last = request["messages"]
    assert first["content"] == [{"text": "Document."}, BLOCK, {"text": "Summarize."}]
    assert last["content"] == [{"text": "Go on."}, BLOCK]
    assert request["toolConfig"]["tools"][2] == BLOCK
    assert len(request["toolConfig"]["tools"]) == 3


def test_nova_gets_them_in_messages_only_and_other_models_get_none() -> None:
    request = sent(NOVA, *MARKED, **TOOLS)
    assert json.dumps(request["messages"]).count("cachePoint") == 2
    assert BLOCK not in request["toolConfig"]["tools"]
    assert "cachePoint" not in json.dumps(sent("meta.llama3-70b-instruct-v1:0", *MARKED, **TOOLS))


def test_a_profile_whose_name_does_not_tell_the_model_gets_them_if_the_stage_says_so() -> None:
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
    assert "cachePoint" not in json.dumps(sent(profile, *MARKED))
    assert json.dumps(sent(profile, *MARKED, known=CACHES)).count("cachePoint") == 3


@pytest.mark.parametrize(
    ("model", "known", "ttl"),
    [
        (CLAUDE, Capabilities(), {"type": "default", "ttl": "1h"}),
        (CLAUDE, Capabilities(long_cache=False), {"type": "default"}),
        (NOVA, Capabilities(), {"type": "default"}),
    ],
)
def test_an_hour_is_asked_for_where_the_model_offers_it(
    model: str, known: Capabilities, ttl: JsonObject
) -> None:
    request = sent(model, message("system", part("Rules.", HOUR)), *MARKED[1:], known=known)
    assert request["system"][1] == {"cachePoint": ttl}


def test_a_point_on_a_tool_result_comes_after_the_result() -> None:
    call: JsonObject = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    request = sent(
        CLAUDE,
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call, {**call, "id": "b"}]},
        message("tool", part("1", POINT), tool_call_id="a"),
        message("tool", part("2", POINT), tool_call_id="b"),
        tools=[tool("f")],
    )
    kinds = [next(iter(block)) for block in request["messages"][2]["content"]]
    assert kinds == ["toolResult", "cachePoint", "toolResult", "cachePoint"]


def test_a_point_after_nothing_is_not_sent() -> None:
    request = sent(CLAUDE, message("system", part(" ", POINT)), message("user", part("Hi")))
    assert "system" not in request
    blank = message("user", part(" ", POINT), part("Hi", POINT), cache_control=POINT)
    assert sent(CLAUDE, blank)["messages"][0]["content"] == [{"text": "Hi"}, BLOCK]


parts = st.builds(part, st.text(max_size=3), st.none() | st.just(POINT))
messages_ = st.lists(
    st.builds(
        lambda role, content, mark: {**message(role, *content), **mark},
        st.sampled_from(["system", "user", "assistant"]),
        st.lists(parts, max_size=3),
        st.sampled_from([{}, {"cache_control": POINT}]),
    ),
    max_size=5,
).map(tuple)
tools = st.lists(st.sampled_from([POINT, None]), max_size=3).map(
    lambda marks: [tool("f", **({"cache_control": m} if m else {})) for m in marks]
)


def count(messages: Any, params: Any) -> int:
    return json.dumps([*messages, params]).count('"cache_control"')


@given(messages_, tools)
def test_a_request_keeps_its_last_four_points_and_nothing_else_changes(
    messages: tuple[JsonObject, ...], marked: list[JsonObject]
) -> None:
    params: dict[str, JsonValue] = {"tools": [*marked], "n": 1}
    before = json.dumps([messages, params])
    kept, kept_params = at_most_four(messages, params)
    assert count(kept, kept_params) == min(count(messages, params), MAX_POINTS)
    assert without_points(kept, kept_params) == without_points(messages, params)
    assert not has_points(*without_points(messages, params))
    assert json.dumps([messages, params]) == before, "the request itself is not changed"


def test_the_stage_sets_points_after_long_tools_and_system_messages() -> None:
    system: JsonObject = {"role": "system", "content": LONG}
    user: JsonObject = {"role": "user", "content": LONG}
    marked, params = with_points((system, user), TOOLS, 1024)
    assert marked[0]["content"] == [part(LONG, POINT)]
    assert marked[1] is user
    assert params == TOOLS, "short tools alone are not worth a point"
    long_tool = tool("g", description=LONG)
    _, params = with_points((system, user), {"tools": [long_tool]}, 1024)
    assert params["tools"] == [{**long_tool, "cache_control": POINT}]
    assert not has_points(*with_points((system, user), {}, 100_000))
    assert not has_points(*with_points((user,), {}, 1024))


@pytest.mark.parametrize(
    ("setting", "known", "is_marked"),
    [("auto", CACHES, True), ("off", CACHES, False), ("auto", Capabilities(), False)],
)
def test_a_request_without_points_gets_them_if_the_stage_wants_it(
    setting: CachePoints, known: Capabilities, is_marked: bool
) -> None:
    model = FakeModel()
    client = FittingClient(model, "anthropic", {"anthropic/claude": known}, setting)
    system: JsonObject = {"role": "system", "content": LONG}
    list(client.stream(ModelCall("claude", (system, {"role": "user", "content": "Hi"}))))
    call = model.asked[0]
    assert has_points(call.messages, call.params) == is_marked


def test_the_callers_own_points_are_left_as_they_are() -> None:
    model = FakeModel()
    client = FittingClient(model, "anthropic", {"anthropic/claude": CACHES}, "auto")
    system = message("system", part(LONG))
    list(client.stream(ModelCall("claude", (system, *MARKED), TOOLS)))
    assert model.asked[0].messages == (system, *MARKED)
    assert model.asked[0].params == TOOLS


def test_a_server_that_refuses_points_is_asked_without_them_from_then_on() -> None:
    def picky(call: ModelCall) -> str | BaseException:
        if has_points(call.messages, call.params):
            words = "m: Unknown parameter: 'messages[0].content[0].cache_control'."
            return InvalidModelRequestError(words, status=400)
        return "Hi."

    model = FakeModel(picky)
    client = FittingClient(model, "openai", {})
    for _ in range(2):
        list(client.stream(ModelCall("m", MARKED, TOOLS)))
    assert len(model.asked) == 3


def test_the_routing_prompt_is_marked_where_its_model_caches_on_request() -> None:
    system: JsonObject = {"role": "system", "content": LONG}
    query: JsonObject = {"role": "user", "content": "Hi"}
    assert with_prefix_point((system, query), None) == (system, query)
    assert with_prefix_point((system, query), 100_000) == (system, query)
    marked = with_prefix_point((system, query), 1024)
    assert marked == (message("system", part(LONG, POINT)), query)


def test_learning_pays_for_no_cache_that_is_not_read() -> None:
    model = FakeModel(lambda _: "42")
    example = Example(query="Go on.", conversation=MARKED[:3], params=TOOLS)
    AnswerExamples(metered(model), 1)([example], {Tier.LARGE: "p/m"})
    assert not has_points(model.asked[0].messages, model.asked[0].params)

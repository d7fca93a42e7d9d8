"""Every request to the Messages API is translated or refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.messages.messages_request import (
    count_tokens,
    parse_messages_request,
)
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.needs import needs_of
from route_switch.domain.query import query_of
from route_switch.domain.replay import replay_of
from route_switch.domain.thinking import as_effort

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
SHORT = st.text(max_size=3)
IDS = st.just("t1")


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Now and then, return anything."""
    return st.integers(0, 24).flatmap(lambda number: usual if number else JSON)


def block(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    marks = {"cache_control": mostly(st.just({"type": "ephemeral"}))}
    usual = {name: mostly(each) for name, each in fields.items()}
    return st.fixed_dictionaries({"type": mostly(st.just(kind)), **usual}, optional=marks)


def source(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": mostly(st.just(kind)), **fields})


TEXT = block("text", text=SHORT)
DATA = source("base64", media_type=st.just("image/png"), data=mostly(st.just("iVBORw0K")))
IMAGE = block("image", source=DATA | source("url", url=SHORT) | source("file"))
PARTS = mostly(
    st.lists(TEXT | IMAGE | block("tool_reference", tool_name=SHORT), max_size=2) | SHORT
)
INSIDE = source("content", content=PARTS)
DOCUMENT = block("document", source=DATA | source("text", data=SHORT) | INSIDE, title=SHORT)
RESULT = block("tool_result", tool_use_id=IDS, content=PARTS, is_error=st.booleans())
CALL = block("tool_use", id=IDS, name=SHORT, input=st.dictionaries(SHORT, JSON, max_size=2))
SIGNATURES = st.sampled_from(["", "sig", "reasoning", "thinking"])
THOUGHT = block("thinking", thinking=SHORT, signature=SIGNATURES)
REDACTED = block("redacted_thinking", data=SHORT)
CONTENT = {
    "user": SHORT | st.lists(TEXT | IMAGE | DOCUMENT | RESULT, max_size=3),
    "assistant": SHORT | st.lists(TEXT | CALL | THOUGHT | REDACTED, max_size=3),
    "system": SHORT | st.lists(TEXT, max_size=2),
}
TURNS = st.sampled_from(sorted(CONTENT)).flatmap(
    lambda role: st.fixed_dictionaries({"role": st.just(role), "content": mostly(CONTENT[role])})
)
TOOLS = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=3), "input_schema": mostly(st.just({"type": "object"}))},
    optional={
        "type": mostly(st.just("custom")),
        "description": SHORT,
        "strict": st.booleans(),
        "defer_loading": mostly(st.booleans()),
        "cache_control": JSON,
    },
)
CHOICES = st.fixed_dictionaries(
    {"type": st.sampled_from(["auto", "any", "none"])},
    optional={"name": SHORT, "disable_parallel_tool_use": st.booleans()},
)
THINKING = st.fixed_dictionaries(
    {"type": st.sampled_from(["enabled", "disabled", "adaptive"])},
    optional={"budget_tokens": st.integers(1, 40_000)},
)
EFFORT = st.fixed_dictionaries({}, optional={"effort": st.sampled_from(["low", "max"])})
OPTIONAL = {
    "system": mostly(CONTENT["system"]),
    "tools": mostly(st.lists(TOOLS, max_size=2)),
    "tool_choice": mostly(CHOICES),
    "thinking": mostly(THINKING),
    "output_config": mostly(EFFORT),
    "cache_control": mostly(st.just({"type": "ephemeral"})),
    "context_management": JSON,
}
MESSAGES = {"messages": mostly(st.lists(TURNS, min_size=1, max_size=3))}
USERS = st.fixed_dictionaries({"user_id": SHORT})
BODIES = st.fixed_dictionaries(
    MESSAGES,
    optional={
        **OPTIONAL,
        "max_tokens": mostly(st.integers(1, 9)),
        "metadata": mostly(USERS),
        "stop_sequences": mostly(st.lists(SHORT, max_size=2)),
        "stream": st.booleans(),
    },
)


def parsed(body: Any) -> ClientCall | None:
    try:
        return parse_messages_request(json.dumps(body).encode())
    except RequestRefusedError as error:
        assert error.status == 400
        assert error.param or error.code == "invalid_json"
        return None


@given(BODIES)
def test_a_request_is_translated_or_refused(body: dict[str, Any]) -> None:
    """Every accepted request can be routed, recorded and replayed."""
    call = parsed({"max_tokens": 5, **body})
    if call is None:
        return
    json.dumps([*call.messages, call.params])
    assert {message["role"] for message in call.messages} <= {"system", "user", "assistant", "tool"}
    query = query_of(call.messages, call.params)
    assert needs_of(call.messages, call.params).input_tokens >= 0
    replay_of(call.messages, call.params, query)


@given(st.fixed_dictionaries(MESSAGES, optional=OPTIONAL))
def test_tokens_are_counted_of_what_is_accepted(body: dict[str, Any]) -> None:
    call = parsed({"max_tokens": 5, **body})
    if call is not None:
        tokens = count_tokens(json.dumps(body).encode())
        assert tokens == needs_of(call.messages, call.params).input_tokens


@given(BODIES)
def test_an_empty_refused_field_counts_as_absent(body: dict[str, Any]) -> None:
    given_body = {"max_tokens": 5, **body, "container": None, "mcp_servers": []}
    plain = {k: v for k, v in given_body.items() if k not in ("container", "mcp_servers")}
    with_fields, without = parsed(given_body), parsed(plain)
    assert (with_fields is None) == (without is None)
    assert with_fields is None or with_fields == without


@pytest.mark.parametrize("effort", [("low", "low"), ("max", "high")])
def test_a_stated_effort_wins_over_a_budget(effort: tuple[str, str]) -> None:
    said, known = effort
    body = {
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hello"}],
        "thinking": {"type": "enabled", "budget_tokens": 9000},
        "output_config": {"effort": said},
    }
    call = parsed(body)
    assert call is not None
    assert call.params["reasoning_effort"] == known


@given(st.integers(1, 40_000))
def test_a_budget_is_the_effort_that_models_without_a_budget_get(tokens: int) -> None:
    """Whether the protocol or the model's client translates it."""
    thinking = {"type": "enabled", "budget_tokens": tokens}
    turns = [{"role": "user", "content": "Why?"}]
    call = parsed({"max_tokens": 5, "messages": turns, "thinking": thinking})
    assert call is not None
    fitted, _ = as_effort({"thinking": call.params["thinking"]})
    assert call.params["reasoning_effort"] == fitted["reasoning_effort"]

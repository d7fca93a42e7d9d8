"""Find the query in a request, and keep what the router sees short."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.conversation import Conversation
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, query_of
from route_switch.domain.routed_text import as_read
from route_switch.domain.tokens import clip, estimate_tokens


def test_the_query_is_the_last_user_message() -> None:
    query = query_of(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two!"},
            {"role": "user", "content": "three"},
        ]
    )
    assert (query.text, query.earlier_turns, query.system_tokens) == ("three", 2, 3)
    assert query.for_router(100, schema_version=1) == (
        "(after 2 earlier messages of about 2 tokens)\nthree"
    )
    assert not query.stands_alone


def test_a_system_message_does_not_count_as_conversation() -> None:
    query = query_of(asked("Be brief.", "hi"))
    assert query.stands_alone
    assert query.is_shorter_than(8)


def test_a_long_system_message_makes_a_request_long() -> None:
    assert not query_of(
        asked("Prove that the square root of 2 is irrational.", "go")
    ).is_shorter_than(8)
    assert not query_of(asked("A contract of many pages. " * 50, "Is it valid?")).is_shorter_than(8)


@given(st.text(max_size=60), st.sampled_from(["", " ", "\n\t"]))
def test_a_request_without_user_text_is_never_short(system: str, text: str) -> None:
    assert not query_of([{"role": "system", "content": system}]).is_shorter_than(1000)
    assert not query_of(asked(system, text)).is_shorter_than(1000)


def asked(system: str, text: str) -> list[JsonObject]:
    return [{"role": "developer", "content": system}, {"role": "user", "content": text}]


def test_tools_and_attachments_are_detected() -> None:
    parts: list[JsonValue] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    query = query_of([{"role": "user", "content": parts}], {"tools": [{"type": "function"}]})
    assert (query.text, query.has_attachments, query.has_tools) == ("What is this?", True, True)
    line = "(with tools that may be called, with attachments"
    assert query.for_router(100, schema_version=1).startswith(line)
    assert "Tools: function. Attachments are not shown." in query.for_router(100)


SHORT: list[JsonObject] = [{"role": "user", "content": "go"}]
LOOP: tuple[JsonObject, ...] = (
    {"role": "assistant", "tool_calls": [{"function": {"name": "ls"}}]},
    {"role": "tool", "content": "a.py"},
)
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
FILE: JsonObject = {"type": "file", "file": {"file_id": "f"}}


@pytest.mark.parametrize(
    ("messages", "params"),
    [
        ([{"role": "system", "content": "A page. " * 99}, *SHORT], {}),
        (
            [{"role": "developer", "content": [{"type": "text", "text": "A page. " * 99}]}, *SHORT],
            {},
        ),
        ([*SHORT, {"role": "developer", "content": "A page. " * 99}], {}),
        ([{"role": "system", "content": [FILE]}, *SHORT], {}),
        ([{"role": "user", "content": "A page. " * 99}, *SHORT], {}),
        ([{"role": "assistant", "content": ""}, *SHORT], {}),
        ([*SHORT, *LOOP[:1]], {}),
        ([*SHORT, *LOOP], {}),
        ([*LOOP[1:], *SHORT], {}),
        ([{"role": "function", "name": "f", "content": ""}, *SHORT], {}),
        ([{"role": "user", "content": [{"type": "text", "text": "go"}, IMAGE]}], {}),
        ([{"role": "user", "content": [{"type": "text", "text": "go"}, FILE]}], {}),
        ([{"role": "user", "content": [{"type": "text", "text": "a page "}] * 99}], {}),
        (SHORT, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        (SHORT, {"functions": [{"name": "f"}]}),
        (SHORT, {"web_search_options": {}}),
        (SHORT, {"prediction": {"type": "content", "content": "A page. " * 99}}),
        (SHORT, {"response_format": {"type": "json_schema", "json_schema": {"a": "a page " * 99}}}),
    ],
)
def test_a_short_message_is_not_short_with_more_for_the_model_to_read(
    messages: list[JsonObject], params: JsonObject
) -> None:
    assert not query_of(messages, params).is_shorter_than(100)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"tools": []},
        {"tools": None, "functions": []},
        {"response_format": {"type": "json_object"}},
        {"web_search_options": None, "prediction": None},
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        "go",
        [{"type": "text", "text": "go"}],
        [{"type": "text", "text": ""}, {"type": "text", "text": "g"}],
    ],
)
def test_a_short_message_alone_is_short(params: JsonObject, content: JsonValue) -> None:
    query = query_of([{"role": "user", "content": content}], params)
    assert query.stands_alone
    assert query.is_shorter_than(8)


@given(
    st.lists(st.tuples(st.sampled_from(("system", "developer")), st.text(max_size=60)), max_size=3),
    st.text(max_size=60),
    st.integers(0, 40),
)
def test_only_a_request_whose_whole_text_is_shorter_is_short(
    instructions: list[tuple[str, str]], text: str, limit: int
) -> None:
    messages: list[JsonObject] = [{"role": role, "content": said} for role, said in instructions]
    query = query_of([*messages, {"role": "user", "content": text}])
    if query.is_shorter_than(limit):
        assert sum(estimate_tokens(str(m["content"])) for m in messages) <= limit + len(messages)
        assert query.tokens < limit


def test_a_request_without_a_user_message_has_an_empty_query_with_a_conversation() -> None:
    query = query_of([{"role": "assistant", "content": "Hello"}])
    assert query.text == ""
    assert not query.stands_alone


@given(st.text(max_size=400), st.integers(20, 60), st.integers(0, 3), st.sampled_from((1, 2)))
def test_the_router_never_sees_more_than_its_limit(
    text: str, limit: int, turns: int, version: int
) -> None:
    message: JsonObject = {"role": "user", "content": "word " * 8}
    shown = Query(text, Conversation(before=(message,) * turns)).for_router(limit, version)
    assert estimate_tokens(shown) <= limit
    if not turns and estimate_tokens(text) <= limit:
        assert shown == as_read(text)


def test_a_long_query_keeps_its_head_and_its_tail() -> None:
    shown = clip("Question: " + "filler " * 50_000 + "Answer in French.", 1000)
    assert shown.startswith("Question: ")
    assert shown.endswith("Answer in French.")


def test_no_character_is_split() -> None:
    assert "\ufffd" not in clip("日本語" * 1000, 33)

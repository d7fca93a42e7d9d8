"""Find the query in a request, and keep what the router sees short."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, query_of
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
    assert query == Query("three", earlier_turns=2, earlier_tokens=2, system_tokens=3)
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
    assert query.for_router(100).startswith("(with tools that may be called, with attachments")


def test_a_request_without_a_user_message_has_an_empty_query_with_a_conversation() -> None:
    query = query_of([{"role": "assistant", "content": "Hello"}])
    assert query.text == ""
    assert not query.stands_alone


@given(st.text(max_size=400), st.integers(20, 60), st.integers(0, 3))
def test_the_router_never_sees_more_than_its_limit(text: str, limit: int, turns: int) -> None:
    shown = Query(text, earlier_turns=turns, earlier_tokens=10 * turns).for_router(limit)
    assert estimate_tokens(shown) <= limit
    if not turns and estimate_tokens(text) <= limit:
        assert shown == text


def test_a_long_query_keeps_its_head_and_its_tail() -> None:
    shown = clip("Question: " + "filler " * 50_000 + "Answer in French.", 1000)
    assert shown.startswith("Question: ")
    assert shown.endswith("Answer in French.")


def test_no_character_is_split() -> None:
    assert "\ufffd" not in clip("日本語" * 1000, 33)

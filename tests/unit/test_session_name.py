"""Which session a request belongs to."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.api.session_name import session_id, session_name
from route_switch.domain.ports import JsonObject

KEY = {"authorization": "Bearer rs-a"}
SYSTEM: JsonObject = {"role": "system", "content": "Help."}
FIRST: JsonObject = {"role": "user", "content": "How high is the tide?"}
LATER: list[JsonObject] = [
    {"role": "assistant", "content": "Two meters."},
    {"role": "user", "content": "And tomorrow?"},
]
BEGUN = [SYSTEM, FIRST]
NAMED = {**KEY, "x-session-id": "s"}


def test_a_conversation_keeps_its_session_as_it_grows() -> None:
    assert session_id(KEY, {}, BEGUN) == session_id(KEY, {}, [*BEGUN, *LATER])


@pytest.mark.parametrize(
    "messages",
    [
        [FIRST],
        [{**SYSTEM, "content": "Help!"}, FIRST],
        [SYSTEM, {**FIRST, "content": "How low is the tide?"}],
        [SYSTEM, *LATER],
    ],
)
def test_another_beginning_is_another_session(messages: list[JsonObject]) -> None:
    assert session_id(KEY, {}, messages) != session_id(KEY, {}, BEGUN)


def test_another_key_is_another_session() -> None:
    other = {"authorization": "Bearer rs-b"}

    assert session_id(other, {}, BEGUN) != session_id(KEY, {}, BEGUN)
    assert session_id({**other, "x-session-id": "s"}, {}, BEGUN) != session_id(NAMED, {}, BEGUN)


@pytest.mark.parametrize("field", ["user", "safety_identifier"])
def test_users_who_begin_alike_have_sessions_of_their_own(field: str) -> None:
    ada: dict[str, JsonValue] = {field: "ada"}
    bob: dict[str, JsonValue] = {field: "bob"}

    assert session_id(KEY, ada, BEGUN) != session_id(KEY, bob, BEGUN)
    assert session_id(NAMED, ada, BEGUN) != session_id(NAMED, bob, BEGUN)


def test_a_key_is_the_same_in_any_header() -> None:
    expected = session_id(KEY, {}, BEGUN)

    assert session_id({"authorization": "bearer  rs-a"}, {}, BEGUN) == expected
    assert session_id({"x-api-key": "rs-a"}, {}, BEGUN) == expected


def test_a_name_holds_while_the_system_message_changes() -> None:
    """Agents write the time, or a checksum of the request, into it."""
    changed: list[JsonObject] = [{**SYSTEM, "content": "It is noon."}, FIRST]

    assert session_id(NAMED, {}, changed) == session_id(NAMED, {}, BEGUN)


def test_subagents_and_titles_under_one_name_are_told_apart() -> None:
    title: list[JsonObject] = [
        SYSTEM,
        {"role": "user", "content": "Write a title for this conversation."},
    ]

    assert session_id(NAMED, {}, title) != session_id(NAMED, {}, BEGUN)


def test_cache_points_and_the_form_of_a_text_do_not_matter() -> None:
    part: JsonObject = {
        "type": "text",
        "text": "How high is the tide?",
        "cache_control": {"type": "ephemeral"},
    }

    marked: list[JsonObject] = [SYSTEM, {"role": "user", "content": [part]}]
    assert session_id(KEY, {}, marked) == session_id(KEY, {}, BEGUN)


def test_the_same_words_about_another_picture_are_another_session() -> None:
    def about(data: str) -> list[JsonObject]:
        image: JsonObject = {"type": "image_url", "image_url": {"url": data}}
        return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]

    assert session_id(KEY, {}, about("data:a")) != session_id(KEY, {}, about("data:b"))


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"x-session-id": "s"}, {}),
        ({"x-claude-code-session-id": "s"}, {}),
        ({"session_id": "s"}, {}),
        ({"x-opencode-session": "s"}, {}),
        ({}, {"prompt_cache_key": "s"}),
        ({}, {"session_id": "s"}),
        ({}, {"metadata": {"session_id": "s"}}),
        ({}, {"metadata": {"user_id": "user_17_account__session_s"}}),
        ({}, {"metadata": {"user_id": json.dumps({"device_id": "d", "session_id": "s"})}}),
        ({}, {"user": "user_17_account__session_s"}),
        ({"x-session-id": " "}, {"prompt_cache_key": "s"}),
        ({"x-session-id": "s", "session_id": "t"}, {"prompt_cache_key": "u"}),
    ],
)
def test_a_client_names_its_session(
    headers: Mapping[str, str], content: dict[str, JsonValue]
) -> None:
    assert session_name(headers, content) == "s"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"user": "ada"},
        {"user": "{not json"},
        {"user": "[1]"},
        {"metadata": {"session_id": 7}},
        {"metadata": {"user_id": "user_17_session_"}},
        {"prompt_cache_key": ["s"]},
    ],
)
def test_what_names_no_session_is_skipped(content: dict[str, JsonValue]) -> None:
    assert session_name({}, content) is None


@given(name=st.text(), text=st.text(), key=st.text(min_size=1))
def test_the_id_is_short_plain_and_reveals_nothing(name: str, text: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "x-session-id": name}

    found = session_id(headers, {}, [{"role": "user", "content": text}])

    assert len(found) == 22
    assert found.isascii()


@given(parts=st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_pieces_cannot_be_shifted_from_one_message_to_the_next(parts: list[str]) -> None:
    """A longer system message and a shorter first message are another beginning."""
    joined = "".join(parts)
    ids = {
        session_id(
            KEY,
            {},
            [{**SYSTEM, "content": joined[:at]}, {**FIRST, "content": joined[at:]}],
        )
        for at in range(len(joined) + 1)
    }
    assert len(ids) == len(joined) + 1

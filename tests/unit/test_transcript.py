"""What the judge sees of a conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import INSTRUCTION, MAX_QUERY_TOKENS, judge_messages
from route_switch.domain.learning.transcript import (
    MAX_TOKENS,
    refers_to_files,
    transcript,
    with_attachments,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.tokens import estimate_tokens

PNG = "data:image/png;base64," + "AAAA" * 10_000
CALL: JsonObject = {
    "role": "assistant",
    "content": "Let me look.",
    "tool_calls": [{"type": "function", "function": {"name": "find", "arguments": '{"at": "x"}'}}],
}
RESULT: JsonObject = {"role": "tool", "tool_call_id": "call_1", "content": "In the cellar."}


def said(role: str, text: str) -> JsonObject:
    return {"role": role, "content": text}


def attached(*parts: JsonObject) -> JsonObject:
    return {"role": "user", "content": [{"type": "text", "text": "See."}, *parts]}


def image(url: str) -> JsonObject:
    return {"type": "image_url", "image_url": {"url": url}}


messages = st.lists(
    st.builds(
        said, st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=300)
    ),
    max_size=12,
)


@given(messages, st.integers(40, 400))
def test_a_transcript_is_never_longer_than_its_budget(
    turns: list[JsonObject], max_tokens: int
) -> None:
    assert estimate_tokens(transcript(turns, max_tokens)) <= max_tokens


@given(messages)
def test_a_conversation_that_fits_is_shown_whole(turns: list[JsonObject]) -> None:
    shown = transcript(turns, 100_000)
    assert all(text_of(turn) in shown for turn in turns)


def test_the_judge_sees_the_beginning_and_the_newest_turns_of_a_long_conversation() -> None:
    turns = [said(("user", "assistant")[n % 2], f"turn {n}. {'word ' * 200}") for n in range(500)]
    shown = transcript(turns)
    assert shown.startswith("user: turn 0.")
    assert "assistant: turn 499." in shown
    assert "turn 250." not in shown
    assert "messages are left out here]" in shown
    assert estimate_tokens(shown) <= MAX_TOKENS


def test_calls_next_to_text_are_shown() -> None:
    shown = transcript([CALL, RESULT])
    assert shown.startswith("assistant: Let me look.\n")
    assert '"name": "find"' in shown
    assert shown.endswith("\n\ntool: In the cellar.")


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (image(PNG), "image/png, 30 KB"),
        (image("https://example.com/a.png?signature=secret"), "image at https://example.com/a.png"),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            "input_audio, wav",
        ),
        ({"type": "file", "file": {"filename": "lease.pdf", "file_data": "x"}}, "file, lease.pdf"),
        ({"type": "image_url"}, "image"),
        ({"type": "hologram"}, "hologram"),
    ],
)
def test_an_attachment_is_named_and_not_shown(part: JsonObject, name: str) -> None:
    assert with_attachments("See.", attached(part)) == f"See.\n[attached: {name}]"
    assert transcript([attached(part)]) == f"user: See.\n[attached: {name}]"


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (image(PNG), False),
        ({"type": "image_url", "image_url": PNG}, False),
        ({"type": "file", "file": {"file_data": "AAAA"}}, False),
        ({"type": "image_url"}, False),
        (image("https://example.com/a.png"), True),
        ({"type": "image_url", "image_url": "https://example.com/a.png"}, True),
        ({"type": "file", "file": {"file_id": "file-1"}}, True),
    ],
)
def test_only_an_attachment_that_is_named_can_be_gone(part: JsonObject, named: bool) -> None:
    assert refers_to_files([RESULT, attached(part)]) is named


def test_the_judge_sees_the_steps_after_the_query_and_is_told_what_they_are() -> None:
    agent = Example.model_validate({"messages": [attached(image(PNG)), CALL, RESULT]})
    task, shown = (text_of(m) for m in judge_messages(agent, "x", "y", "tier_3_first"))
    code = shown.removeprefix("The tags' code is ")[:16]
    assert f"<query-{code}>\nSee.\n[attached: image/png, 30 KB]\n</query-{code}>" in shown
    assert f"<steps-{code}>\nassistant: Let me look.\n" in shown
    assert "<conversation" not in shown
    assert "The steps are what the assistant did" in task
    assert "Attachments are only named" in task
    plain = judge_messages(Example(query="See."), "x", "y", "tier_3_first")
    assert text_of(plain[0]) == INSTRUCTION


def test_the_judge_sees_a_plain_conversation_as_in_earlier_versions() -> None:
    talk = (said("system", "Be brief."), said("user", "Cats?"), said("assistant", "Yes."))
    shown = text_of(
        judge_messages(Example(query="Go on.", conversation=talk), "x", "y", "tier_3_first")[1]
    )
    assert ">\nsystem: Be brief.\n\nuser: Cats?\n\nassistant: Yes.\n</conversation-" in shown


def test_the_judge_sees_the_ends_of_a_very_long_query() -> None:
    shown = text_of(
        judge_messages(Example(query=f"First. {'word ' * 90_000}Last."), "x", "y", "tier_3_first")[
            1
        ]
    )
    assert "First. word" in shown
    assert "word Last." in shown
    assert estimate_tokens(shown) <= MAX_QUERY_TOKENS + 200

"""Which requests can be replayed."""

import pytest

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of
from route_switch.domain.replay import replay_of
from route_switch.domain.request_record import NotReplayable, Replay

SYSTEM: JsonObject = {"role": "system", "content": "Be brief."}
EARLIER: JsonObject = {"role": "assistant", "content": "Hi. What is it?"}
QUERY: JsonObject = {"role": "user", "content": "Why is the sky blue?"}
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def replay(*messages: JsonObject, **params: str | float) -> Replay | NotReplayable:
    return replay_of(messages, params, query_of(messages, params))


def test_a_replay_has_the_conversation_and_the_fields_that_shape_an_answer() -> None:
    found = replay(SYSTEM, EARLIER, QUERY, temperature=0.2, user="ann@example.org", store="true")
    assert found == Replay((SYSTEM, EARLIER), {"temperature": 0.2})


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([SYSTEM], NotReplayable.EMPTY),
        ([{"role": "user", "content": " \n"}], NotReplayable.EMPTY),
        ([{"role": "user", "content": [IMAGE]}], NotReplayable.ATTACHMENTS),
        ([{"role": "user", "content": [IMAGE]}, EARLIER, QUERY], NotReplayable.ATTACHMENTS),
        ([QUERY, {"role": "tool", "content": "42", "tool_call_id": "x"}], NotReplayable.CONTINUED),
        ([QUERY, EARLIER], NotReplayable.CONTINUED),
    ],
)
def test_a_request_that_cannot_be_replayed_has_a_reason(
    messages: list[JsonObject], reason: NotReplayable
) -> None:
    assert replay(*messages) is reason


def test_a_query_in_text_parts_can_be_replayed() -> None:
    parts: JsonObject = {"role": "user", "content": [{"type": "text", "text": "Why?"}]}
    assert replay(parts) == Replay((), {})

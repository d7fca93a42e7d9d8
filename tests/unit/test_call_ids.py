"""Ids of tool calls: each occurs once in a conversation."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.call_ids import UniqueCalls, ids_of_calls
from route_switch.domain.completion import complete
from route_switch.domain.ports import Chunk, JsonObject

IDS = st.sampled_from(["call_0", "call_1", "a", "b"])


def calling(ids: list[str]) -> JsonObject:
    return {"role": "assistant", "tool_calls": [{"id": id_, "type": "function"} for id_ in ids]}


@given(before=st.lists(st.lists(IDS)), now=st.lists(IDS, unique=True))
def test_no_id_of_the_conversation_is_used_again(before: list[list[str]], now: list[str]) -> None:
    messages = [calling(ids) for ids in before]
    taken = {id_ for ids in before for id_ in ids}

    answer = UniqueCalls(messages).of(Chunk(calling(now)))

    ids = ids_of_calls(answer.delta)
    assert taken.isdisjoint(ids)
    assert len({*ids}) == len(ids) == len(now)
    assert [new for new, old in zip(ids, now, strict=True) if old not in taken] == [
        old for old in now if old not in taken
    ]


def test_the_pieces_of_a_call_stay_together() -> None:
    unique = UniqueCalls([calling(["call_0"])])

    def piece(index: int, **more: JsonValue) -> Chunk:
        return unique.of(Chunk({"tool_calls": [{"index": index, **more}]}))

    chunks = [
        piece(0, id="call_0", function={"name": "look", "arguments": ""}),
        piece(0, function={"arguments": "{}"}),
        piece(1, id="call_1", function={"name": "look", "arguments": "{}"}),
        piece(0, id="call_0"),
    ]

    first, second = ids_of_calls(complete(chunks).message)
    assert first not in ("call_0", "call_1")
    assert second == "call_1"


def test_an_answer_without_calls_is_left_as_it_is() -> None:
    chunk = Chunk({"content": "Yes.", "tool_calls": None})

    assert UniqueCalls([calling(["a"])]).of(chunk) is chunk

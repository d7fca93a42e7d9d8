"""What makes two conversations the same example, and which ones belong together."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.conversation_key import (
    MATERIAL_TOKENS,
    ends_of,
    root_of,
    turns_of,
)
from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.split import side_of, split
from route_switch.domain.operations.deletion import DeletionNote
from route_switch.domain.ports import JsonObject
from tests.support.outcomes import spelled

DOCUMENT = "The lease ends in May. The tenant pays for repairs. " * 20
TASK = "Find ten words that rhyme with the given word, and write a poem of them."
ROLES = ("user", "assistant")


def said(role: str, text: str) -> JsonObject:
    return {"role": role, "content": text}


def called(name: str, arguments: str, call_id: str = "call_1") -> JsonObject:
    function: JsonObject = {"name": name, "arguments": arguments}
    calls: JsonObject = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [calls]}


def result(text: str, call_id: str = "call_1") -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def picture(data: str, text: str = "What is in this picture?") -> JsonObject:
    image: JsonObject = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return {"role": "user", "content": [{"type": "text", "text": text}, image]}


def example(*messages: JsonObject, **fields: object) -> Example:
    return Example.model_validate({"messages": list(messages), **fields})


def chat(*texts: str) -> list[JsonObject]:
    return [said(ROLES[n % 2], text) for n, text in enumerate(texts)]


FAMILIES: dict[str, list[Example]] = {
    "first message": [
        example(*chat(f"Tell me about {spelled(n)}.", "Here it is.", "Please continue."))
        for n in range(150)
    ],
    "answer": [
        example(*chat("Tell me a story.", f"Once, {spelled(n)} came.", "Please continue."))
        for n in range(150)
    ],
    "long system message": [
        example(
            said("system", DOCUMENT + spelled(n)), said("user", "Please summarize the document.")
        )
        for n in range(150)
    ],
    "task in the system message": [
        example(said("system", f"{TASK} The word is {spelled(n)}."), said("user", "go"))
        for n in range(150)
    ],
    "tool result": [
        example(said("user", "Where is it?"), called("find", "{}"), result(spelled(n)))
        for n in range(150)
    ],
    "tool call": [
        example(
            said("user", "Find it."), called("find", f'{{"at": "{spelled(n)}"}}'), result("None")
        )
        for n in range(150)
    ],
    "image": [example(picture(spelled(n))) for n in range(150)],
    "earlier image": [
        example(picture(spelled(n)), said("assistant", "A cat."), said("user", "Please continue."))
        for n in range(150)
    ],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_150_conversations_that_end_alike_are_150_examples(family: str) -> None:
    rows = split(FAMILIES[family])
    assert (len(rows.examples), rows.duplicates, rows.near_duplicates) == (150, 0, 0)


@pytest.mark.parametrize(
    "family", ["first message", "long system message", "task in the system message", "image"]
)
def test_different_openings_are_different_templates(family: str) -> None:
    assert len({row.template_key for row in FAMILIES[family]}) == 150


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
chats = st.lists(texts, min_size=1, max_size=7).filter(lambda t: len(t) % 2 == 1)


@given(chats, st.data())
def test_case_and_whitespace_of_a_turn_do_not_change_the_key(
    turns: list[str], data: st.DataObject
) -> None:
    blanks = [data.draw(st.sampled_from(["", " ", "\n\t"])) for _ in turns]
    spelled_out = [
        f"{blank}{text.upper().lower()}{blank}" for blank, text in zip(blanks, turns, strict=True)
    ]
    lower = [text.upper().lower() for text in turns]
    assert key_of(spelled_out) == key_of(lower)


def key_of(turns: list[str]) -> str:
    messages = chat(*turns)
    return query_key(turns[-1], messages[:-1])


words = st.text(st.sampled_from("abc"), min_size=1, max_size=3)


@given(st.lists(words, min_size=1, max_size=6), st.lists(words, min_size=1, max_size=6))
def test_the_key_is_the_same_only_for_the_same_turns_in_the_same_order(
    one: list[str], other: list[str]
) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


@given(st.lists(st.tuples(st.sampled_from(ROLES), words), max_size=4))
def test_the_speaker_of_a_text_counts(turns: list[tuple[str, str]]) -> None:
    flipped = [(ROLES[role == "user"], text) for role, text in turns]
    keys = [query_key("go on", [said(*turn) for turn in each]) for each in (turns, flipped)]
    assert (keys[0] == keys[1]) == (turns == [])


def test_the_key_of_plain_chats_is_the_one_that_earlier_versions_computed() -> None:
    assert query_key("What is  it?") == "a192afb8cc0ee06d"
    assert key_of(["Cats?", "Yes.", "Go on."]) == "1519252757aab7a9"
    assert Example(query="Where is order 4711?").template_key == "8d433f51b1d0e58f"


def test_ids_that_a_client_invents_do_not_count() -> None:
    rows = [
        example(
            said("user", "Where?"), called("find", '{"a": 1, "b": 2}', "x"), result("Here", "x")
        ),
        example(
            said("user", "where? "), called("find", '{"b":2,"a":1.0}', "y"), result("here", "y")
        ),
    ]
    assert rows[0].key == rows[1].key


def test_a_long_system_message_makes_another_task_and_a_short_one_does_not() -> None:
    asked = said("user", "What does it say about repairs?")
    told = [example(said("system", text), asked) for text in ("Be brief.", "It is Monday.")]
    about = [example(said(role, DOCUMENT + "x" * n), asked) for n in (0, 1) for role in ("system",)]
    assert {row.key for row in told} == {example(asked).key}
    assert len({row.key for row in (*told, *about)}) == 3
    assert len(DOCUMENT) / 4 > MATERIAL_TOKENS


@pytest.mark.parametrize("asked", ["Hi", "Hello!", "Where is my parcel?"])
def test_a_system_message_is_not_a_task_if_the_user_asks_or_greets(asked: str) -> None:
    rows = [
        example(said("system", f"{TASK} The word is {word}."), said("user", asked))
        for word in ("sea", "tea")
    ]
    assert {row.key for row in rows} == {Example(query=asked).key}


def test_a_clock_in_a_long_system_message_does_not_make_another_task() -> None:
    asked = said("user", "What does it say about repairs?")
    told = [
        example(said("system", f"{DOCUMENT} It is 2026-11-0{n}, 9:1{n}."), asked) for n in (1, 2)
    ]
    assert told[0].key == told[1].key


def session(opening: str, turns: int) -> list[JsonObject]:
    messages = [said("system", "You are a clerk."), said("user", opening)]
    for n in range(turns):
        messages += [called("look", f'{{"page": "{spelled(n)}"}}'), result(f"page {spelled(n)}")]
        messages += [
            said("assistant", f"Done with {spelled(n)}."),
            said("user", f"And {spelled(n)}?"),
        ]
    return messages


@given(words.map("Book a trip to {}.".format), st.integers(2, 40))
def test_every_turn_of_a_session_is_on_the_side_of_its_opening(opening: str, end: int) -> None:
    messages = session(opening, 10)
    turns = [example(*messages[:n]) for n in (2, end) if messages[n - 1]["role"] != "assistant"]
    assert {side_of(turn.template_key) for turn in turns} == {
        side_of(Example(query=opening).template_key)
    }
    assert root_of(turns[-1].messages) == opening.casefold()


@pytest.mark.parametrize("hello", ["Hi", "Hello there!", "你好", "नमस्ते", "Bonjour 👋"])
def test_a_greeting_is_not_an_opening(hello: str) -> None:
    rows = [
        example(*chat(hello, "Hello! How can I help?", f"Where is the {spelled(n)}?"))
        for n in range(40)
    ]
    assert len({row.template_key for row in rows}) == 40
    direct = Example(query=f"Where is the {spelled(7)}?")
    assert rows[7].template_key == direct.template_key
    assert example(said("user", hello)).template_key == Example(query=hello).template_key


def test_sessions_that_begin_with_the_same_template_are_one_template() -> None:
    rows = [
        example(*chat(f"Where is order {n}?", f"At {spelled(n)}.", "Please continue."))
        for n in range(40)
    ]
    assert len({row.template_key for row in rows}) == 1


def test_the_same_question_about_other_things_is_not_a_near_duplicate() -> None:
    question = " ".join(f"word{spelled(n)}" for n in range(60))
    rows = [
        example(
            said("system", f"{DOCUMENT} {spelled(n)}"), said("user", f"{question} {spelled(m)}")
        )
        for n in range(8)
        for m in range(2)
    ]
    kept = split(rows)
    apart = {row.material for row in kept.examples}
    assert len(apart) == 8
    assert kept.near_duplicates <= 8


def test_the_cost_of_a_key_grows_in_line_with_the_conversation() -> None:
    def seconds(messages: int) -> float:
        turns = chat(*(f"{spelled(n)} " * 40 for n in range(messages)))
        start = process_time()
        for _ in range(3):
            query_key("continue", turns)
        return process_time() - start

    seconds(10)
    assert min(seconds(500) for _ in range(3)) < 20 * min(seconds(100) for _ in range(3))


def test_a_copy_has_its_own_key() -> None:
    row = Example(query="Who?")
    assert row.key != row.model_copy(update={"query": "When?"}).key
    assert row.template_key == row.model_copy(update={"weight": 2.0}).template_key


def test_a_deleted_request_is_recognized_by_its_whole_conversation() -> None:
    one, other = (chat(f"Tell me about {topic}.", "Well.", "Please go on.") for topic in "ab")
    note = DeletionNote.from_request("id", "Please go on.", one[:-1], {})
    assert example(*one).key in note.keys
    assert note.keys.isdisjoint({example(*other).key, Example(query="Please go on.").key})
    steps = [said("user", "Where?"), called("find", "{}"), result("Here.")]
    note = DeletionNote.from_request("id", "Where?", (), {}, steps)
    assert example(*steps).key in note.keys


@given(
    st.lists(words.map(lambda word: f"{word}. " * 9), min_size=1, max_size=40), st.integers(1, 60)
)
def test_the_ends_of_a_conversation_are_those_of_its_turns(texts: list[str], chars: int) -> None:
    messages = chat(*texts)
    turns, ends = turns_of(messages), ends_of(messages, chars)
    if len(turns) <= 2 * chars:
        assert ends == turns
    else:
        assert ends.startswith(turns[:chars])
        assert ends.endswith(turns[-chars:])
        assert len(ends) == 2 * chars + 1

"""Tool calls are compared as calls."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.learning.answers import (
    ModelAnswer,
    answer_of_message,
    same_answer,
    tool_calls_of,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=3)


def function(name: str, arguments: JsonValue) -> JsonValue:
    return {"id": "call_7", "type": "function", "function": {"name": name, "arguments": arguments}}


@given(st.lists(st.tuples(st.sampled_from("abc"), ARGUMENTS), min_size=1, max_size=4), st.data())
def test_calls_are_equal_in_any_order_and_spelling(
    calls: list[tuple[str, dict[str, JsonValue]]], data: st.DataObject
) -> None:
    one = [function(name, json.dumps(given)) for name, given in calls]
    other = [
        function(name, json.dumps(dict(reversed(given.items())), indent=2))
        for name, given in data.draw(st.permutations(calls))
    ]
    assert same_answer(answer_of_message("", one), answer_of_message("On it.", other))


def test_another_name_argument_or_number_of_calls_is_another_answer() -> None:
    custom: JsonValue = {"type": "custom", "custom": {"name": "cancel", "input": "id 7"}}
    different: list[list[JsonValue]] = [
        [],
        [function("cancel", '{"id": 7}')],
        [function("delete", '{"id": 7}')],
        [function("cancel", '{"id": 8}')],
        [function("cancel", '{"id": 7}')] * 2,
        [function("cancel", "not JSON")],
        [custom],
    ]
    answers = [answer_of_message("", calls) for calls in different]
    for number, one in enumerate(answers):
        assert [same_answer(one, other) for other in answers].index(True) == number


def test_a_call_in_the_older_form_is_the_same_call() -> None:
    older = tool_calls_of({"function_call": {"name": "cancel", "arguments": '{"id":7}'}})
    newer = tool_calls_of(
        {"tool_calls": [{"function": {"name": "cancel", "arguments": '{"id": 7}'}}]}
    )
    assert same_answer(answer_of_message("", older), answer_of_message("", newer))


def test_texts_are_the_same_but_for_surrounding_whitespace() -> None:
    assert same_answer(ModelAnswer("Yes.\n"), ModelAnswer(" Yes."))
    assert not same_answer(ModelAnswer("Yes."), ModelAnswer("No."))
    assert ModelAnswer(" ").is_empty
    assert not answer_of_message("", [function("a", "{}")]).is_empty


def test_the_judge_sees_words_and_calls() -> None:
    answer = answer_of_message("On it.", [function("b", "{}"), function("a", '{"x": 1}')])
    assert str(answer) == ('On it.\n[calls the tool a with {"x": 1}]\n[calls the tool b with {}]')


@given(st.text(max_size=50) | VALUES)
def test_any_call_can_be_read(call: JsonValue) -> None:
    answer = answer_of_message("", [call])
    assert same_answer(answer, answer_of_message("", [call]))

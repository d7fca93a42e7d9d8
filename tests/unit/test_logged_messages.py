"""Examples that are given as a logged request: `messages`."""

import json
import re
from pathlib import Path

import pytest

from route_switch.adapters.learning.example_file import read_example_file, read_examples
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.ports import JsonObject

SYSTEM: JsonObject = {"role": "system", "content": "Be brief."}
ASKED: JsonObject = {"role": "user", "content": "Where is it?"}
CALL: JsonObject = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLS: JsonObject = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT: JsonObject = {"role": "tool", "tool_call_id": "c", "content": "In the cellar."}
ANSWER: JsonObject = {"role": "assistant", "content": "It is in the cellar."}
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SHOWN: JsonObject = {"role": "user", "content": [IMAGE]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def read(file: Path, *rows: object) -> tuple[Example, ...]:
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return read_examples(file)


@pytest.mark.parametrize(
    ("messages", "query", "earlier", "turn"),
    [
        ([ASKED], "Where is it?", 0, 0),
        ([SYSTEM, ASKED], "Where is it?", 1, 0),
        ([SYSTEM, ASKED, ANSWER, ASKED], "Where is it?", 3, 0),
        ([SYSTEM, ASKED, CALLS, RESULT], "Where is it?", 1, 3),
        ([SYSTEM, SHOWN, ANSWER, ASKED], "Where is it?", 3, 0),
        ([SHOWN], "", 0, 1),
    ],
)
def test_messages_become_query_conversation_and_turn(
    file: Path, messages: list[JsonObject], query: str, earlier: int, turn: int
) -> None:
    (example,) = read(file, {"messages": messages})
    assert (example.query, len(example.conversation), len(example.turn)) == (query, earlier, turn)
    assert [*example.messages] == messages
    assert example.id == example.key


def test_both_ways_to_write_a_conversation_are_the_same_example(file: Path) -> None:
    logged, (stated,) = (
        read(file, {"messages": [SYSTEM, ASKED, ANSWER, {"role": "user", "content": "And then?"}]}),
        read(file, {"query": "And then?", "conversation": [SYSTEM, ASKED, ANSWER]}),
    )
    assert logged == (stated,)


@pytest.mark.parametrize("answer", [ANSWER, CALLS])
def test_the_last_answer_is_the_result_of_the_model_that_the_row_names(
    file: Path, answer: JsonObject
) -> None:
    (example,) = read(file, {"messages": [SYSTEM, ASKED, answer], "model": "openai/gpt-4.1"})
    assert [*example.messages] == [SYSTEM, ASKED]
    result = example.models["openai/gpt-4.1"]
    assert (result.answer or None) == answer["content"]
    assert list(result.tool_calls) == answer.get("tool_calls", [])


def test_an_answer_of_an_unknown_model_is_left_out(file: Path) -> None:
    (example,) = read(file, {"messages": [ASKED, ANSWER]})
    assert example == Example(query="Where is it?")


def test_a_stated_result_wins_over_the_logged_answer(file: Path) -> None:
    stated = {"m": {"answer": "Up.", "score": 1}}
    (example,) = read(file, {"messages": [ASKED, ANSWER], "model": "m", "models": stated})
    assert (example.models["m"].answer, example.models["m"].score) == ("Up.", 1)


def test_a_query_wins_over_messages(file: Path) -> None:
    (example,) = read(file, {"query": "Who?", "messages": [SYSTEM, ASKED, ANSWER], "model": "m"})
    assert example == Example(query="Who?")


def test_fields_of_the_request_become_parameters_unless_they_are_stated(file: Path) -> None:
    request = {
        "messages": [ASKED],
        "model": "gpt-4.1",
        "temperature": 0.2,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "stream": True,
        "user": "ann",
        "metadata": {"a": "b"},
        "unknown": 1,
    }
    (example,) = read(file, request)
    assert example.params == {"temperature": 0.2, "tools": request["tools"]}
    (example,) = read(file, {**request, "params": {"seed": 1}})
    assert example.params == {"seed": 1}


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "messages must have one of role 'user', before the answer"),
        ([SYSTEM, ANSWER], "messages must have one of role 'user', before the answer"),
        ("Where is it?", "messages must be a list of objects"),
        (["Where is it?"], "messages must be a list of objects"),
        ([{"role": "user", "content": ""}], "query is invalid: must have at least 1 character"),
    ],
)
def test_a_row_whose_messages_are_not_a_request_says_why(
    file: Path, messages: object, reason: str
) -> None:
    with pytest.raises(RouteSwitchError, match=reason):
        read(file, {"messages": messages})


def test_an_odd_row_is_named_by_its_line(file: Path) -> None:
    rows = [{"messages": [{**ASKED, "content": f"Query {n}"}]} for n in range(30)]
    rows.insert(3, {"messages": [ANSWER]})
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert "line 4: messages must have" in (read_example_file(file).note or "")


def test_a_written_example_is_read_as_it_was(file: Path) -> None:
    for messages in ([SYSTEM, SHOWN, CALLS, RESULT], [SYSTEM, ASKED, CALLS, RESULT], [SHOWN]):
        example = Example.model_validate({"messages": messages, "gold": "x"})
        assert read(file, json.loads(example.model_dump_json(exclude_defaults=True))) == (example,)


def test_a_turn_without_its_query_is_read(file: Path) -> None:
    (example,) = read(file, {"turn": [ASKED, CALLS, RESULT]})
    assert example.query == "Where is it?"


def test_a_turn_that_does_not_begin_with_the_query_is_named(file: Path) -> None:
    with pytest.raises(RouteSwitchError, match="the message that 'turn' begins with"):
        read(file, {"query": "Who?", "turn": [ASKED]})
    with pytest.raises(RouteSwitchError, match="the message that 'turn' begins with"):
        read(file, {"query": "Where is it?", "turn": [ASKED, CALLS, RESULT, ASKED]})


def test_the_two_lines_in_the_documentation_are_the_same_example(file: Path) -> None:
    page = Path("docs/learning.md").read_text("utf-8")
    [block] = re.findall(r"^```json\n(\{\"messages.*?)^```$", page, re.DOTALL | re.M)
    one, other = read(file, *map(json.loads, block.splitlines()))
    assert one == other

"""A logged request as an example: `messages`, and the request's other fields."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from pydantic import JsonValue

from route_switch.domain.learning.answers import tool_calls_of
from route_switch.domain.parameters import LIMITS, OPTIONAL
from route_switch.domain.query import text_of
from route_switch.domain.replay import parts_of, replayed_params

PARAMS = frozenset(
    {*OPTIONAL, *LIMITS, "tools", "tool_choice", "functions", "function_call", "response_format"}
    | {"stop", "logit_bias", "modalities"}
)
"""Fields of a request that shape its answer, as OpenAI names them."""


def from_log(row: dict[object, object]) -> dict[object, object]:
    """Return the row with `query`, `conversation`, `turn` and `params` in place of `messages`.

    A row with a `query` keeps it, and its `messages` are ignored. If the last message is the
    assistant's answer, it is not part of the request: it becomes the result of the row's `model`,
    if the row names one. Raise `ValueError` if there is no message of a user.
    """
    if "query" in row or "messages" not in row:
        return row
    messages = _messages(row["messages"])
    asked = _without_answer(messages)
    found = parts_of(asked)
    if found is None:
        raise ValueError("messages must have one of role 'user', before the answer")
    query, conversation, turn = found
    given = {"query": query, "conversation": conversation, "turn": turn} | {
        name: value for name, value in row.items() if name != "messages"
    }
    given.setdefault("params", replayed_params(_params(row)))
    model = row.get("model")
    if len(asked) < len(messages) and isinstance(model, str):
        given["models"] = {model: _result(messages[-1])} | dict(_mapping(row.get("models")))
    return given


def with_query(row: dict[object, object]) -> dict[object, object]:
    """Return the row with the query that its `turn` begins with, unless it has one."""
    turn = row.get("turn")
    first = turn[0] if isinstance(turn, list | tuple) and turn else None
    if "query" in row or not isinstance(first, dict):
        return row
    return {**row, "query": text_of(first)}


def _messages(value: object) -> list[dict[str, JsonValue]]:
    if not isinstance(value, Sequence) or not all(isinstance(each, dict) for each in value):
        raise ValueError("messages must be a list of objects with 'role' and 'content'")
    return [dict(each) for each in value if isinstance(each, dict)]


def _without_answer(messages: list[dict[str, JsonValue]]) -> list[dict[str, JsonValue]]:
    answers = [*takewhile(lambda m: m.get("role") == "assistant", reversed(messages))]
    return messages[: len(messages) - len(answers)]


def _result(message: Mapping[str, JsonValue]) -> dict[str, object]:
    return {"answer": text_of(dict(message)), "tool_calls": tool_calls_of(dict(message))}


def _params(row: Mapping[object, object]) -> dict[str, JsonValue]:
    return {name: row[name] for name in PARAMS if name in row}  # type: ignore[misc]  # from JSON


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}

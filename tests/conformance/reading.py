"""Answers as a strict client reads them: OpenAI's own types, JSON without exceptions."""

import json
from typing import Any, NoReturn

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

LINE_ENDS = "\u2028\u2029\u0085"
THOUGHTS = ("reasoning", "thinking")


def strict_json(text: str) -> Any:
    """Parse JSON as strict parsers do: no NaN, no infinity, no half surrogate pair."""
    parsed = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    json.dumps(parsed, ensure_ascii=False).encode()  # fails on half surrogate pairs
    text.encode()
    return parsed


def read_whole(text: str) -> dict[str, Any]:
    body: dict[str, Any] = strict_json(text)
    ChatCompletion.model_validate_json(text, strict=True)
    _check_positions(body["choices"])
    return body


def read_stream(text: str) -> dict[str, Any]:
    """Return the whole answer, put together by OpenAI's accumulator."""
    assert not set(LINE_ENDS) & set(text), "some clients end a line at these characters"
    *events, costs, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert costs.startswith(": route_switch {")
    state = ChatCompletionStreamState()
    more: dict[str, Any] = {}
    of_choices: dict[int, dict[str, Any]] = {}
    said: dict[int, list[str]] = {}
    for event in events:
        assert event.startswith("data: ")
        data = event.removeprefix("data: ")
        body = strict_json(data)
        more |= body
        for choice in body["choices"]:
            said.setdefault(choice["index"], []).extend(choice["delta"])
            of_choices.setdefault(choice["index"], {}).update(choice)
        state.handle_chunk(ChatCompletionChunk.model_validate_json(data, strict=True))
    assert all(map(_thoughts_come_first, said.values()))
    whole: dict[str, Any] = state.current_completion_snapshot.to_dict(mode="json")
    _check_positions(whole["choices"])
    # The accumulator leaves out what OpenAI's schema does not know.
    whole["choices"] = [{**of_choices[c["index"]], **c} for c in whole["choices"]]
    return {**more, **whole}


def _check_positions(choices: list[dict[str, Any]]) -> None:
    assert [choice["index"] for choice in choices] == list(range(len(choices)))
    for choice in choices:
        calls = choice["message"].get("tool_calls") or ()
        ids = [call["id"] for call in calls]
        assert all(ids)
        assert len({*ids}) == len(ids)


def _thoughts_come_first(names: list[str]) -> bool:
    """`names` are the fields of a choice's deltas in their order; the first delta is the role's."""
    order = names[names.index("content") + 1 :] if "content" in names else names
    if "content" not in order:
        return True
    return not any(n.startswith(THOUGHTS) for n in order[order.index("content") :])


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    assert abs(number) != float("inf"), f"{digits} is out of range"
    return number


def differences(expected: Any, actual: Any, place: str = "") -> list[str]:
    """Return where `actual` lacks what is expected; fields that are not expected do not matter."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{place}: {actual!r} is no object"]
        return [
            each
            for name, value in expected.items()
            for each in differences(value, actual.get(name), f"{place}.{name}")
        ]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{place}: {actual!r} is no list of {len(expected)}"]
        return [
            each
            for n, value in enumerate(expected)
            for each in differences(value, actual[n], f"{place}[{n}]")
        ]
    same = type(expected) is type(actual) and expected == actual
    return [] if same else [f"{place}: {actual!r} instead of {expected!r}"]

"""Answers of the Responses API as a strict client reads them: with OpenAI's own types."""

import json
from collections.abc import Sequence
from typing import Any

from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.conformance.reading import LINE_ENDS, strict_json

Json = dict[str, Any]
_EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
_LAST = ("response.completed", "response.incomplete", "response.failed")
KINDS = frozenset({"reasoning", "message", "function_call", "custom_tool_call", "tool_search_call"})


def read_response(text: str) -> Json:
    """Return a whole answer."""
    body: Json = strict_json(text)
    _check_response(body)
    assert body["status"] in ("completed", "incomplete")
    return body


def read_response_stream(text: str) -> Json:
    """Return the answer of a stream's last event, which is also what its other events say."""
    assert not set(LINE_ENDS) & set(text), "some clients end a line at these characters"
    *lines, rest = text.split("\n\n")
    assert rest == ""
    return check_events([_event(line) for line in lines if not line.startswith(":")])


def _event(lines: str) -> Json:
    name, data = lines.split("\n")
    event: Json = strict_json(data.removeprefix("data: "))
    assert name == f"event: {event['type']}"
    return event


def check_events(events: Sequence[Json]) -> Json:
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [kind for kind in kinds if kind in _LAST] == kinds[-1:]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        _EVENT.validate_python(event)
    last: Json = events[-1]["response"]
    _check_response(last)
    if kinds[-1] != "response.failed":
        _check_items(events, last["output"])
    if kinds[-1] == "response.completed":
        assert _accumulated(events) == last["output"]
    return last


def _accumulated(events: Sequence[Json]) -> list[Json]:
    """Return the output as the SDK puts it together from all events but the last one. Deltas are
    compared with what their items are in the end."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events[:-1]:
        state.handle_event(parsed := _EVENT.validate_python(event))
    # A last event that says nothing new returns what there is.
    created = parsed.model_copy(update={"type": "response.in_progress"})
    snapshot = state.accumulate_event(created).to_dict(mode="json", warnings=False)
    done = {e["output_index"]: e["item"] for e in events if e["type"].endswith("item.done")}
    for index, item in enumerate(snapshot["output"]):
        for part, end in zip(
            item.get("content") or (), done[index].get("content") or (), strict=True
        ):
            assert part.get("text") == end.get("text")
        if item["type"] == "function_call":
            assert item["arguments"] == done[index]["arguments"]
    return [done[index] for index in range(len(snapshot["output"]))]


def _check_items(events: Sequence[Json], output: list[Json]) -> None:
    """Each item is added once, in order, then written, then done. Nothing refers to another one."""
    added: dict[int, Json] = {}
    done: set[int] = set()
    for event in events:
        index: Any = event.get("output_index")
        if event["type"] == "response.output_item.added":
            assert index == len(added)
            added[index] = event["item"]
        elif index is not None:
            assert index in added
            assert index not in done
            item = event.get("item") or added[index]
            assert event.get("item_id", item["id"]) == added[index]["id"] == item["id"]
        if event["type"] == "response.output_item.done":
            assert event["item"] == output[index]
            done.add(index)
    assert done == added.keys() == set(range(len(output)))


def _check_response(body: Json) -> None:
    Response.model_validate_json(json.dumps(body))
    ids = [item["id"] for item in body["output"]]
    assert len(set(ids)) == len(ids)
    assert {item["type"] for item in body["output"]} <= KINDS
    calls = [item["call_id"] for item in body["output"] if "call_id" in item]
    assert len(set(calls)) == len(calls)

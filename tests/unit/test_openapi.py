"""The OpenAPI document matches the code."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from infra.routes import ROUTES
from route_switch.api.feedback_request import parse_feedback
from route_switch.api.openapi import document
from route_switch.api.protocols.chat_completions.chat_request import parse_chat_request
from route_switch.api.protocols.chat_completions.chat_schema import REFUSED_FIELDS
from route_switch.api.protocols.completions.text_request import parse_completion_request
from route_switch.api.protocols.responses.response_refusals import OTHER_NAMES
from route_switch.api.protocols.responses.response_request import parse_response_request
from route_switch.domain.errors import RequestRefusedError

Json = Any  # a document, which is read at many places
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def described() -> Json:
    return document()


def operations(described: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_is_valid_openapi(described: Json) -> None:
    validate(described)
    assert described["openapi"].startswith("3.1")


def test_the_document_describes_exactly_the_routes(described: Json) -> None:
    told = [(method, path) for method, path, _ in operations(described)]
    assert set(told) == {(method, path.replace("+}", "}")) for method, path in ROUTES}


def test_every_route_describes_its_path_parameters(described: Json) -> None:
    parameters = described["components"]["parameters"]
    for _, path, operation in operations(described):
        named = [parameters[each["$ref"].rpartition("/")[2]] for each in operation["parameters"]]
        in_path = {each["name"] for each in named if each["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_routes_that_need_a_key_document_401(described: Json) -> None:
    for _, path, operation in operations(described):
        is_open = operation.get("security", described["security"]) == []
        assert is_open == ("401" not in operation["responses"]), path


def test_the_document_is_built_once() -> None:
    assert document() is document()


def is_valid(described: Json, name: str, body: Json) -> bool:
    schema = {**described, "$ref": f"#/components/schemas/{name}"}
    return not [*Draft202012Validator(schema).iter_errors(body)]


PARSERS: dict[str, Callable[[bytes], object]] = {
    "ChatRequest": parse_chat_request,
    "ResponsesRequest": parse_response_request,
    "CompletionRequest": parse_completion_request,
    "FeedbackRequest": parse_feedback,
}


def is_accepted(name: str, body: Json) -> bool:
    parse = PARSERS[name]
    try:
        parse(json.dumps(body).encode())
    except RequestRefusedError:
        return False
    return True


CHAT: list[tuple[Json, bool]] = [
    ({}, True),
    ({"messages": []}, False),
    ({"n": 1.0, "max_tokens": 7.0, "seed": -1.0}, True),
    ({"n": 1.5}, False),
    ({"n": True}, False),
    ({"stream_options": {"include_usage": True}}, False),
    ({"stream_options": {"include_usage": True}, "stream": False}, False),
    ({"stream_options": {"include_usage": True}, "stream": True}, True),
    ({"stream_options": None}, True),
    ({"stream": True, "route_switch": {"dry_run": True}}, False),
    ({"stream": False, "route_switch": {"dry_run": True}}, True),
    ({"stream": True, "route_switch": {"dry_run": False}}, True),
    ({"user": ""}, False),
    ({"max_tokens": 10**9}, False),
    *(({field: None}, False) for field in REFUSED_FIELDS),
    *(
        ({"route_switch": {"min_tier": low, "max_tier": high}}, low <= high)
        for low in (1, 2, 3)
        for high in (1, 2, 3)
    ),
    ({"route_switch": {"max_tier": 1}}, True),
    ({"route_switch": {"min_tier": 2.0}}, True),
    ({"route_switch": {"min_tier": True}}, False),
    ({"route_switch": {"min_tier": 4}}, False),
    ({"route_switch": {"surprise": 1}}, False),
    ({"route_switch": None}, False),
    ({"tools": None}, True),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
    ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, True),
    ({"tools": [{"type": "web_search"}]}, False),
    ({"tools": [{"googleSearch": {}}]}, False),
]
FEEDBACK: list[tuple[Json, bool]] = [
    ({}, False),
    ({"score": 0.5}, True),
    ({"thumb": "up"}, True),
    ({"thumb": "sideways"}, False),
    ({"score": 0.5, "thumb": "up"}, False),
    ({"score": 0.5, "thumb": None}, True),
    ({"score": None, "thumb": "down"}, True),
    ({"score": None, "thumb": None}, False),
    ({"score": 1.5}, False),
    ({"score": 1, "gold": ""}, False),
    ({"score": 1, "surprise": 1}, False),
]


RESPONSES: list[tuple[Json, bool]] = [
    ({}, True),
    ({"input": ""}, False),
    ({"input": []}, False),
    ({"input": [{"role": "user", "content": "hello"}]}, True),
    ({"store": False}, True),
    ({"store": True}, False),
    ({"background": True}, False),
    ({"n": 2}, False),
    ({"previous_response_id": None}, True),
    ({"previous_response_id": "resp_1"}, False),
    ({"include": ["reasoning.encrypted_content"]}, True),
    ({"include": ["file_search_call.results"]}, False),
    ({"max_output_tokens": 7.0}, True),
    ({"max_output_tokens": 0}, False),
    ({"route_switch": {"min_tier": 3, "max_tier": 1}}, False),
    *(({field: None}, False) for field in (*REFUSED_FIELDS, *OTHER_NAMES)),
]
COMPLETIONS: list[tuple[Json, bool]] = [
    ({}, True),
    ({"prompt": ["hello"]}, True),
    ({"prompt": ["hello", "again"]}, False),
    ({"prompt": [7]}, False),
    ({"prompt": ""}, False),
    ({"suffix": None}, True),
    ({"suffix": "end"}, False),
    ({"logprobs": 5}, True),
    ({"logprobs": True}, False),
    *(({field: None}, False) for field in REFUSED_FIELDS),
]


@pytest.mark.parametrize(("fields", "accepted"), RESPONSES, ids=lambda value: json.dumps(value))
def test_a_response_is_made_only_if_its_schema_is_satisfied(
    described: Json, fields: Json, accepted: bool
) -> None:
    body = {"input": "hello", **fields}
    assert is_valid(described, "ResponsesRequest", body) is accepted
    assert is_accepted("ResponsesRequest", body) is accepted


@pytest.mark.parametrize(("fields", "accepted"), COMPLETIONS, ids=lambda value: json.dumps(value))
def test_a_completion_is_made_only_if_its_schema_is_satisfied(
    described: Json, fields: Json, accepted: bool
) -> None:
    body = {"prompt": "hello", **fields}
    assert is_valid(described, "CompletionRequest", body) is accepted
    assert is_accepted("CompletionRequest", body) is accepted


@pytest.mark.parametrize(("fields", "accepted"), CHAT, ids=lambda value: json.dumps(value))
def test_a_chat_request_is_accepted_exactly_if_its_schema_is_satisfied(
    described: Json, fields: Json, accepted: bool
) -> None:
    body = {"messages": HELLO, **fields}
    assert is_valid(described, "ChatRequest", body) is accepted
    assert is_accepted("ChatRequest", body) is accepted


@pytest.mark.parametrize(("fields", "accepted"), FEEDBACK, ids=lambda value: json.dumps(value))
def test_feedback_is_accepted_exactly_if_its_schema_is_satisfied(
    described: Json, fields: Json, accepted: bool
) -> None:
    body = {"request_id": "chatcmpl-1", **fields}
    assert is_valid(described, "FeedbackRequest", body) is accepted
    assert is_accepted("FeedbackRequest", body) is accepted


def test_whole_numbers_become_integers() -> None:
    body = {"messages": HELLO, "max_tokens": 7.0, "n": None, "temperature": 1.0}
    content = parse_chat_request(json.dumps(body).encode()).content
    assert json.dumps(content) == json.dumps({**body, "max_tokens": 7})

"""Plant canaries wherever a client may put a text, and collect what the API's functions write."""

import io
import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tests.integration.conftest import REGION, api_maker, by_model, forget, mocked_aws
from tests.support.attacks.canary_forms import Canary
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from tests.integration.conftest import Api

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
AWAY_SHARE, FAILING_SHARE, QUOTED_SHARE, DELETED_SHARE = 0.25, 0.2, 0.3, 0.2
"""Of the requests: the table takes no record; every model fails and quotes the text; the router
answers with it; a user of that name is deleted."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`headers` are in addition to those of every request."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What is in a place, and how many requests have left something there."""

    text: str
    requests: int


def _user() -> dict[str, Any]:
    return {"role": "user", "content": "Why do the tides on Earth depend on the Moon and the Sun?"}


def _chat(**fields: object) -> Sent:
    return Sent(CHAT, {"model": "auto", "messages": [_user()], **fields})


def _message(**fields: object) -> Sent:
    return Sent(MESSAGES, {"model": "auto", "max_tokens": 100, "messages": [_user()], **fields})


def _response(**fields: object) -> Sent:
    return Sent(RESPONSES, {"model": "auto", "input": "Why?", "store": False, **fields})


def _with_header(name: str) -> Callable[[str], Sent]:
    return lambda text: Sent(CHAT, _chat().body, {name: text})


def _tool(text: str) -> tuple[dict[str, Any], ...]:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return (
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    )


def _tool_result(text: str) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": text}
    return [
        _user(),
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]


def _function(text: str) -> dict[str, Any]:
    about = {"description": text, "parameters": {"type": "object", "description": text}}
    return {"type": "function", "function": {"name": "f", **about}}


FIELDS: Mapping[str, Callable[[str], Sent]] = {
    "query": lambda text: _chat(messages=[{"role": "user", "content": text}]),
    "system message": lambda text: _chat(messages=[{"role": "system", "content": text}, _user()]),
    "earlier answer": lambda text: _chat(
        messages=[_user(), {"role": "assistant", "content": text}, _user()]
    ),
    "tool result": lambda text: _chat(messages=[_user(), *_tool(text)]),
    "tool's description": lambda text: _chat(tools=[_function(text)]),
    "metadata": lambda text: _chat(metadata={"note": text}),
    "unknown field": lambda text: _chat(note={text[:200]: text}),
    "model": lambda text: _chat(model=text),
    "wrong type": lambda text: _chat(temperature=text),
    "role": lambda text: _chat(messages=[{"role": text, "content": "Why?"}]),
    "stop": lambda text: _chat(stop=text),
    "schema": lambda text: _chat(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object", "description": text}},
        }
    ),
    "prediction": lambda text: _chat(prediction={"type": "content", "content": text}),
    "legacy prompt": lambda text: Sent("/v1/completions", {"model": "auto", "prompt": text}),
    "message": lambda text: _message(messages=[{"role": "user", "content": text}]),
    "message's system": lambda text: _message(system=text),
    "message's tool result": lambda text: _message(messages=_tool_result(text)),
    "message's stop sequence": lambda text: _message(stop_sequences=[text]),
    "response's input": lambda text: _response(input=text),
    "response's instructions": lambda text: _response(instructions=text),
    "response's metadata": lambda text: _response(metadata={"note": text[:200]}),
    "profile header": _with_header("x-route-profile"),
    "idempotency header": _with_header("idempotency-key"),
    "session header": _with_header("x-session-id"),
    "agent header": _with_header("user-agent"),
}
USERS: Mapping[str, Callable[[str], Sent]] = {
    "user": lambda text: _chat(user=text),
    "message's user": lambda text: _message(metadata={"user_id": text}),
    "response's user": lambda text: _response(user=text),
}
"""Names of users, which the table keeps whatever `text_storage` says, to delete their requests."""


def written_by_requests(canaries: Sequence[Canary], text_storage: str) -> dict[str, Written]:
    """Send each canary in each field in turn, as an answer, in feedback, in paths, and in errors of
    providers. Return what was written, by place."""
    out, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    loggers = [logging.getLogger(), logging.getLogger("route_switch")]  # which does not propagate
    for logger in loggers:
        logger.addHandler(handler)
    fields = [*FIELDS.values(), *(USERS.values() if text_storage == "full" else ())]
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            mocked_aws(patch),
            api_maker(patch) as make,
            redirect_stdout(out),
            redirect_stderr(out),
        ):
            api = make(text_storage=text_storage)
            for number, canary in enumerate(canaries):
                _send(api, canary, fields[number % len(fields)](canary.text), number)
            places = {"table": Written(_table(), len(canaries)), "queue": _queue()}
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    places["logs and metrics"] = Written(out.getvalue() + log.getvalue(), len(canaries))
    return places


def _send(api: "Api", canary: Canary, sent: Sent, number: int) -> None:
    draw = random.Random(number)  # noqa: S311 (test data)
    router = completion(canary.text if draw.random() < QUOTED_SHARE else "2")
    answer = completion(canary.text)
    api.upstream.script = by_model(router=router, small=answer, medium=answer, large=answer)
    if draw.random() < FAILING_SHARE:
        api.upstream.script = lambda _: failure(500, canary.text)
        forget()  # the models that kept failing before are called
    with _table_away(draw.random() < AWAY_SHARE):
        answered = api("POST", sent.path, sent.body, headers=sent.headers)
    request_id = answered.headers.get("x-request-id")
    if request_id is not None:
        comment, gold = canary.text[:500], canary.text[:500]
        said = {"request_id": request_id, "thumb": "up", "comment": comment, "gold": gold}
        api("POST", "/v1/feedback", said)
    api("GET", f"/v1/results/{quote(canary.text[:40], safe='')}")
    if draw.random() < DELETED_SHARE:
        api("DELETE", f"/v1/users/{quote(canary.value[:100], safe='')}")


@contextmanager
def _table_away(is_away: bool) -> Iterator[None]:
    """Let DynamoDB answer that it has no table of results: records go to the queue."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    table = tables.pop("results") if is_away else None
    try:
        yield
    finally:
        if table is not None:
            tables["results"] = table


def _table() -> str:
    dynamodb = boto3.client("dynamodb")
    names = dynamodb.list_tables()["TableNames"]
    items = [dynamodb.scan(TableName=name)["Items"] for name in names]
    return json.dumps(items, default=str, ensure_ascii=False)


def _queue() -> Written:
    sqs, messages = boto3.client("sqs"), []
    for url in sqs.list_queues()["QueueUrls"]:
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            messages += found
    return Written(json.dumps(messages, default=str, ensure_ascii=False), len(messages))

"""Anthropic's client, and what the handler answers to it in this process."""

import json
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from tests.integration.conftest import CLIENT_KEY, Answer, Api
from tests.support.upstream import Reply, completion

PATH = "/v1/messages"
WEATHER: Any = {
    "name": "weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def ask(
    api: Api, content: Any = "hello", headers: dict[str, str] | None = None, **fields: Any
) -> Answer:
    messages = [{"role": "user", "content": content}]
    body = {"model": "auto", "max_tokens": 100, "messages": messages, **fields}
    return api("POST", PATH, body, headers=headers)


def said(**message: Any) -> Reply:
    reply = completion("")
    assert isinstance(reply.body, dict)
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choice: Any = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return Reply({**reply.body, "choices": [choice]})


def call_of(name: str, arguments: str, id_: str = "call_1") -> Any:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def events_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the events, each of which names its type twice."""
    found = []
    for event in answer.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def types_of(answer: Answer) -> list[str]:
    return [event["type"] for event in events_of(answer)]


def client_of(api: Api, **options: Any) -> anthropic.Anthropic:
    def handle(request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode()
        body = request.content.decode() or None
        answer = api(request.method, path, body, key=None, headers=dict(request.headers))
        return httpx2.Response(answer.status, headers=answer.headers, text=answer.text)

    transport = httpx2.MockTransport(handle)
    given = {"api_key": CLIENT_KEY, "max_retries": 0, **options}
    return anthropic.Anthropic(
        base_url="http://router", http_client=httpx2.Client(transport=transport), **given
    )


def create(sdk: anthropic.Anthropic, **fields: Any) -> Any:
    return sdk.messages.create(**request(**fields))


def request(content: Any = "hello", **fields: Any) -> Any:
    messages = [{"role": "user", "content": content}]
    return {"model": "auto", "max_tokens": 100, "messages": messages, **fields}


def streamed_by(sdk: anthropic.Anthropic, **fields: Any) -> Message:
    with sdk.messages.stream(**request(**fields)) as stream:
        return stream.get_final_message()


def sent(api: Api) -> Any:
    """Return the last request that a model received."""
    return api.upstream.calls[-1]

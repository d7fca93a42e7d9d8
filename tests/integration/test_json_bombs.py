"""Expensive and ambiguous bodies get a clear answer in bounded time."""

import base64
import json
from dataclasses import dataclass
from time import process_time

import pytest

from functions.router import handler
from tests.integration.conftest import CLIENT_KEY, Api
from tests.support.attacks.json_bombs import BOMBS, ENCODINGS, MAX_BYTES
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import Body, Reply, completion

CHAT = "/v1/chat/completions"
SMALL = 60_000
TOO_MANY = ("deep and wide", "empty arrays", "empty objects", "open arrays")


@dataclass(frozen=True)
class Asked:
    status: int
    cpu_s: float
    message: str


def ask(api: Api, body: str) -> Asked:
    start = process_time()
    answer = api("POST", CHAT, body)
    took = process_time() - start
    return Asked(answer.status, took, "" if answer.status == 200 else str(answer.error["message"]))


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in TOO_MANY])
def test_a_bomb_gets_the_status_of_the_table(shared_api: Api, name: str) -> None:
    asked = ask(shared_api, BOMBS[name].body(SMALL))
    assert asked.status == BOMBS[name].status
    assert asked.status == 200 or asked.message.count(".") >= 2, "it says what to do"


@pytest.mark.parametrize("name", TOO_MANY)
def test_millions_of_values_are_refused_before_they_are_parsed(shared_api: Api, name: str) -> None:
    asked = ask(shared_api, BOMBS[name].body(MAX_BYTES))
    assert asked.status == 400
    assert "more than 200000 objects and arrays" in asked.message
    assert asked.cpu_s < 1.5, "it takes less than a tenth of a second"


def test_brackets_in_texts_are_not_values(shared_api: Api) -> None:
    text = json.dumps('a[{"\\' * 120_000)
    assert ask(shared_api, f'{{"messages":[{{"role":"user","content":{text}}}]}}').status == 200


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_body_in_another_encoding_is_refused(shared_api: Api, name: str) -> None:
    event = api_event("POST", CHAT, "", CLIENT_KEY)
    event |= {"body": base64.b64encode(ENCODINGS[name]).decode(), "isBase64Encoded": True}
    response = handler.lambda_handler(event, FakeContext())
    assert response["statusCode"] == 400
    assert "JSON" in json.loads(str(response["body"]))["error"]["message"]


def test_the_provider_gets_the_checked_value_of_a_repeated_field(shared_api: Api) -> None:
    seen: list[Body] = []

    def script(body: Body) -> Reply:
        seen.append(body)
        return completion("Hi.")

    shared_api.upstream.script = script
    first = '"messages":[{"role":"user","content":"a"}]'
    last = first.replace('"a"', '"b"')
    assert ask(shared_api, f'{{"model":"tier-1",{first},{last}}}').status == 200
    assert [each["messages"] for each in seen] == [[{"role": "user", "content": "b"}]]

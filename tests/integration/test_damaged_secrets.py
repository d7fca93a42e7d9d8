"""A damaged secret of provider keys: the last good keys are used, or there is a clear error."""

import logging

import boto3
import pytest

from route_switch.wiring import secrets_manager
from tests.integration.conftest import LONG, Api, by_model
from tests.support.upstream import completion

DAMAGED = ("{", "sk-not-json", "[]", "null", '"key"', "{'a': 1}", "[" * 3000, "\x00", '{"a": }')


def put(content: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="provider", SecretString=content)


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: content[:12])
def test_the_last_good_keys_are_used_while_the_secret_is_damaged(
    api: Api, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(secrets_manager, "SECRET_CACHE_S", 0.0)
    api.upstream.script = by_model(small=completion("Hi."))
    put('{"OPENAI_API_KEY": "sk-good"}')
    assert api.chat("hello").status == 200
    put(content)
    assert [api.chat("hello").status for _ in range(2)] == [200, 200]
    sent = [headers.get("authorization") for headers in api.upstream.headers]
    assert sent == ["Bearer sk-good"] * 3


def test_a_new_process_with_a_damaged_secret_refuses_clearly(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    put("{'OPENAI_API_KEY': 'sk-secret-itself'}")
    with caplog.at_level(logging.WARNING):
        answer = api.chat(LONG)
    assert answer.status == 503
    assert "sk-secret-itself" not in f"{answer.text}{caplog.text}"
    assert api.upstream.calls == []


def test_a_key_that_is_not_text_counts_as_missing(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    put('{"OPENAI_API_KEY": {"nested": 1}}')
    assert api.chat("hello").status == 200
    assert [headers.get("authorization") for headers in api.upstream.headers] == [None]

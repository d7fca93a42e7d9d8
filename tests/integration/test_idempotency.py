"""Idempotency: one answer per Idempotency-Key."""

import hashlib
import json

import boto3
import pytest

from route_switch.adapters.dynamodb_idempotency import item_id
from tests.integration.conftest import CLIENT_KEY, LONG, OTHER_KEY, Api, MakeApi, by_model
from tests.support.upstream import completion, failure

AGAIN = {"Idempotency-Key": "order-17"}


def kept() -> str:
    """Return the content of the answer's item; empty if there is none."""
    name = item_id(f"key_{CLIENT_KEY}", AGAIN["Idempotency-Key"])
    found = boto3.client("dynamodb").get_item(TableName="idempotency", Key={"id": {"S": name}})
    return str(found.get("Item", ""))


def test_a_retry_gets_the_same_answer_without_a_call(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Because."))
    first, again = api.chat(LONG, headers=AGAIN), api.chat(LONG, headers=AGAIN)
    assert again.text == first.text
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert api.upstream.models_called() == ["router", "medium"]


def test_a_retried_stream_is_a_stream(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    first, again = (api.chat("hello", headers=AGAIN, stream=True) for _ in range(2))
    assert again.text == first.text
    assert again.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("text", ["half \ud83d", "line\u2028end", "nul \0"])
def test_odd_characters_of_an_answer_do_not_keep_it_from_being_stored(api: Api, text: str) -> None:
    api.upstream.script = by_model(small=completion(text))
    first, again = (api.chat("hello", headers=AGAIN, stream=True) for _ in range(2))
    assert (first.status, again.text) == (200, first.text)
    assert len(api.upstream.calls) == 1


def test_a_long_answer_is_stored_in_s3_and_returned_whole(api: Api) -> None:
    api.upstream.script = by_model(small=completion('"' * 300_000))
    first, again = api.chat("hello", headers=AGAIN), api.chat("hello", headers=AGAIN)
    assert again.text == first.text
    keys = [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket="texts")["Contents"]]
    assert f"{first.body['id']}/repeat" in keys


def test_different_callers_and_different_keys_are_different_requests(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello", headers=AGAIN)
    api.chat("hello", headers=AGAIN, key=OTHER_KEY)
    api.chat("hello", headers={"Idempotency-Key": "order-18"})
    assert len(api.upstream.calls) == 3


def test_reusing_a_key_for_another_request_is_a_400(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello", headers=AGAIN)
    answer = api.chat("good day", headers=AGAIN)
    assert (answer.status, answer.error["code"]) == (400, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_an_invalid_key_is_a_400(api: Api, key: str) -> None:
    answer = api.chat("hello", headers={"Idempotency-Key": key})
    assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")


def test_an_error_is_not_stored_and_a_retry_calls_again(api: Api) -> None:
    api.upstream.script = lambda _: failure(500)
    assert api.chat("hello", headers=AGAIN).status == 502
    assert kept() == ""
    api.upstream.script = by_model(small=completion("Hi."))
    assert api.chat("hello", headers=AGAIN).status == 200


@pytest.mark.parametrize("storage", ["none", "hash"])
def test_if_texts_are_not_stored_a_retry_gets_only_the_decision(
    make_api: MakeApi, storage: str
) -> None:
    api = make_api(text_storage=storage)
    api.upstream.script = by_model(small=completion("A secret answer."))
    first, again = api.chat("hello", headers=AGAIN), api.chat("hello", headers=AGAIN)
    assert first.status == 200
    assert (again.status, again.error["code"]) == (409, "answer_not_kept")
    assert "retry-after" not in again.headers, "the same request would be refused again"
    assert again.headers["x-route-tier"] == "1"
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert "secret answer" not in kept()
    assert len(api.upstream.calls) == 1


def test_the_record_names_the_item_of_its_answer(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello", headers=AGAIN)
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    [record] = [item for item in items if "record" in item]
    assert record["idempotency_id"]["S"] == item_id(f"key_{CLIENT_KEY}", "order-17")
    assert "Hi." in kept()


def test_an_answer_that_cannot_be_stored_is_still_returned(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.upstream.script = by_model(small=completion("Hi."))

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    layer = "aws_lambda_powertools.utilities.idempotency.persistence.dynamodb"
    monkeypatch.setattr(f"{layer}.DynamoDBPersistenceLayer._update_record", fail)
    assert api.chat("hello", headers=AGAIN).status == 200


def test_the_router_reply_is_not_stored_with_the_decision(make_api: MakeApi) -> None:
    api = make_api(text_storage="none")
    api.upstream.script = by_model(router=completion("2 SECRETWORD"), medium=completion("x"))
    answer = api.chat(LONG, headers={**AGAIN, "x-route-debug": "1"})
    assert "SECRETWORD" in answer.headers["x-route-router-reply"]
    assert kept()
    assert "SECRETWORD" not in kept()


def test_the_request_cannot_be_guessed_from_the_stored_item(api: Api) -> None:
    """A plain hash of a short text could be reversed by trying."""
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("my pin is 1234", headers=AGAIN)
    body = {"model": "auto", "messages": [{"role": "user", "content": "my pin is 1234"}]}
    plain = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    assert plain not in kept()
    assert hashlib.sha256(json.dumps(plain).encode()).hexdigest() not in kept()


def test_an_answer_that_s3_rejects_is_returned_and_a_retry_is_told_it_is_not_stored(
    api: Api,
) -> None:
    api.upstream.script = by_model(small=completion("x" * 300_000))
    boto3.client("s3").delete_bucket(Bucket="texts")
    assert api.chat("hello", headers=AGAIN).status == 200
    again = api.chat("hello", headers=AGAIN)
    assert (again.status, again.error["code"]) == (409, "answer_not_kept")
    assert again.headers["x-should-retry"] == "false"
    assert len(api.upstream.calls) == 1


def test_the_answer_of_an_unrecorded_request_is_not_stored(api: Api) -> None:
    """Deletion could only find it through the record."""
    api.upstream.script = by_model(small=completion("A secret answer."))
    boto3.client("dynamodb").delete_table(TableName="results")
    assert api.chat("hello", headers=AGAIN).status == 200
    assert kept()
    assert "secret answer" not in kept()


def test_deleting_a_failed_try_keeps_the_answer_of_its_retry(api: Api) -> None:
    api.upstream.script = lambda _: failure(500)
    failed = api.chat("hello", headers=AGAIN).headers["x-request-id"]
    api.upstream.script = by_model(small=completion("Hi."))
    answered = api.chat("hello", headers=AGAIN)
    assert api("DELETE", f"/v1/results/{failed}").status == 200
    assert api.chat("hello", headers=AGAIN).text == answered.text
    assert api("DELETE", f"/v1/results/{answered.body['id']}").status == 200
    assert kept() == ""

"""Repeats with an Idempotency-Key after the first function was killed."""

import threading
import time

import boto3
import pytest

from functions.router import handler
from route_switch.adapters import dynamodb_idempotency, idempotency_lease
from route_switch.adapters.dynamodb_idempotency import item_id
from route_switch.adapters.idempotency_lease import LEASE_S
from route_switch.api.relay import Relay
from tests.integration.conftest import CLIENT_KEY, Api, by_model
from tests.support.upstream import Body, Reply, completion

AGAIN = {"Idempotency-Key": "order-17"}


class KilledError(BaseException):
    """Nothing handles it, like the end of a process."""


def item() -> dict[str, dict[str, str]]:
    name = item_id(f"key_{CLIENT_KEY}", AGAIN["Idempotency-Key"])
    found = boto3.client("dynamodb").get_item(TableName="idempotency", Key={"id": {"S": name}})
    kept: dict[str, dict[str, str]] = found["Item"]
    return kept


def kill_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill a request after its model has answered."""

    def killed(*_: object) -> None:
        raise KilledError

    api.upstream.script = by_model(small=completion("Hi."))
    with monkeypatch.context() as patch:
        patch.setattr(handler, "Ending", killed)
        with pytest.raises(KilledError):
            api.chat("hello", headers=AGAIN)


def test_a_repeat_soon_after_a_kill_is_told_to_wait_for_seconds(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_one(api, monkeypatch)
    again = api.chat("hello", headers=AGAIN)
    assert (again.status, again.headers["retry-after"]) == (409, "2")
    assert int(item()["in_progress_expiration"]["N"]) / 1000 <= time.time() + LEASE_S
    assert 2 * int(again.headers["retry-after"]) > LEASE_S, "two repeats outlast the lease"


def test_a_repeat_after_the_lease_of_a_killed_process_is_paid_for_again_and_answered_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_lease, "LEASE_S", -1.0)
    kill_one(api, monkeypatch)
    monkeypatch.undo()
    assert len(api.upstream.calls) == 1, "the answer that the process took with it"
    assert api.chat("hello", headers=AGAIN).status == 200
    assert api.chat("hello", headers=AGAIN).headers["idempotent-replayed"] == "true"
    assert len(api.upstream.calls) == 2


def test_a_request_that_takes_longer_than_its_lease_is_called_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, renew = threading.Event(), idempotency_lease.renew_lease

    def watched(*args: object) -> None:
        renew(*args)  # type: ignore[arg-type]  # passed on as they are
        renewed.set()

    monkeypatch.setattr(dynamodb_idempotency, "renew_lease", watched)
    monkeypatch.setattr(idempotency_lease, "RENEW_S", 0.01)
    statuses = []

    def script(_: Body) -> Reply:
        monkeypatch.setattr(idempotency_lease, "LEASE_S", 3.5)
        renewed.clear()
        assert renewed.wait(5)
        assert float(item()["in_progress_expiration"]["N"]) / 1000 > time.time() + 1
        statuses.append(api.chat("hello", headers=AGAIN).status)
        return completion("Hi.")

    monkeypatch.setattr(idempotency_lease, "LEASE_S", 0.2)
    api.upstream.script = script
    assert api.chat("hello", headers=AGAIN).status == 200
    assert statuses == [409]
    assert len(api.upstream.calls) == 1


def test_the_end_of_a_stream_is_sent_once_its_answer_is_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sent = Relay.send, list[tuple[str, str]]()

    def watched(relay: "Relay[object, object]", text: str) -> None:
        sent.append((text, item()["status"]["S"]))
        send(relay, text)

    monkeypatch.setattr(Relay, "send", watched)
    api.upstream.script = by_model(small=completion("Hi."))
    first, again = (api.chat("hello", headers=AGAIN, stream=True) for _ in range(2))
    assert first.text == again.text
    assert sent[0][1] == "INPROGRESS", "the answer itself does not wait"
    assert sent[-1] == ("data: [DONE]\n\n", "COMPLETED")

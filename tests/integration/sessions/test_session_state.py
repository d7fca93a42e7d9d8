"""Sessions: the state that is kept of a conversation, and its store."""

import threading
from dataclasses import replace as replaced

import boto3
import pytest
from pydantic import JsonValue

from route_switch.adapters.dynamodb_sessions import DynamoDbSessions
from route_switch.domain.errors import StoreError
from route_switch.domain.sessions import SessionState
from route_switch.domain.signer import Signer
from route_switch.domain.tiers import Tier
from route_switch.services import request_session
from tests.integration.conftest import Api, record_of
from tests.integration.session_turns import ASK, CALL, LOOP, ON, TOOLS, routed_to, say, states, told
from tests.support.upstream import Body, Reply, completion


def test_a_state_that_is_still_being_written_is_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's next request is faster than the write of the state."""
    load, loads = DynamoDbSessions.load, []

    def load_later(store: DynamoDbSessions, session_id: str) -> SessionState | None:
        loads.append(session_id)
        return load(store, session_id) if len(loads) > 1 else None

    call: JsonValue = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice: JsonValue = {"index": 0, "message": call, "finish_reason": "tool_calls"}
    routed_to(api, 2, medium=Reply({"id": "x", "model": "m", "choices": [choice]}))
    say(api, ASK, tools=TOOLS)
    monkeypatch.setattr(DynamoDbSessions, "load", load_later)
    routed_to(api, 3)

    assert told(say(api, ASK + LOOP, tools=TOOLS)) == ("kept", "2", "session")
    assert loads == [loads[0]] * 2


def test_a_state_that_is_not_there_is_looked_for_again_during_the_router_call(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router answers only once the second look has begun; the loop keeps its model even if the
    state arrives after that reply."""
    loads: list[str] = []
    looks_again, replied = threading.Event(), threading.Event()

    def load(_: DynamoDbSessions, session_id: str) -> SessionState | None:
        loads.append(session_id)
        if len(loads) == 1:
            assert "router" not in api.upstream.models_called()
            return None
        looks_again.set()
        assert replied.wait(10)
        state = SessionState(Tier.MEDIUM, "openai/medium", 9, 0, 9, 1, used_at=0.0)
        return state if loads[-1] != loads[0] else None

    def script(body: Body) -> Reply:
        if body["model"] != "router":
            return completion("m")
        assert looks_again.wait(10)
        replied.set()
        return completion("3")

    monkeypatch.setattr(DynamoDbSessions, "load", load)
    api.upstream.script = script
    api.upstream.calls.clear()

    answer = say(api, ASK + LOOP, tools=TOOLS)

    assert told(answer) == ("kept", "2", "session")
    assert [loads[0] == each for each in loads] == [True, True, False]
    record = record_of(api, answer.body["id"])
    assert record["routed_tier"] == 3
    assert str(record["why"]).endswith("; kept: a tool loop is open")


def test_deleting_a_request_deletes_the_state_of_its_tool_loop(api: Api) -> None:
    call: JsonValue = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice: JsonValue = {"index": 0, "message": call, "finish_reason": "tool_calls"}
    answer = Reply({"id": "x", "model": "m", "choices": [choice]})
    routed_to(api, 2, medium=answer)
    request_id = say(api, ASK, {"x-session-id": "loop"}).body["id"]
    assert len(states()) == 2

    api("DELETE", f"/v1/results/{request_id}")

    assert len(states()) == 1


def test_the_state_holds_no_text_and_no_names(api: Api) -> None:
    say(api, ASK + ON, {"x-session-id": "secret-name"})

    stored = str(states())
    assert "secret-name" not in stored
    assert "tides" not in stored
    assert "rs-client" not in stored


def test_the_state_is_what_the_provider_reported(api: Api) -> None:
    [state] = states()

    assert (state["model"], state["tier"]) == ({"S": "openai/medium"}, {"N": "2"})
    assert (state["input_tokens"], state["cached_tokens"]) == ({"N": "9000"}, {"N": "0"})


def test_deleting_a_user_deletes_the_state_of_their_sessions(api: Api) -> None:
    say(api, ASK, {"x-session-id": "u"}, user="ada")
    assert len(states()) == 2

    assert api("DELETE", "/v1/users/ada", key="rs-client").status == 200

    assert len(states()) == 1


def test_deleting_an_earlier_request_keeps_the_state_of_a_later_one(api: Api) -> None:
    first = say(api, ASK)
    say(api, ASK + ON)

    assert api("DELETE", f"/v1/results/{first.body['id']}").status == 200

    assert len(states()) == 1


def test_a_failing_store_never_fails_a_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("The results table is unavailable")

    monkeypatch.setattr(DynamoDbSessions, "load", fail)
    monkeypatch.setattr(DynamoDbSessions, "save", fail)
    routed_to(api, 1)

    assert told(say(api, ASK + ON)) == ("new", "1", "router")
    assert told(say(api, ASK + LOOP)) == ("new", "1", "router")
    assert "A session was not saved: StoreError" in caplog.text


def test_a_slow_store_delays_no_routed_request(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object) -> None:
        released.wait(30)

    monkeypatch.setattr(DynamoDbSessions, "load", hang)
    monkeypatch.setattr(request_session, "LATE_S", 0.005)
    routed_to(api, 1)
    try:
        assert told(say(api, ASK + ON)) == ("new", "1", "router")
    finally:
        released.set()


def test_the_state_is_read_while_the_router_is_asked(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router LLM is answered only after the read has begun, and the read ends only after the
    router LLM has been asked."""
    asked, read = threading.Event(), threading.Event()
    load = DynamoDbSessions.load

    def load_beside(store: DynamoDbSessions, session_id: str) -> SessionState | None:
        read.set()
        assert asked.wait(10)
        return load(store, session_id)

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            asked.set()
            assert read.wait(10)
            return completion("3")
        return completion("m")

    monkeypatch.setattr(DynamoDbSessions, "load", load_beside)
    api.upstream.script = script

    assert told(say(api, ASK + ON))[0] == "moved up"


def test_a_first_message_reads_no_state(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise AssertionError("read for nothing")

    monkeypatch.setattr(DynamoDbSessions, "load", load)

    assert told(say(api, ASK))[0] == "new"
    assert told(say(api, [{"role": "user", "content": "hello"}])) == ("new", "1", "bypass")


def test_a_late_write_does_not_replace_a_newer_state(results_table: str) -> None:
    store = DynamoDbSessions(boto3.client("dynamodb"), results_table, now=lambda: 1000.0)
    old = SessionState(Tier.SMALL, "a/b", 10, 0, estimated_tokens=10, answers=1, used_at=900.0)
    new = replaced(old, tier=Tier.LARGE, used_at=950.5, shadow_tier=Tier.MEDIUM, shadow_model="c/d")
    new = replaced(new, signer=Signer("e/f", 3))

    store.save("s", new, "r2")
    store.save("s", old, "r1")

    assert store.load("s") == new
    assert store.load("other") is None


def test_a_state_is_forgotten_after_a_day(results_table: str) -> None:
    day = DynamoDbSessions(boto3.client("dynamodb"), results_table, now=lambda: 900.0 + 86_400)
    state = SessionState(Tier.SMALL, "a/b", 10, 0, estimated_tokens=10, answers=1, used_at=900.0)

    day.save("s", state, "r1")

    assert day.load("s") is None

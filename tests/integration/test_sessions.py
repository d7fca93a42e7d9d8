"""Sessions, through the router's handler: a conversation stays where its cache is."""

import threading
from collections.abc import Mapping
from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import boto3
import pytest
from pydantic import JsonValue

from route_switch.adapters.dynamodb_sessions import DynamoDbSessions
from route_switch.domain.errors import StoreError
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.sessions import SessionState
from route_switch.domain.signer import Signer
from route_switch.domain.tiers import Tier
from route_switch.services import request_session
from tests.integration.conftest import (
    CATALOG,
    LONG,
    OTHER_KEY,
    SMALL_ONLY_KEY,
    Answer,
    Api,
    MakeApi,
    add_key,
    by_model,
    record_of,
    switch,
)
from tests.support.upstream import Body, Reply, completion, failure, streamed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Messages = list[dict[str, object]]

CALL: dict[str, JsonValue] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
RULES = "Say what the tide does. " * 1500
ASK: Messages = [{"role": "system", "content": RULES}, {"role": "user", "content": LONG}]
CHANGED: Messages = [{"role": "system", "content": f"It is noon. {RULES}"}, *ASK[1:]]
ON: Messages = [
    {"role": "assistant", "content": "The tides follow the Moon."},
    {"role": "user", "content": "And how would this look on a planet with two moons?"},
]
LOOP: Messages = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "high water at noon"},
]
SIGNED: Messages = [
    {
        "role": "assistant",
        "content": "Because of the Moon.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Moon.", "signature": "c2ln"}],
    },
    {"role": "user", "content": "And how would this look on a planet with two moons?"},
]
CACHED = Price(input_usd_per_million=3, output_usd_per_million=5, cached_input_usd_per_million=0.3)


def say(
    api: Api,
    messages: Messages,
    headers: Mapping[str, str] | None = None,
    key: str = "rs-client",
    **fields: object,
) -> Answer:
    body = {"model": "auto", "messages": messages, **fields}
    return api("POST", "/v1/chat/completions", body, key, headers)


def routed_to(api: Api, tier: int, **scripts: Reply) -> None:
    """Let the router LLM name this tier from now on."""
    answers = {"small": completion("s"), "medium": completion("m", 9000), "large": completion("l")}
    api.upstream.script = by_model(router=completion(str(tier)), **{**answers, **scripts})


def told(answer: Answer) -> tuple[str | None, str, str]:
    headers = answer.headers
    assert answer.status == 200, answer.text
    return headers.get("x-route-session"), headers["x-route-tier"], headers["x-route-reason"]


def states() -> "list[dict[str, AttributeValueTypeDef]]":
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return [item for item in items if item["pk"]["S"].startswith("SESSION#")]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a state however busy this machine is."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    monkeypatch.setattr(request_session, "HOLD_S", 10)


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """Tier 2 has begun a conversation; its provider caches by itself."""
    prices = {**CATALOG.prices, "openai/medium": CACHED, "openai/large": CACHED}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    routed_to(api, 2)
    assert told(say(api, ASK)) == ("new", "2", "router")
    return api


@pytest.mark.parametrize("asked_tier", [1, 2])
def test_points_that_the_stage_sets_count_as_much_as_the_callers(
    make_api: MakeApi, asked_tier: int
) -> None:
    """Models of similar price, so that what they cache decides."""

    def price(usd: float) -> Price:
        return Price(
            input_usd_per_million=usd,
            output_usd_per_million=5 * usd,
            cached_input_usd_per_million=usd / 10,
            cache_write_usd_per_million=1.25 * usd,
        )

    names = {"openai/small": 1.0, "openai/medium": 4.0, "openai/large": 5.0}
    models = CATALOG.model_copy(
        update={
            "prices": {**CATALOG.prices, **{name: price(usd) for name, usd in names.items()}},
            "capabilities": {name: Capabilities(cache_min_tokens=1024) for name in names},
        }
    )
    api = make_api(models=models, cache_points="auto")
    reply = completion("The tides.", 9000)
    assert isinstance(reply.body, dict)
    counted = reply.body["usage"]
    assert isinstance(counted, dict)
    usage = {**counted, "cache_creation_input_tokens": 8900}
    marked = {"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}
    ends = []
    for rules in (RULES, [marked]):
        ask: Messages = [{"role": "system", "content": rules}, *ASK[1:]]
        routed_to(api, 3, large=replaced(reply, body={**reply.body, "usage": usage}))
        say(api, ask)
        assert "cache_control" in str(api.upstream.calls[-1])
        routed_to(api, asked_tier)
        answer = say(api, ask + ON)
        ends.append((*told(answer), answer.headers["x-route-session-saved-usd"]))

    assert ends[0] == ends[1]
    assert ends[0][0] == ("moved down" if asked_tier == 1 else "kept")


def test_the_same_tier_is_kept(api: Api) -> None:
    assert told(say(api, ASK + ON)) == ("kept", "2", "router")


def test_a_session_moves_up_when_the_router_says_so(api: Api) -> None:
    routed_to(api, 3)

    assert told(say(api, ASK + ON)) == ("moved up", "3", "router")


def test_a_session_stays_where_its_cache_is_if_moving_down_costs_more(api: Api) -> None:
    routed_to(api, 1)

    answer = say(api, ASK + ON)

    assert told(answer) == ("kept", "2", "session")
    saved_usd = float(answer.headers["x-route-session-saved-usd"])
    assert saved_usd > 0
    record = record_of(api, answer.body["id"])
    assert (record["session"], record["routed_tier"]) == ("kept", 1)
    assert record["session_saved_usd"] == pytest.approx(saved_usd, abs=1e-9)
    assert "a new cache costs more" in str(record["why"])


def test_a_session_moves_down_if_that_saves_more(make_api: MakeApi) -> None:
    """No price for cached input: nothing is lost."""
    api = make_api()
    routed_to(api, 3)
    say(api, ASK)
    routed_to(api, 1)

    answer = say(api, ASK + ON)

    assert told(answer) == ("moved down", "1", "router")
    assert float(answer.headers["x-route-session-saved-usd"]) > 0


def test_an_open_tool_loop_keeps_the_model_and_spares_the_router_call(api: Api) -> None:
    routed_to(api, 2, medium=completion("", 9000, tool_calls=[CALL]))
    say(api, ASK, tools=TOOLS)
    routed_to(api, 3)
    api.upstream.calls.clear()

    answer = say(api, ASK + LOOP, tools=TOOLS)

    assert told(answer) == ("kept", "2", "session")
    assert api.upstream.models_called() == ["medium"]
    record = record_of(api, answer.body["id"])
    assert (record["routed_tier"], record["why"]) == (None, "kept: a tool loop is open")


def test_a_tool_loop_of_many_calls_keeps_its_model(api: Api) -> None:
    routed_to(api, 3)
    messages = list(ASK)
    for _ in range(5):
        messages += LOOP
        assert told(say(api, messages, tools=TOOLS)) == ("kept", "2", "session")


def test_conversations_that_begin_alike_keep_their_own_tool_loops(api: Api) -> None:
    def looking(call_id: str) -> Reply:
        reply = completion("")
        message: dict[str, JsonValue] = {"role": "assistant", "content": None}
        message["tool_calls"] = [{**CALL, "id": call_id}]
        choice: dict[str, JsonValue] = {
            "index": 0,
            "message": message,
            "finish_reason": "tool_calls",
        }
        assert isinstance(reply.body, dict)
        return replaced(reply, body={**reply.body, "choices": [choice]})

    def results_of(call_id: str) -> Messages:
        call = {**LOOP[0], "tool_calls": [{**CALL, "id": call_id}]}
        return [*ASK, call, {**LOOP[1], "tool_call_id": call_id}]

    for tier, call_id in ((1, "call_a"), (3, "call_b")):
        routed_to(api, tier, small=looking(call_id), large=looking(call_id))
        say(api, ASK, tools=TOOLS)
    routed_to(api, 2)

    assert told(say(api, results_of("call_a"))) == ("kept", "1", "session")
    assert told(say(api, results_of("call_b"))) == ("kept", "3", "session")


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


def test_a_state_that_is_not_there_is_looked_for_again_beside_the_router_call(
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


def test_a_client_may_rename_the_calls_of_its_tools(api: Api) -> None:
    renamed: Messages = [{**LOOP[0], "tool_calls": [{**CALL, "id": "other"}]}, LOOP[1]]
    routed_to(api, 3)

    assert told(say(api, ASK + renamed)) == ("kept", "2", "session")


def test_deleting_a_request_deletes_the_state_of_its_tool_loop(api: Api) -> None:
    call: JsonValue = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice: JsonValue = {"index": 0, "message": call, "finish_reason": "tool_calls"}
    answer = Reply({"id": "x", "model": "m", "choices": [choice]})
    routed_to(api, 2, medium=answer)
    request_id = say(api, ASK, {"x-session-id": "loop"}).body["id"]
    assert len(states()) == 2

    api("DELETE", f"/v1/results/{request_id}")

    assert len(states()) == 1


def test_a_user_who_adds_words_to_tool_results_does_not_end_the_loop(api: Api) -> None:
    routed_to(api, 3)

    assert told(say(api, [*ASK, *LOOP, {"role": "user", "content": "Be brief."}]))[0] == "kept"


def test_a_fallback_that_answered_keeps_the_loop(make_api: MakeApi) -> None:
    api = make_api()
    routed_to(api, 1, small=failure(500), small_2=completion("s2"))
    assert say(api, ASK).headers["x-route-model"] == "openai/small-2"
    routed_to(api, 1, small=completion("s"), small_2=completion("s2"))

    assert say(api, ASK + LOOP).headers["x-route-model"] == "openai/small-2"


def test_when_the_kept_model_fails_the_usual_order_follows(api: Api) -> None:
    routed_to(api, 3, medium=failure(500))

    answer = say(api, ASK + LOOP)

    assert told(answer) == (None, "3", "degraded")


def test_signed_reasoning_stays_with_its_model(api: Api) -> None:
    routed_to(api, 3)

    answer = say(api, ASK + SIGNED)

    assert told(answer) == ("kept", "2", "session")
    assert "c2ln" in str(api.upstream.calls[-1])


def test_signed_reasoning_is_not_sent_to_another_model(api: Api) -> None:
    routed_to(api, 3, medium=failure(500))

    answer = say(api, ASK + SIGNED, {"x-route-debug": "1"})

    assert answer.headers["x-route-model"] == "openai/large"
    assert "c2ln" not in str(api.upstream.calls[-1])
    assert "signed reasoning of another model left out" in answer.headers["x-route-attempts"]


def test_after_a_fallback_signed_reasoning_still_goes_to_its_signer_only(api: Api) -> None:
    """The client sends it on and on; nothing in the messages says whose it is."""
    routed_to(api, 2, medium=failure(500))
    assert say(api, ASK + SIGNED).headers["x-route-model"] == "openai/large"
    signers = []
    routed_to(api, 3)
    for model in ("auto", "auto", "tier-1", "tier-2", "auto"):
        say(api, ASK + SIGNED + ON, model=model)
        sent = api.upstream.calls[-1]
        signers.append((sent["model"], "c2ln" in str(sent)))

    others, signer = [("large", False), ("large", False), ("small", False)], ("medium", True)
    assert signers == [*others, signer, signer]


def test_a_model_that_signs_in_its_turn_gets_its_own_reasoning_only(api: Api) -> None:
    block: dict[str, JsonValue] = {"type": "thinking", "thinking": "Two.", "signature": "bGFyZ2U"}
    reply = completion("Two tides.")
    assert isinstance(reply.body, dict)
    message: JsonValue = {"role": "assistant", "content": "Two.", "thinking_blocks": [block]}
    choice: JsonValue = {"index": 0, "message": message, "finish_reason": "stop"}
    signing = replaced(reply, body={**reply.body, "choices": [choice]})
    routed_to(api, 2, medium=failure(500), large=signing)
    say(api, ASK + SIGNED)
    answered: dict[str, object] = {**ON[0], "thinking_blocks": [block]}
    messages = [*ASK, *SIGNED, answered, ON[1]]
    routed_to(api, 1)

    answer = say(api, messages)
    sent = str(api.upstream.calls[-1])
    assert told(answer) == ("kept", "3", "session")
    assert ("c2ln" in sent, "bGFyZ2U" in sent) == (False, True)

    say(api, messages, model="tier-2")
    sent = str(api.upstream.calls[-1])
    assert ("c2ln" in sent, "bGFyZ2U" in sent) == (False, False)


def test_a_named_tier_is_not_sent_signed_reasoning_of_another_model(api: Api) -> None:
    answer = say(api, ASK + SIGNED, model="tier-3")

    assert told(answer) == (None, "3", "override")
    assert "c2ln" not in str(api.upstream.calls[-1])


def test_a_named_tier_wins_over_an_open_tool_loop(api: Api) -> None:
    assert told(say(api, ASK + LOOP, model="tier-1")) == (None, "1", "override")


def test_a_pinned_tier_wins_over_an_open_tool_loop(make_api: MakeApi) -> None:
    api = make_api()
    switch(pin_tier=3)
    routed_to(api, 1)
    say(api, ASK)

    assert told(say(api, ASK + LOOP)) == (None, "3", "override")


def test_a_spent_budget_wins_over_an_open_tool_loop(api: Api) -> None:
    add_key("rs-poor", monthly_budget_usd={"N": "0.05"}, when_spent={"S": "downgrade"})
    routed_to(api, 3, large=completion("l", 11, 100_000))
    assert told(say(api, ASK, key="rs-poor"))[1] == "3"

    assert told(say(api, ASK + LOOP, key="rs-poor")) == (None, "1", "degraded")


def test_the_tiers_that_a_request_allows_win_over_an_open_tool_loop(api: Api) -> None:
    routed_to(api, 3)

    answer = say(api, ASK + LOOP, route_switch={"min_tier": 3})

    assert told(answer) == ("new", "3", "router")


def test_the_next_turn_after_a_named_tier_continues_with_its_model(api: Api) -> None:
    say(api, ASK + ON, model="tier-3")
    routed_to(api, 1)

    assert told(say(api, ASK + LOOP))[1] == "3"


def test_another_conversation_begins_anew(api: Api) -> None:
    routed_to(api, 1)
    other: Messages = [{"role": "user", "content": "How are cathedrals built, from the crypt up?"}]

    assert told(say(api, other + ON)) == ("new", "1", "router")


def test_another_key_has_sessions_of_its_own(api: Api) -> None:
    routed_to(api, 1)

    assert told(say(api, ASK + ON, key=OTHER_KEY)) == ("new", "1", "router")


def test_a_named_session_survives_another_system_message(api: Api) -> None:
    named = {"x-session-id": "s-17"}
    say(api, ASK, named)
    routed_to(api, 1)

    assert told(say(api, CHANGED + ON, named))[0] == "kept"
    assert told(say(api, CHANGED + ON))[0] == "new"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"X-Session-Id": "a"}, {}),
        ({"X-Claude-Code-Session-Id": "a"}, {}),
        ({"session_id": "a"}, {}),
        ({"x-session-affinity": "a"}, {}),
        ({}, {"prompt_cache_key": "a"}),
        ({}, {"metadata": {"session_id": "a"}}),
        ({}, {"user": "user_1_account__session_a"}),
    ],
)
def test_clients_name_their_sessions(
    api: Api, headers: dict[str, str], fields: dict[str, object]
) -> None:
    def send(messages: Messages) -> Answer:
        body = {"model": "auto", "messages": messages, **fields}
        return api("POST", "/v1/chat/completions", body, headers=headers)

    send(ASK)
    routed_to(api, 1)

    assert told(send(CHANGED + ON))[0] == "kept"


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


def test_a_dry_run_shows_the_rule_and_changes_nothing(api: Api) -> None:
    routed_to(api, 1)
    before = states()
    body = {"model": "auto", "messages": ASK + ON}

    shown = api("POST", "/v1/route", body)

    assert (shown.body["tier"], shown.body["session"]) == (2, "kept")
    assert shown.headers["x-route-session"] == "kept"
    assert states() == before


def test_a_streamed_answer_keeps_its_session(api: Api) -> None:
    routed_to(api, 3, medium=streamed("High ", "water."))

    answer = say(api, ASK + LOOP, stream=True)

    assert told(answer) == ("kept", "2", "session")
    assert '"session": "kept"' in answer.text
    assert told(say(api, ASK + LOOP))[0] == "kept"


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


def test_sessions_can_be_turned_off(make_api: MakeApi) -> None:
    api = make_api(sessions="off")
    routed_to(api, 2)
    say(api, ASK)
    routed_to(api, 3)

    assert told(say(api, ASK + LOOP)) == (None, "3", "router")
    assert states() == []


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


def test_in_shadow_the_session_is_recorded_and_steers_nothing(
    make_api: MakeApi, in_time: None
) -> None:
    prices = {**CATALOG.prices, "openai/medium": CACHED}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    switch(routing="shadow")
    routed_to(api, 2, large=completion("l", 9000))
    first = say(api, ASK)
    routed_to(api, 1, large=completion("l", 9000))

    second = say(api, ASK + ON)
    third = say(api, ASK + LOOP)

    assert {told(each) for each in (first, second, third)} == {(None, "3", "shadow")}
    records = [record_of(api, each.body["id"]) for each in (first, second, third)]
    assert [each["session"] for each in records] == ["new", "kept", "kept"]
    assert [each["shadow_tier"] for each in records] == [2, 2, 2]
    assert [each["shadow_reason"] for each in records] == ["router", "session", "session"]


def test_a_key_that_may_use_one_tier_stays_there(api: Api) -> None:
    routed_to(api, 3)
    assert told(say(api, ASK, key=SMALL_ONLY_KEY))[1] == "1"

    assert told(say(api, ASK + ON, key=SMALL_ONLY_KEY)) == ("kept", "1", "router")


def test_costs_of_a_session_are_part_of_the_streams_last_event(api: Api) -> None:
    routed_to(api, 1, medium=streamed("Two tides."))

    answer = say(api, ASK + ON, stream=True)

    assert told(answer) == ("kept", "2", "session")
    assert '"session_saved_usd": 0.0' in answer.text.rpartition(": route_switch ")[2]

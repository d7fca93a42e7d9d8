"""Sessions: an open tool loop keeps its model."""

from dataclasses import replace as replaced

from pydantic import JsonValue

from tests.integration.conftest import Api, MakeApi, add_key, record_of, switch
from tests.integration.session_turns import ASK, CALL, LOOP, TOOLS, Messages, routed_to, say, told
from tests.support.upstream import Reply, completion, failure


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


def test_a_client_may_rename_the_calls_of_its_tools(api: Api) -> None:
    renamed: Messages = [{**LOOP[0], "tool_calls": [{**CALL, "id": "other"}]}, LOOP[1]]
    routed_to(api, 3)

    assert told(say(api, ASK + renamed)) == ("kept", "2", "session")


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


def test_a_named_tier_wins_over_an_open_tool_loop(api: Api) -> None:
    assert told(say(api, ASK + LOOP, model="tier-1")) == (None, "1", "override")


def test_a_pinned_tier_wins_over_an_open_tool_loop(make_api: MakeApi) -> None:
    api = make_api()
    switch(pin_tier=3)
    routed_to(api, 1)
    say(api, ASK)

    assert told(say(api, ASK + LOOP)) == (None, "3", "override")


def test_a_spent_budget_wins_over_an_open_tool_loop(api: Api) -> None:
    add_key("rs-poor", monthly_budget_usd={"N": "0.5"}, when_spent={"S": "downgrade"})
    routed_to(api, 3, large=completion("l", 11, 100_000))
    assert told(say(api, ASK, key="rs-poor"))[1] == "3"

    assert told(say(api, ASK + LOOP, key="rs-poor")) == (None, "1", "degraded")


def test_the_tiers_that_a_request_allows_win_over_an_open_tool_loop(api: Api) -> None:
    routed_to(api, 3)

    answer = say(api, ASK + LOOP, route_switch={"min_tier": 3})

    assert told(answer) == ("new", "3", "router")

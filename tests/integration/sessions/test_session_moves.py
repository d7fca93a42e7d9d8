"""Sessions: when a conversation keeps its tier, and when it moves."""

from dataclasses import replace as replaced

import pytest

from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from tests.integration.conftest import (
    CATALOG,
    OTHER_KEY,
    SMALL_ONLY_KEY,
    Answer,
    Api,
    MakeApi,
    record_of,
    switch,
)
from tests.integration.session_turns import (
    ASK,
    CACHED,
    CHANGED,
    LOOP,
    ON,
    RULES,
    Messages,
    routed_to,
    say,
    states,
    told,
)
from tests.support.upstream import completion, streamed


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


def test_the_next_turn_after_a_named_tier_continues_with_its_model(api: Api) -> None:
    say(api, ASK + ON, model="tier-3")
    routed_to(api, 1)

    assert told(say(api, ASK + LOOP))[1] == "3"


def test_another_conversation_starts_again(api: Api) -> None:
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


def test_sessions_can_be_turned_off(make_api: MakeApi) -> None:
    api = make_api(sessions="off")
    routed_to(api, 2)
    say(api, ASK)
    routed_to(api, 3)

    assert told(say(api, ASK + LOOP)) == (None, "3", "router")
    assert states() == []


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

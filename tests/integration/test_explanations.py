"""Why a request goes to its tier: `POST /v1/route` explains a decision and never changes it."""

import io
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from functions.router import handler
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services import explain_decision, request_session
from tests.integration.conftest import (
    ADMIN_KEY,
    CATALOG,
    CLIENT_KEY,
    LONG,
    SMALL_ONLY_KEY,
    Api,
    MakeApi,
    add_key,
    by_model,
    forget,
    record_of,
    switch,
)
from tests.integration.session_turns import ASK, CALL, LOOP, ON, TOOLS, Messages, say
from tests.integration.test_limits import taken_usd
from tests.support.upstream import Body, Reply, completion, failure

PROMPT = RoutingPrompt(
    instruction=(
        "Tier 1:\n- a greeting\n\nTier 2:\n- a summary\n\n"
        "Tier 3:\n- a mathematical proof\n- a question of physics"
    ),
    demos=(Demo(query="Why does a PLANTED apple fall?", tier=Tier.LARGE),),
)
EXPLAIN: dict[str, Any] = {"route_switch": {"explain": True}}


@pytest.fixture
def prompted(api: Api) -> Api:
    put_live(PROMPT)
    return api


def put_live(prompt: RoutingPrompt) -> None:
    boto3.client("ssm").put_parameter(
        Name="/test/prompt/live", Value=to_markdown(prompt), Type="String", Overwrite=True
    )


def text_of(body: Body) -> str:
    return str(body["messages"])


def router(named: str = "102", without: str = "2") -> Any:
    """Decide for Tier 3, name a text, and decide again without it."""

    def script(body: Body) -> Reply:
        assert body["model"] == "router"
        if "Which one of them decided?" in text_of(body):
            return completion(named, 500, 2)
        return completion("3" if "- a question of physics" in text_of(body) else without, 400, 1)

    return script


def route(api: Api, key: str = CLIENT_KEY, query: str = LONG, **fields: object) -> dict[str, Any]:
    messages = [{"role": "user", "content": query}]
    answer = api("POST", "/v1/route", {"messages": messages, **fields}, key)
    assert answer.status == 200, answer.text
    return answer.body


def said(body: Mapping[str, Any]) -> str:
    return " ".join(body["explanation"]["sentences"])


def changes(body: Mapping[str, Any]) -> str:
    return " ".join(body["explanation"]["changes"])


def test_the_question_is_read_behind_the_router_calls_cached_prefix(make_api: MakeApi) -> None:
    known = {"openai/router": Capabilities(cache_min_tokens=10)}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    put_live(PROMPT)
    api.upstream.script = router()
    route(api, **EXPLAIN)
    decision, question, again = (each["messages"] for each in api.upstream.calls)
    assert isinstance(decision, list)
    assert isinstance(question, list)
    assert "cache_control" in str(decision[-2])
    assert question[: len(decision)] == decision
    assert "cache_control" not in str(question[len(decision) :])
    assert "cache_control" not in str(again), "its prompt lacks a text, and is sent once"


def test_without_a_request_the_router_llm_is_asked_nothing_more(prompted: Api) -> None:
    prompted.upstream.script = router()
    body = route(prompted)
    assert prompted.upstream.models_called() == ["router"]
    assert "The router LLM (openai/router) read the routing prompt live@1 and chose Tier 3" in (
        said(body)
    )
    assert "was not asked for its reason" in said(body)
    assert (body["explanation"]["evidence"]["calls"], body["tier"]) == (0, 3)


def test_on_request_the_router_llm_names_a_text_and_is_tried_without_it(prompted: Api) -> None:
    prompted.upstream.script = router()
    body = route(prompted, **EXPLAIN)
    assert "named criterion 2 of Tier 3: “a question of physics”." in said(body)
    assert "Without criterion 2 of Tier 3, the router chooses Tier 2." in changes(body)
    assert body["explanation"]["evidence"] == {
        "text": {"kind": "criterion", "number": 2, "tier": 3, "text": "a question of physics"},
        "scores": None,
        "without_text": 2,
        "was_asked": True,
        "calls": 2,
        "cost_usd": pytest.approx((900 * 0.1 + 3 * 0.4) / 1e6, abs=1e-12),
    }


def test_a_text_that_does_not_decide_alone_is_told_so(prompted: Api) -> None:
    prompted.upstream.script = router(without="3")
    assert "Without criterion 2 of Tier 3, the router still chooses Tier 3" in changes(
        route(prompted, **EXPLAIN)
    )


@pytest.mark.parametrize(
    "reply", ["3", "0", "99", "104", "102 or 101", "Physics, clearly.", "", "<think>102"]
)
def test_a_reply_that_names_no_text_by_its_number_names_none(prompted: Api, reply: str) -> None:
    prompted.upstream.script = router(named=reply)
    body = route(prompted, **EXPLAIN)
    assert body["explanation"]["evidence"]["text"] is None
    assert body["explanation"]["evidence"]["calls"] == 1
    assert "Physics, clearly" not in str(body)


def test_the_words_of_a_demo_are_shown_to_admin_keys_only(prompted: Api) -> None:
    prompted.upstream.script = router(named="103", without="3")
    body = route(prompted, **EXPLAIN)
    assert "named demo 1 of Tier 3. Only admin keys see the text of a demo." in said(body)
    assert "PLANTED" not in str(body)
    body = route(prompted, ADMIN_KEY, **EXPLAIN)
    assert "named demo 1 of Tier 3: “Why does a PLANTED apple fall?”." in said(body)


def test_an_explanation_changes_nothing_about_the_decision(prompted: Api) -> None:
    prompted.upstream.script = router()
    plain = route(prompted)
    explained = route(prompted, **EXPLAIN)
    for body in (plain, explained):
        del body["id"], body["explanation"]
    assert explained == plain
    first, second, *further = prompted.upstream.calls
    assert first == second
    assert len(further) == 2
    asked = further[0]["messages"]
    assert isinstance(asked, list)
    assert asked[:-2] == first["messages"], "the provider can read them from its cache"
    assert LONG not in str(asked[-2:])


def test_the_calls_of_an_explanation_are_recorded_and_paid_by_the_key(prompted: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "5"})
    prompted.upstream.script = router()
    body = route(prompted, "rs-team", **EXPLAIN)
    record = prompted("GET", f"/v1/results/{body['id']}", key="rs-team").body
    attempts: Any = record["attempts"]
    assert [attempt.get("purpose") for attempt in attempts] == [None, "explain", "explain"]
    usd = (1300 * 0.1 + 4 * 0.4) / 1e6
    assert record["cost_usd"] == pytest.approx(usd, abs=1e-12)
    assert record["router_tokens"] == body["router_tokens"] == 401
    assert taken_usd("rs-team") == pytest.approx(usd, abs=1e-9)


def test_the_budget_must_cover_the_explanation(prompted: Api) -> None:
    prompted.upstream.script = router()
    decision_usd = (4000 * 0.1 + 16 * 0.4) / 1e6
    add_key("rs-poor", monthly_budget_usd={"N": f"{decision_usd * 2:.9f}"})
    messages = [{"role": "user", "content": LONG}]
    refused = prompted("POST", "/v1/route", {"messages": messages, **EXPLAIN}, "rs-poor")
    assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
    assert prompted.upstream.calls == []
    assert route(prompted, "rs-poor")["tier"] == 3


def test_the_owner_limits_what_an_explanation_costs(make_api: MakeApi) -> None:
    api = make_api(explain_max_usd=0)
    put_live(PROMPT)
    api.upstream.script = router()
    assert "the owner allows no calls for it" in said(route(api, **EXPLAIN))
    assert api.upstream.models_called() == ["router"]


def test_a_call_that_would_exceed_the_limit_is_left_out(make_api: MakeApi) -> None:
    one_call_usd = (500 * 0.1 + 2 * 0.4) / 1e6
    api = make_api(explain_max_usd=one_call_usd * 1.05)
    put_live(PROMPT)
    api.upstream.script = router()
    body = route(api, **EXPLAIN)
    assert body["explanation"]["evidence"]["calls"] == 1
    assert "would cost more than an explanation may" in said(body)
    assert body["explanation"]["evidence"]["without_text"] is None


def test_a_failing_explanation_leaves_the_decision(prompted: Api) -> None:
    def script(body: Body) -> Reply:
        return failure(500) if "Which one" in text_of(body) else completion("3")

    prompted.upstream.script = script
    body = route(prompted, **EXPLAIN)
    assert (body["tier"], body["reason"]) == (3, "router")
    assert "gave no usable reply when it was asked" in said(body)


def test_a_defect_in_explaining_costs_no_decision_and_no_record(
    prompted: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise ValueError(f"PLANTED {LONG}")

    monkeypatch.setattr(explain_decision, "explain_in_words", broken)
    prompted.upstream.script = router()
    body = route(prompted, **EXPLAIN)
    assert (body["tier"], said(body)) == (3, explain_decision.FAILED)
    attempts: Any = record_of(prompted, body["id"])["attempts"]
    assert len(attempts) == 3
    assert "ValueError in test_a_defect_in_explaining" in caplog.text
    assert "PLANTED" not in caplog.text


def test_every_reason_has_its_own_words(prompted: Api) -> None:
    add_key("rs-poor", monthly_budget_usd={"N": "0.0000001"}, when_spent={"S": "downgrade"})
    prompted.upstream.script = router()
    assert "fewer than 8, so it goes to Tier 1 without a router call" in said(
        route(prompted, query="hi")
    )
    assert "The request names Tier 2" in said(route(prompted, model="tier-2", **EXPLAIN))
    assert "budget for this month is used up, so Tier 1" in said(route(prompted, "rs-poor"))
    limited = said(route(prompted, SMALL_ONLY_KEY))
    assert "chose Tier 3" in limited
    assert "so the nearest tier that may is used: Tier 1" in limited
    prompted.upstream.script = by_model(router=completion("no idea"))
    body = route(prompted, **EXPLAIN)
    assert "chose no tier (the router LLM's reply names no tier), so the safe tier" in said(body)
    assert body["explanation"]["evidence"] is None


def test_a_pinned_tier_is_explained(prompted: Api) -> None:
    switch(pin_tier=2)
    body = route(prompted, **EXPLAIN)
    assert "The owner has pinned a tier, so Tier 2 answers" in said(body)
    assert prompted.upstream.calls == []


def test_in_shadow_the_recorded_decision_is_explained(prompted: Api) -> None:
    switch(routing="shadow")
    prompted.upstream.script = router()
    body = route(prompted, **EXPLAIN)
    assert "Routing is in shadow: Tier 3 answers" in said(body)
    assert "named criterion 2 of Tier 3" in said(body)
    assert "route-switch switch routing on" in changes(body)


def test_the_encoder_is_explained_without_being_asked_and_at_no_cost(make_api: MakeApi) -> None:
    models = CATALOG.model_copy(update={"router": "local/encoder"})
    api = make_api(models=models)
    query = "Prove by induction that the sum of the first n odd numbers is n squared."
    told = {}
    for swapped in (False, True):
        low, high = ("3", "1") if swapped else ("1", "3")
        text = f"Tier {low}:\n- a greeting\n\nTier {high}:\n- a mathematical proof"
        put_live(RoutingPrompt(instruction=text))
        forget()
        body = route(api, query=query)
        evidence = body["explanation"]["evidence"]
        told[high] = (body["tier"], evidence["text"]["text"], evidence["without_text"])
        assert (evidence["calls"], evidence["cost_usd"]) == (0, 0)
        assert evidence["scores"][high] > evidence["scores"][low]
    assert told == {"3": (3, "a mathematical proof", 1), "1": (1, "a mathematical proof", 3)}
    assert api.upstream.calls == []
    assert "The router (local/encoder, which compares texts) compared the request" in said(body)


def test_the_encoder_says_when_it_compared_the_context_of_a_follow_up(make_api: MakeApi) -> None:
    api = make_api(models=CATALOG.model_copy(update={"router": "local/encoder"}))
    put_live(RoutingPrompt(instruction="Tier 1:\n- a greeting\n\nTier 3:\n- a mathematical proof"))
    proof = "Prove by induction that the sum of the first n odd numbers is n squared."
    turns: Messages = [
        {"role": "user", "content": proof},
        {"role": "assistant", "content": "Let n be 1."},
        {"role": "user", "content": "continue"},
    ]
    body = route_messages(api, turns)
    assert body["tier"] == 3
    told = said(body)
    assert "The last message does not say by itself what the task is" in told
    assert "The text of that tier that is most like that is criterion 1 of Tier 3" in told


def test_a_session_that_the_router_agrees_with_is_named_by_its_last_answer(
    conversation: Api,
) -> None:
    body = route_messages(conversation, ASK + ON)
    assert "The last answer of this conversation came from Tier 3." in said(body)


@pytest.fixture
def conversation(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Tier 3 has begun a conversation, and its provider caches by itself."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    monkeypatch.setattr(request_session, "HOLD_S", 10)
    cached = Price(
        input_usd_per_million=10, output_usd_per_million=30, cached_input_usd_per_million=1
    )
    prices = {**CATALOG.prices, "openai/large": cached}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    put_live(PROMPT)
    api.upstream.script = by_model(router=completion("3"), large=completion("l", 9000))
    assert say(api, ASK).headers["x-route-session"] == "new"
    return api


def test_an_open_tool_loop_is_the_reason_to_stay(conversation: Api) -> None:
    calling = completion("", 9000, tool_calls=[CALL])
    conversation.upstream.script = by_model(router=completion("3"), large=calling)
    say(conversation, ASK, tools=TOOLS)
    conversation.upstream.calls.clear()
    body = route_messages(conversation, ASK + LOOP, tools=TOOLS)
    assert "The session stays on Tier 3: a tool loop is open. The router was not asked." in (
        said(body)
    )
    assert "once the assistant has answered without calling a tool" in changes(body)
    assert body["explanation"]["evidence"] is None
    assert conversation.upstream.calls == []


@pytest.mark.parametrize("router_says", ["1", "3"])
def test_a_tool_loop_that_is_found_during_the_router_call_is_explained_after_it(
    conversation: Api, router_says: str
) -> None:
    conversation.upstream.script = by_model(router=completion(router_says))
    body = route_messages(conversation, ASK + LOOP, tools=TOOLS)
    told = said(body)
    assert f"chose Tier {router_says}." in told
    assert "The session stays on Tier 3: a tool loop is open." in told
    assert "The router was not asked." not in told
    assert "once the assistant has answered without calling a tool" in changes(body)


def test_a_session_that_stays_is_explained_next_to_what_the_router_chose(conversation: Api) -> None:
    conversation.upstream.script = by_model(router=completion("2"))
    body = route_messages(conversation, ASK + ON)
    assert (body["tier"], body["reason"]) == (3, "session")
    told = said(body)
    assert "read the routing prompt live@1 and chose Tier 2." in told
    assert "The session stays on Tier 3: a new cache costs more than moving down saves." in told
    assert "The session goes to Tier 2 when its cache has expired" in changes(body)
    assert body["explanation"]["evidence"] is not None


def route_messages(api: Api, messages: Messages, **fields: object) -> dict[str, Any]:
    answer = api("POST", "/v1/route", {"messages": messages, **fields})
    assert answer.status == 200, answer.text
    return answer.body


def test_the_neighboring_tiers_costs_are_reported(prompted: Api) -> None:
    prompted.upstream.script = by_model(router=completion("2"))
    told = said(route(prompted))
    for words in (
        "An answer of 300 tokens by Tier 2 (openai/medium) costs about $0.0",
        "Tier 1 (openai/small) would cost about $0.0006",
        "Tier 3 (openai/large) would cost about $0.009",
        "less.",
        "more.",
    ):
        assert words in told


def test_a_dry_run_is_explained_as_well(prompted: Api) -> None:
    prompted.upstream.script = router()
    answer = prompted.chat(LONG, route_switch={"dry_run": True, "explain": True})
    decision: Any = answer.body["route_switch"]
    assert "named criterion 2 of Tier 3" in said(decision)
    attempts: Any = record_of(prompted, answer.body["id"])["attempts"]
    assert len(attempts) == 3


def test_an_answer_cannot_be_explained(prompted: Api) -> None:
    answer = prompted.chat(LONG, **EXPLAIN)
    assert (answer.status, answer.error["param"]) == (400, "route_switch.explain")
    assert prompted.upstream.calls == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/responses", {"input": LONG}),
        ("/v1/messages", {"messages": [{"role": "user", "content": LONG}], "max_tokens": 9}),
        ("/v1/completions", {"prompt": LONG}),
    ],
)
def test_every_protocol_explains_dry_runs_but_no_answers(
    prompted: Api, path: str, fields: dict[str, object]
) -> None:
    prompted.upstream.script = router()
    refused = prompted("POST", path, {"model": "auto", **fields, **EXPLAIN})
    assert (refused.status, prompted.upstream.calls) == (400, [])
    assert "'explain' is for decisions without an answer" in refused.text
    options = {"dry_run": True, "explain": True}
    answer = prompted("POST", path, {"model": "auto", **fields, "route_switch": options})
    decision: Any = answer.body["route_switch"]
    assert "named criterion 2 of Tier 3" in said(decision), answer.text


def test_explanations_log_neither_the_query_nor_the_prompt(
    prompted: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", log)
    prompted.upstream.script = router(named="103")
    query = f"A PLANTED secret. {LONG}"
    assert "PLANTED" not in said(route(prompted, query=query, **EXPLAIN))

    def refusing(body: Body) -> Reply:
        is_question = "Which one" in text_of(body)
        return failure(400, f"PLANTED {text_of(body)}") if is_question else completion("3")

    prompted.upstream.script = refusing
    assert "PLANTED" not in str(route(prompted, query=query, **EXPLAIN))
    printed = log.getvalue() + capsys.readouterr().out
    assert "latency_ms" in printed
    assert "PLANTED" not in printed

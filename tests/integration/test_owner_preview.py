"""`POST /v1/prompt/preview`: what an edit would move, within a budget and a deadline."""

import threading
import time
from dataclasses import replace
from typing import cast

import boto3
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.wiring import preview as wiring
from tests.integration.conftest import (
    ADMIN_KEY,
    CATALOG,
    LONG,
    Answer,
    Api,
    MakeApi,
    add_key,
    by_model,
)
from tests.support.local_models import with_local_model
from tests.support.upstream import Body, Reply, completion, failure

PROMPT = packaged_prompt()
MARK = "a question about the moon"
EDITED = PROMPT.model_copy(update={"instruction": f"{PROMPT.instruction}\n- {MARK}"})
LIVE, DOCUMENT = to_markdown(PROMPT), to_markdown(EDITED)


@pytest.fixture
def stage(make_api: MakeApi) -> Api:
    """Six requests, all of which the live prompt sends to Tier 2."""
    api = make_api(text_storage="full")
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=LIVE, Type="String")
    api.upstream.script = by_model(
        router=completion("2", 1000, 1), medium=completion("By gravity.", 100, 200)
    )
    for n in range(6):
        assert api.chat(f"{LONG} Version {n}.").status == 200
    api.upstream.script = moving
    api.upstream.calls.clear()
    return api


def moving(body: Body) -> Reply:
    """With the edit, the router LLM names Tier 3."""
    assert body["model"] == "router", "no tier may be called"
    return completion("3" if MARK in str(body["messages"]) else "2", 1000, 1)


def preview(api: Api, document: str = DOCUMENT, key: str = ADMIN_KEY, **more: object) -> Answer:
    return api("POST", "/v1/prompt/preview", {"document": document, **more}, key)


def test_a_preview_shows_what_moves_and_what_that_costs(stage: Api) -> None:
    found = preview(stage)
    assert found.status == 200, found.text
    body = found.body
    assert (body["compared"], body["unknown_cost"]) == (6, 0)
    assert body["moves"] == [{"from": 2, "to": 3, "requests": 6}]
    moved = cast("list[dict[str, object]]", body["moved"])
    assert {str(each["query_text"])[:20] for each in moved} == {LONG[:20]}
    assert all(str(each["request_id"]).startswith("chatcmpl-") for each in moved)
    one_before, one_after = 100 * 3e-6 + 200 * 5e-6, 100 * 10e-6 + 200 * 30e-6
    assert moved[0]["cost_usd_before"] == pytest.approx(one_before)
    assert body["cost_usd_before"] == pytest.approx(6 * one_before)
    assert body["cost_usd_after"] == pytest.approx(6 * one_after)
    assert body["router_cost_usd"] == pytest.approx(12 * (1000 * 0.1e-6 + 0.4e-6))
    assert "6 distinct queries were drawn from 6 requests of the last 7 days" in str(body["notes"])


def test_a_frequent_query_counts_as_often_as_it_was_asked(stage: Api) -> None:
    """Equal queries are routed once, but an FAQ that is most of the traffic is not one request."""
    once = preview(stage).body
    stage.upstream.script = lambda _: completion("By gravity.", 100, 200)
    for _ in range(14):
        assert stage.chat(f"{LONG} Version 0.").status == 200
    stage.upstream.script = moving
    body = preview(stage).body
    assert (once["compared"], body["compared"]) == (6, 20)
    assert body["queries"] == once["queries"] == 6
    assert body["moves"] == [{"from": 2, "to": 3, "requests": 20}]
    moved = cast("list[dict[str, int]]", body["moved"])
    assert sorted(each["requests"] for each in moved) == [1, 1, 1, 1, 1, 15]
    for cost in ("cost_usd_before", "cost_usd_after"):
        assert body[cost] == pytest.approx(cast("float", once[cost]) * 20 / 6)


def test_the_live_prompt_itself_moves_nothing_and_is_asked_once(stage: Api) -> None:
    body = preview(stage, LIVE).body
    assert (body["compared"], body["moves"], body["moved"]) == (6, [], [])
    assert len(stage.upstream.models_called()) == 6


def test_no_more_than_the_sample_is_compared(stage: Api) -> None:
    assert cast("int", preview(stage, sample=2).body["compared"]) <= 2


def test_a_budget_ends_the_preview_with_what_was_compared(stage: Api) -> None:
    body = preview(stage, budget_usd=0.0012).body
    assert cast("int", body["compared"]) < 6
    assert cast("float", body["router_cost_usd"]) <= 0.0012
    assert "the budget was used up" in str(body["notes"])
    nothing = preview(stage, budget_usd=1e-9).body
    assert (nothing["compared"], nothing["router_cost_usd"]) == (0, 0)
    assert (nothing["cost_usd_before"], nothing["cost_usd_after"]) == (None, None)


def test_a_slow_router_llm_ends_the_preview_in_time(
    stage: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "LONGEST_S", 1.5)
    never = threading.Event()
    stage.upstream.script = lambda _: replace(completion("2"), wait_for=never)
    began = time.monotonic()
    body = preview(stage).body
    assert time.monotonic() - began < 4
    assert body["compared"] == 0
    assert "Only 0 of 6" in str(body["notes"])
    never.set()


def test_a_failing_router_llm_is_named(stage: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "PATIENCE_S", 0.5)
    stage.upstream.script = lambda _: failure(500)
    body = preview(stage).body
    assert body["compared"] == 0
    assert "openai/router failed" in str(body["notes"])


def test_a_router_llm_that_names_no_tier_is_a_note(stage: Api) -> None:
    stage.upstream.script = lambda _: completion("maybe", 1000, 1)
    assert "names no tier" in str(preview(stage).body["notes"])


def test_the_cost_is_charged_to_the_key_and_counted_as_the_routers(stage: Api) -> None:
    add_key("rs-budget", role={"S": "admin"}, monthly_budget_usd={"N": "0.3"})
    before = stage("GET", "/v1/costs", key=ADMIN_KEY).body["total"]
    cost = cast("float", preview(stage, key="rs-budget").body["router_cost_usd"])
    after = stage("GET", "/v1/costs", key=ADMIN_KEY).body["total"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    for name, sign in (("spent_usd", 1), ("router_usd", 1), ("saved_estimated_usd", -1)):
        assert after[name] - before[name] == pytest.approx(sign * cost), name
    assert after["requests"] == before["requests"]
    keys = cast("list[dict[str, object]]", stage("GET", "/v1/keys", key=ADMIN_KEY).body["data"])
    [own] = [each for each in keys if each["key_id"] == "key_rs-budget"]
    month = cast("dict[str, float]", own["month"])
    assert month["spent_usd"] == pytest.approx(cost)
    assert month["reserved_usd"] == pytest.approx(0)
    [budget] = [
        item
        for item in boto3.client("dynamodb").scan(TableName="results")["Items"]
        if item["pk"]["S"].startswith("BUDGET#key_rs-budget")
    ]
    assert float(budget["taken_usd"]["N"]) == pytest.approx(cost)


def test_a_key_whose_budget_does_not_cover_the_preview_is_refused(stage: Api) -> None:
    add_key("rs-poor", role={"S": "admin"}, monthly_budget_usd={"N": "0.1"})
    refused = preview(stage, key="rs-poor")
    assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
    assert stage.upstream.models_called() == []
    assert preview(stage, key="rs-poor", budget_usd=0.05).status == 200


def test_where_texts_are_not_stored_nothing_is_compared(make_api: MakeApi) -> None:
    api = make_api(text_storage="hash")
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=LIVE, Type="String")
    body = preview(api).body
    assert (body["compared"], body["moved"]) == (0, [])
    assert "text_storage is 'hash'" in str(body["notes"])


def test_without_a_live_prompt_a_price_or_a_light_client_the_refusal_says_so(
    make_api: MakeApi,
) -> None:
    assert preview(make_api()).error["code"] == "no_live_prompt"


@pytest.mark.parametrize(
    ("router", "code"),
    [("openai/unpriced", "price_unknown"), ("anthropic/claude-haiku-4-5", "router_not_callable")],
)
def test_a_router_llm_that_cannot_be_asked_is_a_conflict(
    make_api: MakeApi, router: str, code: str
) -> None:
    models = CATALOG.model_copy(update={"router": router})
    api = make_api(models=models)
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=LIVE, Type="String")
    refused = preview(api)
    assert (refused.status, refused.error["code"]) == (409, code)
    assert router in str(refused.error["message"])


def test_a_local_model_decides_with_the_numbers_of_its_document(stage: Api) -> None:
    local = to_json(with_local_model(PROMPT, "local"))
    body = preview(stage, local).body
    assert body["compared"] == 6
    assert len(stage.upstream.models_called()) == 6, "only the live prompt asks the router LLM"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"document": "?"}, "front matter"),
        ({"sample": 101, "days": 0}, "'days'"),
        ({"sample": 101}, "'sample'"),
        ({"budget_usd": 1.01}, "'budget_usd'"),
        ({"budget_usd": 0}, "'budget_usd'"),
        ({"tiers": [1]}, "'tiers' is not a known field"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_paid(
    stage: Api, more: dict[str, object], named: str
) -> None:
    body = {"document": DOCUMENT, **more}
    refused = stage("POST", "/v1/prompt/preview", body, ADMIN_KEY)
    assert refused.status == 400
    assert named in str(refused.error["message"])
    assert stage.upstream.models_called() == []


def test_no_text_of_a_request_reaches_the_log(
    stage: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    preview(stage)
    said = capsys.readouterr()
    assert "Moon" not in said.out + said.err


def test_the_router_model_of_the_offline_profile_costs_nothing(make_api: MakeApi) -> None:
    models = CATALOG.model_copy(update={"router": "local/encoder"})
    api = make_api(models=models, text_storage="full")
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=LIVE, Type="String")
    api.upstream.script = lambda _: completion("By gravity.", 100, 200)
    for n in range(3):
        assert api.chat(f"{LONG} Version {n}.").status == 200
    api.upstream.calls.clear()
    body = preview(api).body
    assert (body["compared"], body["router_cost_usd"]) == (3, 0)
    assert api.upstream.calls == []


def test_the_budget_is_counted_before_the_first_call(stage: Api) -> None:
    """A function that is killed while it asks leaves the whole budget in the sums, not nothing."""
    seen: list[float] = []

    def spent() -> float:
        total = boto3.client("dynamodb").scan(TableName="results")["Items"]
        return sum(
            float(item["cost_usd:unanswered"]["N"])
            for item in total
            if item["pk"]["S"].startswith("DAY#") and "cost_usd:unanswered" in item
        )

    before = spent()

    def asked(body: Body) -> Reply:
        seen.append(spent() - before)
        return moving(body)

    stage.upstream.script = asked
    cost = cast("float", preview(stage, budget_usd=0.2).body["router_cost_usd"])
    assert seen == [pytest.approx(0.2)] * 12
    assert spent() - before == pytest.approx(cost)

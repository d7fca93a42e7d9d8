"""Shadow, through the router's handler: Tier 3 answers, and the decision is only recorded."""

import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from route_switch.adapters.dynamodb_days import DynamoDbDays
from route_switch.adapters.learning.dynamodb_learning import DynamoDbLearning, DynamoDbRoutedDays
from route_switch.adapters.results_table import day_key
from route_switch.domain.errors import StoreError
from route_switch.domain.needs import Capabilities
from route_switch.domain.shadow import ANSWERED_FIRST, READ_BY_BUDGET
from route_switch.domain.strategies.prompt_strategy import PromptStrategy
from route_switch.wiring.router import router
from tests.integration.conftest import (
    CATALOG,
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
from tests.integration.test_records import day_totals
from tests.support.clock import NOW, stop_clock
from tests.support.upstream import Body, Reply, completion, failure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

TODAY = NOW.date()
LARGE = completion("Because of gravity.", 40, 90)


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch)


def test_tier_3_answers_and_the_parallel_decision_is_recorded(shadow: Api) -> None:
    answer = shadow.chat(LONG)
    assert answer.status == 200
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("3", "shadow")
    assert answer.body["model"] == "openai/large"
    record = record_of(shadow, answer.body["id"])
    assert (record["tier"], record["decided_tier"], record["reason"]) == (3, 3, "shadow")
    assert (record["shadow_tier"], record["shadow_reason"]) == (1, "router")
    assert (record["routed_tier"], record["why"]) == (1, "chosen by the router LLM")
    assert [attempt["model"] for attempt in record["attempts"]] == [  # type: ignore[attr-defined]
        "openai/router",
        "openai/large",
    ]


def test_the_router_call_is_counted_as_router_cost_and_nothing_as_saved(shadow: Api) -> None:
    record = record_of(shadow, shadow.chat(LONG).body["id"])
    router_usd, answer_usd = (1000 * 0.1 + 0.4) / 1e6, (40 * 10 + 90 * 30) / 1e6
    assert record["router_cost_usd"] == pytest.approx(router_usd, abs=1e-12)
    assert record["cost_usd"] == pytest.approx(router_usd + answer_usd, abs=1e-12)
    assert record["saved_usd"] == pytest.approx(-router_usd, abs=1e-12)


def test_what_routing_would_have_cost_includes_its_call_and_the_tiers_output_ratio(
    shadow: Api,
) -> None:
    record = record_of(shadow, shadow.chat(LONG).body["id"])
    router_usd, tier_1_usd = (1000 * 0.1 + 0.4) / 1e6, (40 * 1 + 90 / 2 * 2) / 1e6
    assert record["shadow_cost_usd"] == pytest.approx(router_usd + tier_1_usd, abs=1e-12)


def test_a_short_query_is_decided_without_a_call(shadow: Api) -> None:
    record = record_of(shadow, shadow.chat("hello").body["id"])
    assert (record["tier"], record["reason"]) == (3, "shadow")
    assert (record["shadow_tier"], record["shadow_reason"]) == (1, "bypass")
    assert shadow.upstream.models_called() == ["large"]


def test_the_owner_chooses_which_tier_answers(make_api: MakeApi, in_time: None) -> None:
    api = make_api(shadow_answer_tier=2)
    switch(routing="shadow")
    api.upstream.script = by_model(router=completion("2"), medium=completion("m", 40, 90))
    record = record_of(api, api.chat(LONG).body["id"])
    assert (record["tier"], record["shadow_tier"]) == (2, 2)
    assert record["shadow_cost_usd"] == record["cost_usd"]


def test_keys_ranges_named_tiers_and_pins_win_over_shadow(shadow: Api) -> None:
    shadow.upstream.script = by_model(
        router=completion("3"), small=completion("s"), medium=completion("m"), large=LARGE
    )
    restricted = record_of_key(shadow, shadow.chat(LONG, key=SMALL_ONLY_KEY).body["id"])
    assert (restricted["tier"], restricted["shadow_tier"]) == (1, 1)
    assert restricted["routed_tier"] == 3, "before the key's tiers limited it"
    ranged = shadow.chat(LONG, route_switch={"max_tier": 2})
    assert ranged.headers["x-route-tier"] == "2"
    shadow.upstream.script = by_model(small=completion("s"), medium=completion("m"))
    named = record_of(shadow, shadow.chat(LONG, model="tier-1").body["id"])
    assert (named["tier"], named["reason"], named["shadow_reason"]) == (1, "override", None)
    switch(routing="shadow", pin_tier=2)
    forget()
    pinned = record_of(shadow, shadow.chat(LONG).body["id"])
    assert (pinned["tier"], pinned["reason"], pinned["shadow_tier"]) == (2, "override", None)


def record_of_key(api: Api, request_id: object) -> dict[str, object]:
    return api("GET", f"/v1/results/{request_id}", key=SMALL_ONLY_KEY).body


def test_a_spent_budget_wins_over_shadow(shadow: Api) -> None:
    add_key(
        "rs-poor",
        monthly_budget_usd={"N": "0.000001"},
        when_spent={"S": "downgrade"},
    )
    shadow.upstream.script = by_model(small=completion("s"))
    answer = shadow.chat(LONG, key="rs-poor")
    assert (answer.headers["x-route-tier"], answer.headers["x-route-budget"]) == ("1", "spent")
    assert shadow.upstream.models_called() == ["small"]


def test_a_failing_router_fails_no_request(shadow: Api) -> None:
    shadow.upstream.script = by_model(router=failure(500), large=LARGE)
    answer = shadow.chat(LONG)
    assert answer.status == 200
    record = record_of(shadow, answer.body["id"])
    assert (record["shadow_tier"], record["shadow_reason"]) == (2, "fallback")
    assert record["routed_tier"] is None, "the router was down: learning would measure another tier"


def test_an_error_in_the_strategy_fails_no_request(
    shadow: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(LONG)

    monkeypatch.setattr(PromptStrategy, "suggest", broken)
    answer = shadow.chat(LONG)
    assert answer.status == 200
    record = record_of(shadow, answer.body["id"])
    assert (record["shadow_tier"], record["shadow_reason"]) == (None, "failed")
    assert "ValueError in test_an_error_in_the_strategy" in caplog.text
    assert LONG not in caplog.text


@pytest.mark.parametrize(("reasoning", "written"), [(False, 16), (True, 2048)])
def test_an_answer_does_not_wait_for_a_decision_and_its_call_is_charged(
    make_api: MakeApi, reasoning: bool, written: int
) -> None:
    """What the router wrote never becomes known, so all that it may write counts in the budget."""
    known = {"openai/router": Capabilities(reasoning=reasoning)}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    switch(routing="shadow")
    asked = threading.Event()

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            asked.set()
            return Reply(completion("1").body, wait_for=api.upstream.released)
        assert asked.wait(10)
        return LARGE

    api.upstream.script = script
    answer = api.chat(LONG)
    assert answer.status == 200
    record = record_of(api, answer.body["id"])
    assert (record["shadow_tier"], record["shadow_reason"]) == (None, "late")
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    late = attempts[0]
    assert (late["model"], late["status"], late["error"]) == (
        "openai/router",
        "timed_out",
        ANSWERED_FIRST,
    )
    assert late["estimated"] is True
    assert late["usage"]["output_tokens"] == written
    input_usd = late["usage"]["input_tokens"] * 0.1 / 1e6
    assert input_usd > 0
    assert late["cost_usd"] == pytest.approx(input_usd + written * 0.4 / 1e6, abs=1e-12)


def test_a_dry_run_says_what_answers_and_what_routing_would_choose(shadow: Api) -> None:
    shadow.upstream.script = by_model(router=completion("1"))
    body = shadow("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]}).body
    assert (body["tier"], body["reason"], body["model"]) == (3, "shadow", "openai/large")
    assert (body["shadow_tier"], body["shadow_reason"]) == (1, "router")
    assert shadow.upstream.models_called() == ["router"]


def test_learning_reads_requests_in_shadow(shadow: Api) -> None:
    """They can be replayed, have Tier 3's answer, and tell how the prompt routed them."""
    answer = shadow.chat(LONG)
    dynamodb = boto3.client("dynamodb")
    learning = DynamoDbLearning(dynamodb, "results", NoTexts())
    assert learning.count([TODAY]).replayable == 1
    [request] = learning.load([str(answer.body["id"])]).requests
    example = request.as_example(CATALOG, weight=1.0, train_only=False)
    assert example.models["openai/large"].answer == "Because of gravity."
    version = str(record_of(shadow, answer.body["id"])["prompt_version"])
    assert DynamoDbRoutedDays(dynamodb, "results").routed(TODAY, version).tiers == (1, 0, 0)


class NoTexts:
    """Every text fits into its item."""

    def put(self, key: str, text: str) -> None:
        raise AssertionError(key)

    def get(self, key: str) -> str | None:
        raise AssertionError(key)


def test_feedback_on_an_answer_in_shadow_says_nothing_about_the_prompt(shadow: Api) -> None:
    answer = shadow.chat(LONG)
    rated = shadow("POST", "/v1/feedback", {"request_id": answer.body["id"], "score": 0})
    assert rated.status == 200
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    assert [item for item in items if item["pk"]["S"].startswith("QUALITY#")] == []


def test_counters_of_the_day_give_what_routing_would_have_saved(shadow: Api) -> None:
    records = [record_of(shadow, shadow.chat(text).body["id"]) for text in (LONG, "hello")]
    totals = day_totals(TODAY)
    for group, record in zip(("routed", "bypass"), records, strict=True):
        saved = (
            number(record["cost_usd"])
            - number(record["router_cost_usd"])
            - number(record["shadow_cost_usd"])
        )
        assert totals[f"shadow:{group}"] == totals[f"shadow:{group}:tier:1"] == 1
        assert totals[f"shadow:{group}:saved_usd"] == pytest.approx(saved, abs=1e-12)
        assert totals[f"shadow:{group}:saved_squares"] == pytest.approx(
            (1000 * saved) ** 2, abs=1e-9
        )
    assert totals["shadow:router_usd"] == pytest.approx(number(records[0]["router_cost_usd"]))
    assert totals["shadow:calls"] == 1


def number(value: object) -> float:
    assert isinstance(value, float | int)
    return value


def count(day: date, **counters: float) -> None:
    """Write counters of a day; a double underscore stands for a colon."""
    item: dict[str, AttributeValueTypeDef] = {**day_key(day, 3)}
    for name, value in counters.items():
        item[name.replace("__", ":")] = {"N": str(value)}
    boto3.client("dynamodb").put_item(TableName="results", Item=item)


def test_router_calls_end_when_the_days_allowance_is_spent(shadow: Api) -> None:
    count(TODAY, shadow__router_usd=10 / 31)
    record = record_of(shadow, shadow.chat(LONG).body["id"])
    assert (record["shadow_tier"], record["shadow_reason"]) == (None, "not_sampled")
    assert record_of(shadow, shadow.chat("hello").body["id"])["shadow_reason"] == "bypass"
    assert "router" not in shadow.upstream.models_called()
    assert day_totals(TODAY)["shadow:not_sampled"] == 1


def test_a_busy_day_lowers_the_share_that_is_sampled(shadow: Api) -> None:
    """Yesterday the calls cost 10 USD, and a day may cost 0.32 USD."""
    count(TODAY - timedelta(1), shadow__calls=1000, cost_usd__tier__router=10)
    assert router().route._shadow_budget.current() == pytest.approx(0.8 * 10 / 31 / 10)


def test_dry_runs_take_nothing_from_the_sample(shadow: Api) -> None:
    """They cost more than the day's allowance, today and yesterday."""
    shadow.upstream.script = by_model(router=completion("1", 10_000_000, 1))
    dry_run = {"messages": [{"role": "user", "content": LONG}]}
    answer = shadow("POST", "/v1/route", dry_run)
    assert float(answer.headers["x-route-cost-usd"]) > 10 / 31
    shadow.upstream.script = by_model(router=completion("1", 1000, 1), large=LARGE)
    forget()
    assert record_of(shadow, shadow.chat(LONG).body["id"])["shadow_reason"] == "router"
    count(TODAY - timedelta(1), shadow__calls=10, cost_usd__tier__router=9, router_usd__dry_run=9)
    forget()
    assert router().route._shadow_budget.current() == 1.0


def test_without_counters_no_call_is_made_and_the_request_is_answered(
    shadow: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget()
    monkeypatch.setattr(DynamoDbDays, "of_days", unavailable)
    record = record_of(shadow, shadow.chat(LONG).body["id"])
    assert record["shadow_reason"] == "not_sampled"


def unavailable(*_: object) -> None:
    raise StoreError("The results table is unavailable: test")


@pytest.mark.parametrize(
    ("changes", "asked"),
    [({"shadow_monthly_usd": None}, True), ({"shadow_monthly_usd": 0}, False)],
    ids=["no-budget", "a-budget-of-0"],
)
def test_a_budget_may_be_absent_or_nothing(
    make_api: MakeApi, in_time: None, changes: dict[str, object], asked: bool
) -> None:
    api = make_api(**changes)
    switch(routing="shadow")
    api.upstream.script = by_model(router=completion("1"), large=LARGE)
    api.chat(LONG)
    assert ("router" in api.upstream.models_called()) is asked


def test_a_router_without_a_price_is_not_asked_within_a_budget(
    make_api: MakeApi, in_time: None
) -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "openai/router"}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    switch(routing="shadow")
    api.upstream.script = by_model(router=completion("1"), large=LARGE)
    assert record_of(api, api.chat(LONG).body["id"])["shadow_reason"] == "not_sampled"


@pytest.mark.parametrize("broken", ['{"pin_tier": 9}', "not JSON"])
def test_a_stage_that_starts_in_shadow_is_in_shadow_if_its_switches_cannot_be_read(
    make_api: MakeApi, broken: str
) -> None:
    boto3.client("ssm").put_parameter(Name="/test/switches", Value=broken, Type="String")
    api = make_api(start="shadow")
    api.upstream.script = by_model(large=LARGE, router=completion("1"))
    assert api.chat(LONG).headers["x-route-reason"] == "shadow"


def test_a_stage_deployed_before_shadow_existed_routes_although_it_would_start_in_shadow(
    make_api: MakeApi,
) -> None:
    """It has no switches. An upgrade must not change who answers."""
    api = make_api(start="shadow")
    api.upstream.script = by_model(router=completion("1"), small=completion("s"))
    assert api.chat(LONG).headers["x-route-reason"] == "router"


def test_the_counters_that_the_budget_reads_are_those_that_are_written(shadow: Api) -> None:
    shadow.chat(LONG)
    shadow("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]})
    switch(routing="on")
    forget()
    shadow.upstream.script = by_model(router=completion("1"), small=completion("s"))
    shadow.chat(LONG)
    shadow.upstream.script = by_model(router=failure(500), medium=completion("m"))
    shadow.chat(LONG)
    written = day_totals(TODAY)
    assert set(READ_BY_BUDGET) - written.keys() == {"shadow:not_sampled"}

"""Tiers that share a model and differ in its parameters, through the handler."""

import json
import threading
from typing import Any

import pytest

from route_switch.domain.pricing import Price
from route_switch.domain.tier_parameters import TierParameters
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from tests.integration.conftest import LONG, Answer, Api, MakeApi, add_key
from tests.support.upstream import Body, Reply, completion, failure

MODEL = "openai/one"
LOW, HIGH = f"{MODEL} (reasoning_effort=low)", f"{MODEL} (reasoning_effort=high)"


def catalog(**high: Any) -> ModelCatalog:
    return ModelCatalog(
        tiers={
            Tier.SMALL: TierModels(model="openai/small"),
            Tier.MEDIUM: TierModels(model=MODEL, params=TierParameters(reasoning_effort="low")),
            Tier.LARGE: TierModels(
                model=MODEL, params=TierParameters(reasoning_effort="high", **high)
            ),
        },
        router="openai/router",
        prices={
            name: Price(input_usd_per_million=1, output_usd_per_million=2)
            for name in (MODEL, "openai/small", "openai/router")
        },
    )


@pytest.fixture
def efforts(make_api: MakeApi) -> Api:
    return make_api(models=catalog())


def attempts_of(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer.headers["x-route-attempts"])
    return found


def ask(api: Api, model: str = "auto", **fields: Any) -> Answer:
    return api.chat(LONG, headers={"x-route-debug": "1"}, model=model, **fields)


def routed_to(tier: int) -> Any:
    return lambda body: completion(str(tier) if body["model"] == "router" else "Hi.")


@pytest.mark.parametrize(("tier", "effort", "name"), [(2, "low", LOW), (3, "high", HIGH)])
def test_each_tier_sends_its_parameters_and_is_recorded_by_its_name(
    efforts: Api, tier: int, effort: str, name: str
) -> None:
    efforts.upstream.script = routed_to(tier)
    answer = ask(efforts)
    assert efforts.upstream.calls[-1]["model"] == "one"
    assert efforts.upstream.calls[-1]["reasoning_effort"] == effort
    assert answer.body["model"] == MODEL, "clients see the real model"
    assert answer.headers["x-route-model"] == name
    assert float(answer.headers["x-route-cost-usd"]) > 0
    record = efforts("GET", f"/v1/results/{answer.body['id']}").body
    assert record["model"] == name


def test_a_request_sets_its_own_effort(efforts: Api) -> None:
    answer = ask(efforts, "tier-3", reasoning_effort="minimal")
    assert efforts.upstream.calls[-1]["reasoning_effort"] == "minimal"
    assert answer.headers["x-route-model"] == HIGH
    note = "reasoning_effort of the request replaces the tier's"
    assert answer.headers["x-route-adjusted"] == note, "the name alone would be wrong"
    assert attempts_of(answer)[-1]["adjusted"] == [note]


@pytest.mark.parametrize(("model", "effort"), [(MODEL, "low"), (HIGH, "high"), ("tier-3", "high")])
def test_a_models_name_alone_means_the_lowest_tier_that_it_serves(
    efforts: Api, model: str, effort: str
) -> None:
    assert ask(efforts, model).status == 200
    assert efforts.upstream.calls[-1]["reasoning_effort"] == effort


def test_models_are_listed_with_and_without_parameters(efforts: Api) -> None:
    listed = efforts("GET", "/v1/models").body["data"]
    assert isinstance(listed, list)
    names = [each["id"] for each in listed]
    assert {"auto", "tier-3", "openai/small", MODEL, LOW, HIGH} <= {*names}
    assert len({*names}) == len(names)


def test_a_model_that_fails_is_not_asked_again_with_another_effort(efforts: Api) -> None:
    def script(body: Body) -> Reply:
        if body["model"] == "one":
            return failure(500)
        return completion("2" if body["model"] == "router" else "Hi.")

    efforts.upstream.script = script
    answer = ask(efforts)
    assert answer.headers["x-route-tier"] == "1"
    assert efforts.upstream.models_called() == ["router", "one", "small"]


def test_a_model_that_refuses_a_request_is_asked_with_the_next_tiers_parameters(
    efforts: Api,
) -> None:
    def script(body: Body) -> Reply:
        if body.get("reasoning_effort") == "low":
            return Reply({"error": {"message": "The prompt needs more thought."}}, 400)
        return completion("2" if body["model"] == "router" else "Hi.")

    efforts.upstream.script = script
    answer = ask(efforts)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-model"]) == ("3", HIGH)


def test_a_model_that_takes_too_long_is_helped_by_itself_with_other_parameters(
    make_api: MakeApi,
) -> None:
    api = make_api(models=catalog(), attempt_s=0.3)
    never = threading.Event()

    def script(body: Body) -> Reply:
        if body.get("reasoning_effort") == "low":
            return Reply(completion("Too late.").body, wait_for=never)
        return completion("2" if body["model"] == "router" else "Hi.")

    api.upstream.script = script
    answer = ask(api)
    never.set()
    assert answer.headers["x-route-model"] == HIGH


def test_no_answer_exceeds_the_tiers_limit_and_the_caller_is_informed(make_api: MakeApi) -> None:
    api = make_api(models=catalog(max_tokens=100))
    answer = ask(api, "tier-3", max_tokens=5000)
    assert api.upstream.calls[-1]["max_tokens"] == 100
    assert answer.headers["x-route-adjusted"] == "max_tokens lowered to 100"
    ask(api, "tier-2", max_tokens=5000)
    assert api.upstream.calls[-1]["max_tokens"] == 5000
    ask(api, "tier-3")
    assert api.upstream.calls[-1]["max_tokens"] == 100


def test_no_answer_exceeds_the_stages_limit_but_the_router_is_not_bound_by_it(
    make_api: MakeApi,
) -> None:
    api = make_api(models=catalog(), max_tokens=10)
    api.upstream.script = routed_to(2)
    answer = ask(api, max_completion_tokens=5000)
    router, answering = api.upstream.calls
    assert router["max_tokens"] == 16
    assert answering["max_completion_tokens"] == 10
    told = {attempt["model"]: attempt["adjusted"] for attempt in attempts_of(answer)}
    assert told == {"openai/router": [], LOW: ["max_completion_tokens lowered to 10"]}
    assert ask(api).headers.get("x-route-adjusted") is None
    assert api.upstream.calls[-1]["max_tokens"] == 10


@pytest.mark.parametrize(("limit", "status"), [(None, 429), (100, 200)])
def test_a_budget_reserves_no_more_than_the_stages_limit(
    make_api: MakeApi, limit: int | None, status: int
) -> None:
    api = make_api(models=catalog(), max_tokens=limit)
    add_key("rs-team", monthly_budget_usd={"N": "0.01"})
    answer = api.chat(LONG, key="rs-team", model="tier-2", max_tokens=1_000_000)
    assert answer.status == status


def test_a_streamed_answer_tells_what_was_lowered_at_its_beginning(make_api: MakeApi) -> None:
    api = make_api(models=catalog(max_tokens=100))
    answer = ask(api, "tier-3", max_tokens=5000, stream=True)
    assert answer.headers["x-route-adjusted"] == "max_tokens lowered to 100"

"""Savings of requests: flagged where they are estimated, and explained where they are unknown."""

import json
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.client import BaseClient

from infra.prices import with_prices
from infra.stage import load_stage
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.ssm_output_ratios import SsmOutputRatios
from route_switch.domain.output_ratio import MeasuredRatio
from route_switch.domain.prompt_document import to_markdown
from tests.integration.conftest import (
    ADMIN_KEY,
    CATALOG,
    LONG,
    Answer,
    Api,
    MakeApi,
    by_model,
    forget,
    record_of,
)
from tests.support.upstream import Reply, completion

UNMEASURED = CATALOG.model_copy(update={"tier_3_output_ratio": {}})
LIVE = "/test/prompt/live"

Json = dict[str, Any]  # the API's JSON


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """A stage without configured ratios. Tier 2 answers long queries, with 211 tokens."""
    made = make_api(models=UNMEASURED)
    made.upstream.script = by_model(
        router=completion("2", 101, 1), small=completion("Hi."), medium=completion("Yes.", 37, 211)
    )
    boto3.client("ssm").put_parameter(
        Name=LIVE, Value=to_markdown(packaged_prompt()), Type="String"
    )
    return made


def keep(ratio: float, model: str = "openai/medium", large: str = "openai/large") -> None:
    """Keep a ratio as a learning run does."""
    measured = MeasuredRatio(
        ratio=ratio, low=ratio / 2, high=ratio * 2, model=model, tier_3_model=large, rows=99
    )
    SsmOutputRatios(boto3.client("ssm"), LIVE).keep([measured])
    forget()


def saved(answer: Answer) -> float:
    return float(answer.headers["x-route-saved-usd"])


def total(api: Api) -> Json:
    return cast("Json", api("GET", "/v1/costs", key=ADMIN_KEY).body["total"])


def medium_usd(tokens: int) -> float:
    """What Tier 2's answer saves if Tier 3's has this many tokens."""
    cost_usd = (37 * 3 + 211 * 5 + 101 * 0.1 + 0.4) / 1e6
    return (37 * 10 + tokens * 30) / 1e6 - cost_usd


def test_before_any_measurement_a_saving_is_a_number_flagged_as_estimated(api: Api) -> None:
    answer = api.chat(LONG)
    assert answer.headers["x-route-saved-estimated"] == "prior"
    assert saved(answer) == pytest.approx(medium_usd(211), abs=1e-9)
    record = record_of(api, answer.body["id"])
    assert (record["saving_basis"], record["baseline_estimated"]) == ("prior", True)
    assert record["saved_usd_low"] == pytest.approx(medium_usd(round(211 * 0.4)))
    assert record["saved_usd_high"] == pytest.approx(medium_usd(round(211 * 2.5)))


def test_costs_add_up_the_savings_and_their_bounds(api: Api) -> None:
    answers = [api.chat("hello"), api.chat(LONG)]
    records = [cast("Json", record_of(api, each.body["id"])) for each in answers]
    costs = total(api)
    for field, name in (
        ("saved_usd", "saved_estimated_usd"),
        ("saved_usd_low", "saved_usd_low"),
        ("saved_usd_high", "saved_usd_high"),
    ):
        assert costs[name] == pytest.approx(sum(each[field] for each in records), abs=2e-9)
    assert costs["saved_usd_low"] < costs["saved_estimated_usd"] < costs["saved_usd_high"]
    assert (costs["estimated"], costs["saving_basis"]) == (True, {"prior": 2})
    assert costs["requests_without_saving"] == 0


def test_what_learning_measured_is_used_without_another_call(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(2.0)
    read: list[object] = []
    call = vars(BaseClient)["_make_api_call"]

    def counted(self: BaseClient, operation: str, kwargs: Json) -> object:
        if self.meta.service_model.service_name == "ssm":
            read.append((operation, len(kwargs["Names"])))
        return call(self, operation, kwargs)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    answer = api.chat(LONG)
    assert read == [("GetParameters", 3)]
    assert answer.headers["x-route-saved-estimated"] == "measured"
    assert saved(answer) == pytest.approx(medium_usd(422), abs=1e-9)
    record = record_of(api, answer.body["id"])
    assert record["saved_usd_low"] == pytest.approx(medium_usd(211))
    assert record["saved_usd_high"] == pytest.approx(medium_usd(844))


def test_a_prompt_made_by_hand_keeps_the_last_measured_ratios(api: Api) -> None:
    keep(2.0)
    by_hand = to_markdown(packaged_prompt()).replace("a word problem", "every word problem")
    boto3.client("ssm").put_parameter(Name=LIVE, Value=by_hand, Type="String", Overwrite=True)
    forget()
    answer = api.chat(LONG)
    assert answer.headers["x-route-prompt-version"] == "live@2"
    assert answer.headers["x-route-saved-estimated"] == "measured"


@pytest.mark.parametrize("pair", [("openai/other", "openai/large"), ("openai/medium", "openai/x")])
def test_a_ratio_of_other_models_is_not_used(api: Api, pair: tuple[str, str]) -> None:
    keep(2.0, *pair)
    assert api.chat(LONG).headers["x-route-saved-estimated"] == "prior"


def test_broken_ratios_do_not_disturb_requests_and_the_next_run_replaces_them(api: Api) -> None:
    boto3.client("ssm").put_parameter(Name="/test/output-ratios", Value="?", Type="String")
    answer = api.chat(LONG)
    assert answer.headers["x-route-saved-estimated"] == "prior"
    assert answer.headers["x-route-prompt-version"] == "live@1"
    keep(2.0)
    assert api.chat(LONG).headers["x-route-saved-estimated"] == "measured"


def test_an_answer_of_tier_3_needs_no_estimate(api: Api) -> None:
    api.upstream.script = by_model(large=completion("Indeed.", 40, 90))
    answer = api.chat(LONG, model="tier-3")
    assert saved(answer) == 0
    assert "x-route-saved-estimated" not in answer.headers
    assert (total(api)["estimated"], total(api)["saving_basis"]) == (False, {"tier_3": 1})


def without_usage(reply: Reply) -> Reply:
    body = cast("Json", reply.body)
    return Reply({name: value for name, value in body.items() if name != "usage"})


@pytest.mark.parametrize(
    ("unpriced", "reply", "basis"),
    [
        ("openai/large", completion("Hi."), "no_price"),
        ("openai/small", completion("Hi."), "no_price"),
        ("", without_usage(completion("Hi.")), "no_tokens"),
    ],
)
def test_an_unknown_saving_is_null_and_says_why(
    make_api: MakeApi, unpriced: str, reply: Reply, basis: str
) -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != unpriced}
    api = make_api(models=UNMEASURED.model_copy(update={"prices": prices}))
    api.upstream.script = by_model(small=reply)
    answer = api.chat("hello")
    assert "x-route-saved-usd" not in answer.headers
    record = record_of(api, answer.body["id"])
    assert (record["saved_usd"], record["saving_basis"]) == (None, basis)
    costs = total(api)
    assert costs["saved_estimated_usd"] is costs["saved_usd_low"] is costs["saved_usd_high"] is None
    assert (costs["saving_basis"], costs["requests_without_saving"]) == ({basis: 1}, 1)


def test_with_a_real_key_and_the_default_models_the_first_hour_shows_savings(
    make_api: MakeApi,
) -> None:
    """`PROFILE=openai make up`: cdk.json's models with LiteLLM's prices, nothing configured."""
    context = json.loads(Path("cdk.json").read_text("utf-8"))["context"]
    stage = load_stage(context, "local", {"ROUTE_SWITCH_PROFILE": "openai"})
    models, unknown = with_prices(stage.router.models)
    assert unknown == ()
    assert models.tier_3_output_ratio == {}
    api = make_api(models=models)
    api.upstream.script = lambda _: completion("2", 1013, 57)
    for text in ("hello", LONG):
        answer = api.chat(text)
        assert saved(answer) > 0
        assert answer.headers["x-route-saved-estimated"] == "prior"
    costs = total(api)
    assert 0 < costs["saved_usd_low"] < costs["saved_estimated_usd"] < costs["saved_usd_high"]
    assert costs["estimated"] is True

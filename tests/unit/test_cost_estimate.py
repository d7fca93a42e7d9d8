"""The arithmetic of the cost estimate, checked by hand and by properties."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.results_table import SHARDS
from route_switch.cost_estimate.assumptions import assumptions
from route_switch.cost_estimate.aws_prices import PriceList
from route_switch.cost_estimate.bill import MONTH_S, BillLine, costs_usd
from route_switch.cost_estimate.deployment import Deployment, Owned, Traffic
from route_switch.cost_estimate.idle_costs import busy_lines, idle_lines
from route_switch.cost_estimate.model_costs import model_costs
from route_switch.cost_estimate.monthly import MonthlyEstimate
from route_switch.cost_estimate.request_costs import WAITING, item_bytes, request_lines
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels

PRICES = PriceList.packaged()
CATALOG = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="bedrock/small"),
        Tier.MEDIUM: TierModels(model="bedrock/medium"),
        Tier.LARGE: TierModels(model="bedrock/large"),
    },
    router="bedrock/router",
    prices={
        "bedrock/router": Price(input_usd_per_million=0.1, output_usd_per_million=0.4),
        "bedrock/small": Price(input_usd_per_million=1, output_usd_per_million=2),
        "bedrock/medium": Price(input_usd_per_million=2, output_usd_per_million=4),
        "bedrock/large": Price(input_usd_per_million=10, output_usd_per_million=20),
    },
)
OWNED = Owned(
    alarm_metrics=14,
    dashboards=1,
    steady_metrics=3,
    traffic_metrics=45,
    secrets=1,
    customer_keys=0,
    hourly=1,
    daily=1,
    weekly=1,
)
DEPLOYMENT = Deployment(
    stage="prod",
    region="us-east-1",
    architecture="arm64",
    memory_mb=1024,
    tracing=True,
    backups=True,
    log_days=30,
    config=RouterConfig(models=CATALOG),
    learning=LearningConfig(),
    owned=OWNED,
)
TRAFFIC = Traffic(
    requests=1_000_000,
    input_tokens=500,
    output_tokens=300,
    mix={Tier.SMALL: 0.5, Tier.MEDIUM: 0.3, Tier.LARGE: 0.2},
    bypassed=0.1,
    router_s=0.5,
    tier_s={Tier.SMALL: 1, Tier.MEDIUM: 2, Tier.LARGE: 5},
)

requests = st.floats(1, 1e8)
# Longer texts go to S3, where a request is cheaper than the writes of a large item.
tokens = st.integers(1, 29_000)


def aws_usd(traffic: Traffic, *, free_tier: bool = False) -> dict[str, float]:
    costs = costs_usd(request_lines(DEPLOYMENT, traffic), PRICES, free_tier=free_tier)
    return {line.label: usd for line, usd in costs}


def with_catalog(**changes: object) -> Deployment:
    models = ModelCatalog.model_validate({**CATALOG.model_dump(), **changes})
    return DEPLOYMENT.model_copy(update={"config": RouterConfig(models=models)})


def test_the_aws_cost_of_a_million_requests_matches_calculation_by_hand() -> None:
    usd = aws_usd(TRAFFIC)
    # 0.9 · 0.5 s + 0.5 · 1 s + 0.3 · 2 s + 0.2 · 5 s = 2.55 s at 1 GB
    assert usd[WAITING] == pytest.approx(2.55e6 * 13.3334e-6)
    assert usd["API Gateway"] == pytest.approx(3.5)
    # 1,920 + 3,200 bytes are 5 units; with the entry in the list (1), the counters of the day (2)
    # and of the key (1), and twice for the transaction: 18. With two index entries: 20. One key
    # read, half a unit. A session is one of each.
    assert usd["DynamoDB, writes and reads"] == pytest.approx(21 * 0.625 + 1.5 * 0.125)


def test_a_view_of_the_console_costs_less_than_a_tenth_of_a_cent() -> None:
    """20 calls, four of which sum up the counters of two months of days."""
    calls, reads = 20, 4 * 62 * SHARDS / 2
    lambda_usage = {"lambda_requests": calls, **DEPLOYMENT.gb_s(calls * 0.5)}
    usage = {"api_requests": calls, "dynamodb_reads": reads, **lambda_usage}
    assert sum(usd for _, usd in costs_usd([BillLine("", usage)], PRICES, free_tier=False)) < 0.001


def test_the_models_cost_matches_calculation_by_hand() -> None:
    costs = model_costs(DEPLOYMENT, TRAFFIC)
    assert costs.tiers_usd == pytest.approx(
        {Tier.SMALL: 0.5 * 1_100, Tier.MEDIUM: 0.3 * 2_200, Tier.LARGE: 0.2 * 11_000}
    )
    # 2,048 tokens of prompt and 500 of the query; 5 of the answer
    assert costs.router_usd == pytest.approx(0.9 * (2_548 * 0.1 + 5 * 0.4))
    assert costs.baseline_usd == pytest.approx(11_000)


def test_a_router_that_thinks_counts_with_all_that_it_may_write() -> None:
    deployment = with_catalog(capabilities={"bedrock/router": Capabilities(reasoning=True)})
    costs = model_costs(deployment, TRAFFIC)
    assert costs.router_usd == pytest.approx(0.9 * (2_548 * 0.1 + 2_048 * 0.4))
    told = assumptions(MonthlyEstimate(deployment, TRAFFIC, PRICES), "a list")
    assert "The router thinks first: it is assumed to write its limit, 2,048 tokens." in told


def test_the_baseline_uses_the_measured_length_of_tier_3s_answers() -> None:
    deployment = with_catalog(tier_3_output_ratio={1: 2.0, 2: 1.5})
    # 300 tokens of Tier 1 are 600 of Tier 3, 300 of Tier 2 are 450.
    by_hand = 5_000 + 20 * (0.5 * 600 + 0.3 * 450 + 0.2 * 300)
    assert model_costs(deployment, TRAFFIC).baseline_usd == pytest.approx(by_hand)


def test_lines_share_the_free_units_in_proportion() -> None:
    lines = [
        BillLine("a", {"metrics": 30}),
        BillLine("b", {"metrics": 10}),
        BillLine("c", {"dashboards": 1}),
    ]
    assert [usd for _, usd in costs_usd(lines, PRICES, free_tier=True)] == pytest.approx(
        [0.3 * 22.5, 0.3 * 7.5, 0]
    )
    assert [usd for _, usd in costs_usd(lines, PRICES, free_tier=False)] == pytest.approx([9, 3, 3])


def test_an_unknown_price_makes_totals_unknown_not_smaller() -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "bedrock/medium"}
    month = MonthlyEstimate(with_catalog(prices=prices), TRAFFIC, PRICES).month
    assert (month.models, month.total, month.saved) == (None, None, None)
    assert month.baseline == pytest.approx(11_000)
    assert month.waiting > 0


def test_a_tier_without_requests_needs_no_price() -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "bedrock/medium"}
    traffic = replace(TRAFFIC, mix={Tier.SMALL: 0.8, Tier.MEDIUM: 0.0, Tier.LARGE: 0.2})
    assert model_costs(with_catalog(prices=prices), traffic).total_usd is not None


def test_the_saving_is_net_of_models_aws_and_learning() -> None:
    month = MonthlyEstimate(DEPLOYMENT, TRAFFIC, PRICES).month
    assert month.saved is not None
    assert month.models is not None
    parts = (month.models, month.waiting, month.requests, month.standing, month.learning)
    assert month.saved == pytest.approx(11_000 - sum(parts))
    assert month.learning == 25, "the configured cap, below a tenth of the saving"


def test_free_units_shared_by_requests_and_schedules_count_once() -> None:
    """The free GB-seconds are subtracted once in all, not once per line."""
    month = MonthlyEstimate(DEPLOYMENT, TRAFFIC, PRICES).month
    full = aws_usd(TRAFFIC)[WAITING]
    assert full - 400_000 * 13.3334e-6 < month.waiting < full


def test_a_stage_without_text_storage_writes_smaller_items() -> None:
    config = RouterConfig(models=CATALOG, text_storage="none")
    assert item_bytes(DEPLOYMENT.model_copy(update={"config": config}), TRAFFIC) == 1_920
    assert item_bytes(DEPLOYMENT, TRAFFIC) == 1_920 + 4 * 800


def test_a_long_text_is_stored_in_s3_instead_of_the_item() -> None:
    long = replace(TRAFFIC, input_tokens=40_000)
    assert item_bytes(DEPLOYMENT, long) == 1_920 + 4 * 300
    assert aws_usd(long)["S3, long texts"] > 5, "a million writes, and their storage"
    assert "S3, long texts" not in aws_usd(TRAFFIC)


def test_x_ray_samples_the_first_request_of_each_second_and_a_share_of_the_others() -> None:
    assert aws_usd(replace(TRAFFIC, requests=1000))["X-Ray"] == pytest.approx(0.005)
    many = 10 * MONTH_S
    usd = aws_usd(replace(TRAFFIC, requests=many))["X-Ray"]
    assert usd == pytest.approx((MONTH_S + 0.05 * 9 * MONTH_S) * 5e-6)
    untraced = request_lines(DEPLOYMENT.model_copy(update={"tracing": False}), TRAFFIC)
    assert "X-Ray" not in {line.label for line in untraced}


def test_a_provider_outside_aws_adds_data_transfer() -> None:
    outside = with_catalog(router="openai/router")
    (inside_gb, outside_gb) = (
        next(line for line in request_lines(each, TRAFFIC) if line.label == "Data transfer")
        for each in (DEPLOYMENT, outside)
    )
    assert outside_gb.usage["transfer_out_gb"] > 2 * inside_gb.usage["transfer_out_gb"]


@given(requests, st.floats(1, 100))
def test_costs_are_proportional_to_requests_except_sampled_or_cached_ones(
    n: float, times: float
) -> None:
    few, many = (aws_usd(replace(TRAFFIC, requests=each)) for each in (n, n * times))
    for label, usd in few.items():
        if label in ("X-Ray", "Parameter Store"):
            assert usd <= many[label] * (1 + 1e-9)
            assert many[label] <= usd * times * (1 + 1e-9)
        else:
            assert many[label] == pytest.approx(usd * times)


@given(tokens, tokens, tokens, tokens, requests)
def test_more_tokens_are_never_cheaper(a: int, b: int, c: int, d: int, n: float) -> None:
    short = replace(TRAFFIC, requests=n, input_tokens=min(a, b), output_tokens=min(c, d))
    long = replace(TRAFFIC, requests=n, input_tokens=max(a, b), output_tokens=max(c, d))
    before, after = (MonthlyEstimate(DEPLOYMENT, each, PRICES).month for each in (short, long))
    assert before.models is not None
    assert after.models is not None
    assert before.models <= after.models
    assert before.requests <= after.requests * (1 + 1e-9)


@given(requests)
def test_the_free_tier_never_makes_a_line_more_expensive(n: float) -> None:
    traffic = replace(TRAFFIC, requests=n)
    free, full = (aws_usd(traffic, free_tier=free_tier) for free_tier in (True, False))
    assert all(0 <= free[label] <= full[label] * (1 + 1e-9) for label in full)


def test_every_price_in_the_list_is_used() -> None:
    owned = OWNED.model_copy(update={"customer_keys": 1})
    x86 = DEPLOYMENT.model_copy(update={"architecture": "x86_64", "owned": owned})
    long = replace(TRAFFIC, input_tokens=40_000)
    lines = (
        *request_lines(DEPLOYMENT, long),
        *(line for each in (DEPLOYMENT, x86) for line in (*idle_lines(each), *busy_lines(each))),
    )
    assert {name for line in lines for name in line.usage} == PRICES.prices.keys()

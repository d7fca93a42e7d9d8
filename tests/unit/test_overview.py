"""Response times, ratings and tiers from counters."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from statistics import fmean, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.record_counters import (
    counters_of,
    counters_of_day,
    counters_of_key,
)
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.decision import Reason
from route_switch.domain.operations.costs import add_up
from route_switch.domain.operations.overview import Ratings, Times, overview_of
from route_switch.domain.overview_counters import FIRST_TOKEN, LATENCY, Buckets, time_counters
from route_switch.domain.request_record import Attempt, Replay, RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from tests.integration.test_estimated_sizes import size_of
from tests.support.records import RECORD
from tests.unit.test_sum_costs import FakeTotals, report

MODELS = {
    Tier.SMALL: "bedrock/us.amazon.nova-lite-v1:0",
    Tier.MEDIUM: "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    Tier.LARGE: "bedrock/us.anthropic.claude-opus-4-6-v1",
}
ROUTER = "bedrock/us.amazon.nova-micro-v1:0"
ONE_UNIT = 1024


def answered(latency_ms: float, first_ms: float | None = None) -> RequestRecord:
    attempt = Attempt("m", Tier.SMALL, "answered", latency_ms, first_token_ms=first_ms)
    return replace(RECORD, latency_ms=latency_ms, attempts=(attempt,))


def times_of(all_ms: Sequence[float]) -> Times:
    found = overview_of(add_up(time_counters(answered(ms)) for ms in all_ms)).latency
    assert found is not None
    return found


@given(st.lists(st.floats(32, 31_000), min_size=1, max_size=50))
def test_a_percentile_is_less_than_a_factor_of_two_off_above_the_first_bucket(
    all_ms: list[float],
) -> None:
    found = times_of(all_ms)
    assert found.mean == pytest.approx(fmean(map(round, all_ms)))
    ordered = sorted(all_ms)
    for share, shown in ((0.5, found.p50), (0.95, found.p95)):
        true = ordered[ceil(len(ordered) * share) - 1]
        off = 8 if true < LATENCY.edges[0] else 2
        assert true / off <= shown * 1.0001
        assert shown <= true * off * 1.0001


@pytest.mark.parametrize("spread", [0.4, 0.8, 1.2])
def test_percentiles_of_usual_times_are_about_right(spread: float) -> None:
    """20 log-normal draws of 2,000 times each, with medians from 0.7 to 4.9 s."""
    draw = random.Random(1)  # noqa: S311 (test data)
    for _ in range(20):
        middle = draw.uniform(6.5, 8.5)
        all_ms = [draw.lognormvariate(middle, spread) for _ in range(2_000)]
        found, cuts = times_of(all_ms), quantiles(all_ms, n=20)
        assert found.p50 == pytest.approx(cuts[9], rel=0.06)
        assert found.p95 == pytest.approx(cuts[18], rel=0.3)


def test_times_of_an_empty_day_and_of_failures_are_unknown() -> None:
    assert overview_of({}).latency is None
    failed = replace(answered(100.0), status="failed")
    dry_run = replace(answered(100.0), status="dry_run")
    for record in (failed, dry_run, replace(failed, status="partial")):
        assert time_counters(record) == {}


def test_the_first_token_counts_for_streamed_answers_only() -> None:
    counters = add_up(time_counters(each) for each in (answered(900, 300), answered(700)))
    overview = overview_of(counters)
    assert overview.first_token is not None
    assert overview.first_token.mean == 300
    assert overview.latency is not None
    assert overview.latency.mean == 800


@pytest.mark.parametrize("buckets", [LATENCY, FIRST_TOKEN], ids=["latency", "first token"])
def test_each_time_falls_into_one_of_eight_buckets(buckets: Buckets) -> None:
    numbers = []
    for ms in (0.0, *(edge - 0.1 for edge in buckets.edges), *buckets.edges, 1e9):
        [name] = [each for each in buckets.counters(ms) if each != buckets.name]
        numbers.append(int(name.removeprefix(buckets.name)))
    assert numbers == [0, *range(7), *range(1, 8), 7]
    assert len(buckets) == 8


def test_the_mean_rating_is_of_rated_answers() -> None:
    assert overview_of({"rated": 4, "scores": 3.0}).ratings == Ratings(0.75, 4)
    assert overview_of({"rated": 0, "scores": 1e-6}).ratings is None
    assert overview_of({"rated": 1, "scores": -1e-6}).ratings == Ratings(0.0, 1)


def test_answers_are_counted_by_tier() -> None:
    counters = add_up(
        counters_of(replace(RECORD, tier=tier)) for tier in (Tier.SMALL, Tier.SMALL, Tier.LARGE)
    )
    assert dict(overview_of(counters).tiers) == {Tier.SMALL: 2, Tier.MEDIUM: 0, Tier.LARGE: 1}


def test_a_key_counts_for_each_of_its_tags_and_keys_without_any_come_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [
        ApiKey("key_1", "a", "client", tags={"team": "search", "env": "prod"}),
        ApiKey("key_2", "b", "client", tags={"team": "search"}),
        ApiKey("key_3", "c", "client"),
    ]
    monkeypatch.setattr("tests.unit.test_sum_costs.KEYS", keys)
    november = [
        replace(
            answered(100),
            key_id=name,
            created_at=RECORD.created_at.replace(year=2026, month=11, day=3),
        )
        for name in ("key_1", "key_2", "key_3", "deleted", "key_1")
    ]
    rows = report(FakeTotals(november), "tag").rows
    assert [(row.group, row.costs.answered) for row in rows] == [
        ("env=prod", 2),
        ("team=search", 3),
        (None, 2),
    ]


def busy(number: int, draw: random.Random) -> RequestRecord:
    """A request as a stage with Bedrock's models records it."""
    tier = draw.choice(tuple(Tier))
    latency_ms = draw.lognormvariate(7.6, 0.7)
    router = Attempt(ROUTER, None, "answered", 300.0, Usage(2_500, 5), draw.random() / 1e3)
    first_ms = min(latency_ms, draw.lognormvariate(6.3, 0.6))
    answer = Attempt(
        MODELS[tier], tier, "answered", latency_ms, Usage(500, 300), draw.random() / 100
    )
    calls = (router, replace(answer, first_token_ms=first_ms))
    return replace(
        RECORD,
        tier=tier,
        routed_tier=tier,
        model=MODELS[tier],
        reason=Reason.BYPASS if number % 10 == 0 else Reason.ROUTER,
        attempts=calls,
        latency_ms=latency_ms,
        query_tokens=draw.choice((10, 100, 1_000, 5_000)),
        baseline_cost_usd=draw.random() / 50,
        baseline_low_usd=0.0,
        baseline_high_usd=0.05,
        replay=Replay(),
        prompt_version="live@12",
    )


def test_the_counters_of_a_busy_day_and_month_still_take_one_write_unit() -> None:
    draw = random.Random(3)  # noqa: S311 (test data)
    sums: dict[str, defaultdict[str, float]] = {n: defaultdict(float) for n in ("day", "month")}
    for number in range(1_000):
        record = busy(number, draw)
        for name, more in (("day", counters_of_day(record)), ("month", counters_of_key(record))):
            for counter, value in {**counters_of(record), **more}.items():
                sums[name][counter] += value
    for totals in sums.values():
        totals |= {"rated": 120, "scores": 83.25}
        texts = {n: f"{value:.12f}".rstrip("0").rstrip(".") for n, value in totals.items()}
        item = {"pk": {"S": "KEY#key_1a2b3c4d#2026-11#12"}, "sk": {"S": "TOTALS"}}
        item |= {counter: {"N": text} for counter, text in texts.items()}
        assert 600 < size_of(item) < 0.9 * ONE_UNIT

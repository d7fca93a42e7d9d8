"""What counts as drift, and the prediction that a prompt carries."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.drift import (
    MIN_SAMPLE,
    TIERS_ALPHA,
    WINDOW_REQUESTS,
    Prediction,
    RoutedDay,
    as_provenance,
    chi_square_tail,
    compare_traffic,
    difference,
    prediction_of,
)
from route_switch.domain.prompt_document import as_markdown, parse_prompt, to_json
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import LENGTH_BUCKETS, length_bucket
from tests.support.drift_simulation import MIXES, false_alarms, noticed, shifts
from tests.support.effort import draws

EVEN = (1 / 3, 1 / 3, 1 / 3)
LENGTH_SHARES = (0.1, 0.4, 0.3, 0.15, 0.05)
PREDICTION = Prediction(1000, (0.5, 0.3, 0.2), LENGTH_SHARES)
counts = st.lists(st.integers(0, 10_000), min_size=3, max_size=3).filter(any)
row = st.tuples(st.sampled_from(list(Tier)), st.integers(0, 2000), st.floats(0.1, 50))


def day(*tiers: int, undecided: int = 0) -> RoutedDay:
    """Return a day with the predicted lengths, as closely as whole requests allow."""
    requests = sum(tiers) + undecided
    lengths = [int(requests * share) for share in LENGTH_SHARES]
    return RoutedDay(tiers, (lengths[0] + requests - sum(lengths), *lengths[1:]))


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (11.34487, 3, 0.01), (18.46683, 4, 0.001)],
)
def test_the_tail_of_chi_square_matches_tables(value: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(tail, rel=1e-5)


@given(counts, st.integers(1, 100_000))
def test_an_exact_match_is_not_a_difference(counts: list[int], rows: int) -> None:
    shares = [count / sum(counts) for count in counts]
    same = difference(shares, rows, counts)
    assert same.distance == pytest.approx(0, abs=1e-12)
    assert same.p_value == pytest.approx(1)


@given(counts, counts)
def test_the_difference_is_symmetric(some: list[int], others: list[int]) -> None:
    """Neither side is the truth: both have errors."""

    def between(predicted: list[int], observed: list[int]) -> tuple[float, float]:
        rows = sum(predicted)
        found = difference([count / rows for count in predicted], rows, observed)
        return found.distance, found.p_value

    assert between(some, others) == pytest.approx(between(others, some), abs=1e-9)


@given(counts, counts, st.permutations(range(3)))
def test_the_order_of_tiers_does_not_matter(
    some: list[int], others: list[int], order: list[int]
) -> None:
    shares = [count / sum(some) for count in some]
    found = difference(shares, 500, others)
    moved = difference([shares[i] for i in order], 500, [others[i] for i in order])
    assert 0 <= found.p_value <= 1
    assert 0 <= found.distance <= 1 + 1e-9
    assert moved.p_value == pytest.approx(found.p_value, abs=1e-9)


@given(st.integers(200, 5000), st.integers(200, 5000))
def test_more_rows_make_the_same_difference_more_significant(fewer: int, more: int) -> None:
    low, high = sorted((fewer, more))
    sure = difference(EVEN, high, [200, 150, 150]).p_value
    assert sure <= difference(EVEN, low, [200, 150, 150]).p_value


def test_an_unused_tier_adds_no_degree_of_freedom() -> None:
    two = difference((0.6, 0.4), 300, [250, 250])
    assert difference((0.6, 0.4, 0.0), 300, [250, 250, 0]) == two
    assert difference((1.0, 0.0, 0.0), 300, [250, 0, 0]).p_value == 1


def test_a_difference_of_one_point_is_not_drift_however_significant() -> None:
    found = difference((0.5, 0.3, 0.2), 1e6, [490_000, 310_000, 200_000])
    assert found.p_value < 1e-9
    assert not found.is_drift(TIERS_ALPHA)


def test_ten_points_in_tiers_or_in_lengths_are_drift() -> None:
    tiers = compare_traffic(PREDICTION, [day(800, 600, 600)])
    assert tiers is not None
    assert tiers.is_found
    assert not tiers.lengths.is_drift(TIERS_ALPHA)
    longer = compare_traffic(PREDICTION, [RoutedDay((1000, 600, 400), (200, 600, 600, 500, 100))])
    assert longer is not None
    assert longer.is_found
    assert not longer.tiers.is_drift(TIERS_ALPHA)


def test_the_window_extends_back_until_it_has_enough_requests() -> None:
    half = day(WINDOW_REQUESTS // 2, 0, 0)
    found = compare_traffic(PREDICTION, [half, half, day(0, 0, 5000)])
    assert found is not None
    assert found.requests == WINDOW_REQUESTS


def test_the_window_is_at_most_a_week() -> None:
    found = compare_traffic(PREDICTION, [day(20, 0, 0)] * 30)
    assert found is not None
    assert found.requests == 140


def test_too_few_requests_or_rows_are_not_compared() -> None:
    assert compare_traffic(PREDICTION, []) is None
    assert compare_traffic(PREDICTION, [day(0, 0, MIN_SAMPLE - 1)]) is None
    assert compare_traffic(PREDICTION, [day(0, 0, MIN_SAMPLE)]) is not None
    assert compare_traffic(replace(PREDICTION, rows=MIN_SAMPLE - 1), [day(0, 0, 5000)]) is None


def test_a_day_with_a_router_outage_is_left_out() -> None:
    """Only bypassed requests have a tier on such a day."""
    outage = day(400, 0, 0, undecided=600)
    assert compare_traffic(PREDICTION, [outage]) is None
    found = compare_traffic(PREDICTION, [outage, day(250, 150, 100)])
    assert found is not None
    assert found.requests == 500
    assert not found.is_found
    assert day(490, 0, 0, undecided=10).is_sample


@given(st.integers(0, 100_000))
def test_longer_queries_are_in_the_same_or_a_later_bucket(tokens: int) -> None:
    assert length_bucket(tokens) in LENGTH_BUCKETS
    assert length_bucket(tokens) <= length_bucket(tokens + 1)


def test_equal_weights_count_every_row_and_one_heavy_row_counts_little() -> None:
    rows = [(Tier.SMALL, 3, 2.0), (Tier.SMALL, 20, 2.0), (Tier.LARGE, 600, 4.0)]
    made = Prediction.from_rows(rows)
    assert made is not None
    assert made.rows == pytest.approx(64 / 24)
    assert made.tiers == (0.5, 0, 0.5)
    assert made.lengths == (0.25, 0.25, 0, 0, 0.5)
    assert Prediction.from_rows([]) is None


@given(st.lists(row, min_size=1, max_size=60))
def test_a_prediction_survives_in_the_live_document(rows: list[tuple[Tier, int, float]]) -> None:
    made = Prediction.from_rows(rows)
    assert made is not None
    assert made.rows <= len(rows) + 1e-6
    plain = packaged_prompt()
    prompt = plain.model_copy(update={"provenance": as_provenance(made, plain)})
    read = prediction_of(parse_prompt(as_markdown(to_json(prompt))))
    assert read is not None
    assert read.rows == pytest.approx(made.rows, abs=0.1)
    assert read.tiers == pytest.approx(made.tiers, abs=1e-4)
    assert read.lengths == pytest.approx(made.lengths, abs=1e-4)
    assert math.fsum(read.tiers) == pytest.approx(1, abs=1e-3)


def predicted() -> RoutingPrompt:
    prompt = packaged_prompt()
    return prompt.model_copy(update={"provenance": as_provenance(PREDICTION, prompt)})


def test_a_manual_edit_invalidates_the_prediction() -> None:
    prompt = predicted()
    edited = prompt.model_copy(update={"instruction": prompt.instruction + "\n- a haiku"})
    assert prediction_of(prompt) == PREDICTION
    assert prediction_of(edited) is None
    assert prediction_of(packaged_prompt()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("predicted_rows", "many"),
        ("predicted_rows", math.nan),
        ("predicted_tiers", "0.5 0.5"),
        ("predicted_tiers", "0.5 0.4 0.3"),
        ("predicted_tiers", "-0.1 0.6 0.5"),
        ("predicted_lengths", "nan nan nan nan nan"),
        ("predicted_lengths", 1),
    ],
)
def test_an_invalid_prediction_is_ignored(name: str, value: str | float) -> None:
    prompt = predicted()
    provenance = {**prompt.provenance, name: value}
    assert prediction_of(prompt.model_copy(update={"provenance": provenance})) is None
    del provenance[name]
    assert prediction_of(prompt.model_copy(update={"provenance": provenance})) is None


@pytest.mark.parametrize(
    ("mix", "rows", "requests", "version_days"),
    [("even", 300, 100, 7), ("middling", 600, 500, 7), ("nearly all small", 300, 20_000, 140)],
)
def test_unchanged_traffic_causes_at_most_one_alarm_in_20_weeks(
    mix: str, rows: int, requests: int, version_days: int
) -> None:
    days, runs = false_alarms(MIXES[mix], rows, requests, version_days, draws(60, 600), seed=1)
    assert days <= 1.25, "60 repeats may be 0.25 off"
    assert runs <= days


def test_weighted_rows_keep_the_rate() -> None:
    days, _ = false_alarms(MIXES["even"], 300, 500, 7, draws(30, 300), seed=1, weighted=True)
    assert days <= 1.35, "30 repeats may be 0.35 off"


@pytest.mark.parametrize(
    ("mix", "rows", "least"),
    [("even", 300, 0.55), ("even", 1000, 0.9), ("middling", 1500, 0.87), ("no large", 1500, 0.8)],
)
def test_a_shift_of_ten_points_is_noticed_within_500_requests(
    mix: str, rows: int, least: float
) -> None:
    """In the direction that is hardest to detect. The full table is in docs/decisions/007."""
    hardest = min(
        noticed(MIXES[mix], shifted, rows, 500, draws(300, 2000), seed=1)
        for shifted in shifts(MIXES[mix])
    )
    assert hardest >= least

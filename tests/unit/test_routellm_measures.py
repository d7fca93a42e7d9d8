"""RouteLLM's measures, on routers whose figures are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.offline import routellm_measures
from layers.offline.routellm_measures import RouteLlmMeasures, measure, wish
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, OutcomeArrays

seeds = st.integers(0, 500)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routellm_measures, "RESAMPLES", 50)


def two_models(n: int, seed: int) -> OutcomeArrays:
    """Return a weak model that is right in 60% of rows, and a strong one right in 85%."""
    random = np.random.default_rng(seed)
    score = (random.random((n, 2)) < [0.6, 0.85]).astype(np.float64)
    usd = random.lognormal(size=(n, 1)) * [0.1, 1.0]
    ones = np.ones(n)
    return OutcomeArrays((Tier.SMALL, Tier.LARGE), ones, score, score, usd, None)


def gains(arrays: OutcomeArrays) -> Floats:
    difference: Floats = arrays.score[:, 1] - arrays.score[:, 0]
    return difference


def means(found: RouteLlmMeasures) -> list[float]:
    return [
        value.mean
        for kind in (found.calls, found.dollars)
        for value in (kind.apgr, kind.cpt50, kind.cpt80)
    ]


@given(seed=seeds, n=st.integers(100, 300))
@settings(max_examples=20, deadline=None)
def test_random_routing_recovers_half_of_the_gap_with_half_of_the_calls(seed: int, n: int) -> None:
    arrays = two_models(n, seed)
    found = measure(arrays, np.zeros(n), 0)
    least = float(arrays.cost_usd[:, 0].sum() / arrays.cost_usd[:, 1].sum())
    assert means(found) == pytest.approx(
        [0.5, 0.5, 0.8, 0.5, least + 0.5 * (1 - least), least + 0.8 * (1 - least)]
    )


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_no_router_is_better_than_the_oracle_or_worse_than_its_opposite(seed: int) -> None:
    arrays = two_models(150, seed)
    scores = np.random.default_rng(seed + 1).random(150)
    best, some, worst = (
        measure(arrays, wants, 0).calls for wants in (gains(arrays), scores, -gains(arrays))
    )
    assert worst.apgr.mean <= some.apgr.mean <= best.apgr.mean
    assert best.cpt50.mean <= some.cpt50.mean
    assert best.cpt80.mean <= some.cpt80.mean


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_a_router_and_its_opposite_share_the_area(seed: int) -> None:
    arrays = two_models(150, seed)
    scores = np.random.default_rng(seed + 1).integers(0, 30, 150).astype(np.float64)
    one, other = (measure(arrays, wants, 0).calls.apgr.mean for wants in (scores, -scores))
    assert one + other == pytest.approx(1)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_only_the_order_of_scores_counts(seed: int) -> None:
    arrays = two_models(100, seed)
    scores = np.random.default_rng(seed + 1).random(100)
    assert measure(arrays, scores, 0) == measure(arrays, np.exp(9 * scores), 0)
    shuffled = np.random.default_rng(seed).permutation(100)
    assert means(measure(arrays.take(shuffled), scores[shuffled], 0)) == pytest.approx(
        means(measure(arrays, scores, 0))
    )


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_more_quality_never_takes_fewer_calls(seed: int) -> None:
    arrays = two_models(100, seed)
    found = measure(arrays, np.random.default_rng(seed + 1).random(100), 0)
    for kind in (found.calls, found.dollars):
        assert kind.cpt50.mean <= kind.cpt80.mean
        for value in (kind.apgr, kind.cpt50, kind.cpt80):
            assert value.low <= value.high
            assert value.n == 100


def test_figures_match_calculations_by_hand() -> None:
    """Ten rows; the strong model is better in two of them, which the router ranks 1st and 6th."""
    score = np.ones((10, 2))
    score[[0, 5], 0] = 0
    usd = np.tile([1.0, 10.0], (10, 1))
    arrays = OutcomeArrays((Tier.SMALL, Tier.LARGE), np.ones(10), score, score, usd, None)
    found = measure(arrays, -np.arange(10.0), 0)
    # PGR is 0, then 0.5 from 10% of calls on, and 1 from 60% on.
    assert found.calls.apgr.mean == pytest.approx(0.025 + 4 * 0.05 + 0.075 + 4 * 0.1)
    assert found.calls.cpt50.mean == pytest.approx(0.1)
    assert found.calls.cpt80.mean == pytest.approx(0.56)
    assert found.dollars.apgr.mean == pytest.approx(found.calls.apgr.mean)
    assert found.dollars.cpt50.mean == pytest.approx(0.19)


def test_weights_count_as_copies_of_a_row() -> None:
    arrays = two_models(80, 3)
    scores = np.random.default_rng(4).random(80)
    times = np.arange(80) % 3 + 1
    copies = np.repeat(np.arange(80), times)
    weighted = replace(arrays, weights=times.astype(np.float64))
    assert means(measure(weighted, scores, 0)) == pytest.approx(
        means(measure(arrays.take(copies), scores[copies], 0))
    )


def test_rows_of_one_template_are_drawn_together() -> None:
    arrays = two_models(200, 5)
    scores = np.random.default_rng(6).random(200)
    apart = measure(arrays, scores, 0).calls.apgr
    few = measure(replace(arrays, templates=np.arange(200) % 10), scores, 0).calls.apgr
    assert apart.mean == few.mean
    assert apart != few


def test_a_strong_model_that_is_not_better_is_an_error() -> None:
    arrays = two_models(50, 1)
    swapped = replace(arrays, score=arrays.score[:, ::-1])
    with pytest.raises(ConfigurationError, match="Check the order of the tiers"):
        measure(swapped, np.zeros(50), 0)


def test_the_wish_is_the_predicted_difference() -> None:
    assert wish(np.array([[0.2, 0.5, 0.9], [0.8, 0.8, 0.3]])) == pytest.approx([0.7, -0.5])

"""Is the live prompt rated lower than its predecessor? Full tables: docs/decisions/011."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.prompts.quality_drop import (
    MIN_SCORES,
    SMALLEST_DROP,
    Scores,
    bound,
    compare_scores,
    divergence,
)
from tests.support.effort import draws
from tests.support.quality_simulation import hostile_lives, lives, share_rolled_back, thumbs


def rated(ups: int, downs: int) -> Scores:
    return Scores(ups + downs, ups, ups)


def test_a_clear_drop_is_found_and_its_mirror_image_is_not() -> None:
    good, bad = rated(170, 30), rated(120, 80)
    found, mirrored = compare_scores(good, bad), compare_scores(bad, good)
    assert found is not None
    assert mirrored is not None
    assert found.is_drop
    assert found.drop == pytest.approx(0.25)
    assert not mirrored.is_drop
    assert mirrored.z == pytest.approx(-found.z)


def test_the_statistic_is_the_likelihood_ratio_of_thumbs() -> None:
    """Compared with the textbook G of a 2 × 2 table: 2 · Σ observed · ln(observed / expected)."""
    found = compare_scores(rated(170, 30), rated(120, 80))
    cells = ((170, 145), (30, 55), (120, 145), (80, 55))
    assert found is not None
    assert found.z**2 == pytest.approx(2 * sum(o * math.log(o / e) for o, e in cells))


def test_too_few_or_equal_scores_are_not_compared() -> None:
    many = rated(200, 0)
    assert compare_scores(many, rated(0, MIN_SCORES - 1)) is None
    assert compare_scores(rated(MIN_SCORES - 1, 0), rated(0, 200)) is None
    assert compare_scores(many, many) is None
    assert compare_scores(Scores(), Scores()) is None


def test_the_largest_possible_drop_is_found_at_the_minimum_sample() -> None:
    found = compare_scores(rated(MIN_SCORES, 0), rated(0, MIN_SCORES))
    assert found is not None
    assert found.is_drop


def test_a_small_drop_does_not_count_however_significant() -> None:
    found = compare_scores(rated(80_000, 20_000), rated(77_000, 23_000))
    assert found is not None
    assert found.z > found.bound
    assert found.drop < SMALLEST_DROP
    assert not found.is_drop


def test_finer_scores_carry_more_information_than_thumbs_of_the_same_means() -> None:
    """All scores are within 0.1 of their mean. Thumbs with these means would show nothing."""
    fine = [Scores(60, 60 * mean, 60 * (mean**2 + 0.01)) for mean in (0.8, 0.7)]
    coarse = [Scores(60, 60 * mean, 60 * mean) for mean in (0.8, 0.7)]
    found, of_thumbs = compare_scores(*fine), compare_scores(*coarse)
    assert found is not None
    assert of_thumbs is not None
    assert found.is_drop
    assert not of_thumbs.is_drop


@given(st.floats(1e-3, 1e9))
def test_the_bound_is_never_below_that_of_a_single_look(information: float) -> None:
    assert bound(information) > 2.4


@given(st.floats(0, 1), st.floats(0.001, 0.999))
def test_a_divergence_is_never_negative(mean: float, of: float) -> None:
    assert divergence(mean, of) >= 0


PROMOTIONS = draws(80, 1000)


@pytest.mark.parametrize(("mean", "of_before"), [(0.5, 300), (0.9, 100), (0.97, 1000)])
def test_an_equally_rated_prompt_is_ever_rolled_back_in_at_most_5_percent_of_trials(
    mean: float, of_before: int
) -> None:
    """Checked every few new scores, up to 1,000."""
    rate = thumbs(mean)
    found = lives(rate, rate, (of_before, 1000), PROMOTIONS, seed=1)
    assert share_rolled_back(found, 1000) <= 0.05


@pytest.mark.parametrize(
    ("drop", "within", "share"), [(0.3, 100, 0.9), (0.2, 200, 0.9), (0.1, 800, 0.8)]
)
def test_a_drop_is_found_in_time(drop: float, within: int, share: float) -> None:
    old, new = thumbs(0.9), thumbs(0.9 - drop)
    found = lives(old, new, (1000, within), PROMOTIONS, seed=2)
    assert share_rolled_back(found, within) >= share


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_one_client_rolls_back_no_prompt_that_the_others_rate_the_same(share: float) -> None:
    """It rates the version before up and the new one down, in this share of all scores."""
    by_all, guarded = hostile_lives((0.8, 0.8), share, (1.0, 0.0), draws(40, 500), seed=3)
    assert guarded <= 0.05
    if share == 0.3:
        assert by_all >= 0.9

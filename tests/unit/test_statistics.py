"""Bootstrap intervals have the right coverage and use little memory."""

import tracemalloc

import numpy as np
import pytest

from route_switch.optimizer.statistics import bootstrap


def test_intervals_of_means_and_ratios_cover_the_truth_in_about_95_percent_of_datasets() -> None:
    random = np.random.default_rng(1)
    covered = np.zeros(2)
    for trial in range(300):
        cost = random.lognormal(sigma=0.5, size=(150, 1))
        right = (random.random((150, 1)) < 0.7).astype(float)
        numerators = np.hstack([right, 0.3 * cost * random.uniform(0.5, 1.5, (150, 1))])
        denominators = np.hstack([np.ones((150, 1)), cost])
        for figure, (estimate, truth) in enumerate(
            zip(bootstrap(numerators, denominators, trial, 500), (0.7, 0.3), strict=True)
        ):
            covered[figure] += estimate.low <= truth <= estimate.high
    assert all(0.92 <= share <= 0.98 for share in covered / 300)


def test_a_ratio_that_is_the_same_in_every_row_has_no_interval() -> None:
    cost = np.random.default_rng(2).lognormal(size=(50, 1))
    (estimate,) = bootstrap(0.25 * cost, cost, seed=0)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.25, 0.25, 0.25))


def test_an_interval_depends_on_the_seed_only() -> None:
    values = np.random.default_rng(3).random((40, 1))
    ones = np.ones_like(values)
    assert bootstrap(values, ones, 1) == bootstrap(values, ones, 1) != bootstrap(values, ones, 2)


def test_a_denominator_of_zero_gives_zero() -> None:
    zeros = np.zeros((5, 1))
    (estimate,) = bootstrap(zeros, zeros, seed=0)
    assert (estimate.mean, estimate.low, estimate.high) == (0, 0, 0)


def test_ten_thousand_rows_use_less_than_200_megabytes() -> None:
    columns = np.random.default_rng(4).random((10_000, 50))
    tracemalloc.start()
    bootstrap(columns, np.ones_like(columns), seed=0, resamples=600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6

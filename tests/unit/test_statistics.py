"""Bootstrap intervals have the right coverage and use little memory."""

import tracemalloc

import numpy as np
import pytest

from route_switch.optimizer.statistics import bootstrap, student_quantile
from tests.support.template_simulation import rates


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


def test_intervals_of_rows_that_share_templates_cover_the_truth() -> None:
    random = np.random.default_rng(5)
    templates = np.repeat(np.arange(12), 18)
    ones = np.ones((len(templates), 1))
    covered = {True: 0, False: 0}
    for trial in range(300):
        values = random.normal(size=12)[templates] + 0.3 * random.normal(size=len(templates))
        for together in covered:
            clusters = templates if together else None
            [found] = bootstrap(values[:, None], ones, trial, 400, clusters)
            covered[together] += found.low <= 0 <= found.high
    assert 0.92 <= covered[True] / 300 <= 0.98
    assert covered[False] / 300 < 0.5, "rows drawn one by one"


def test_rows_of_one_template_alone_have_an_interval_as_wide_as_one_row() -> None:
    values = np.array([0.0, 1.0] * 50)[:, None]
    ones = np.ones_like(values)
    [apart] = bootstrap(values, ones, 0)
    [alone] = bootstrap(values, ones, 0, clusters=np.zeros(100, dtype=np.int64))
    assert alone.high - alone.low == pytest.approx(10 * (apart.high - apart.low))


def test_clusters_of_one_row_each_change_nothing() -> None:
    values = np.random.default_rng(6).random((40, 2))
    ones = np.ones_like(values)
    assert bootstrap(values, ones, 1, clusters=np.arange(40)) == bootstrap(values, ones, 1)


@pytest.mark.parametrize(("freedom", "tabulated"), [(2, 4.303), (5, 2.571), (19, 2.093)])
def test_students_quantiles_are_those_of_the_tables(freedom: int, tabulated: float) -> None:
    assert student_quantile(1.959964, freedom) == pytest.approx(tabulated, rel=0.01)


def test_templates_do_not_show_a_gain_where_there_is_none() -> None:
    gate_of_rows, gate_of_templates, rows, templates = rates(20, 120)
    assert min(gate_of_rows, rows) > 0.2, "what it would be with independent rows"
    assert max(gate_of_templates, templates) <= 0.05

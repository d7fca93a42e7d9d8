"""The promotion gate rejects candidates that are no better, and detects better ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.promotion import (
    ALPHA,
    DELTA,
    MIN_ROWS,
    GateHistory,
    GateResult,
    alpha_of_look,
    gate,
    guarded_bounds,
    select_best,
)
from tests.support.effort import draws

YEARS, WEEKS = draws(60, 1000), 52
KEYS = [f"{i:016x}" for i in range(5000)]  # built once: there are millions of rows


def rows(gains: "list[float] | np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[HeldOutGain]:
    return [HeldOutGain(key, float(gain)) for key, gain in zip(KEYS, gains, strict=False)]


def look(gains: "np.ndarray[tuple[int], np.dtype[np.float64]]", number: int = 1) -> GateResult:
    return gate(rows(gains), GateHistory(looks=number - 1))


def traffic(
    random: Generator, n: int, gain: float, moved: float = 0.2, lost: float = 0.2
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Of n rows, `moved` change tier and `lost` of them lose or win an answer. `gain` is the mean
    gain."""
    moves = random.random(n) < moved
    changes = np.where(random.random(n) < lost, random.choice([-1.0, 1.0], n), 0.0)
    return np.where(moves, changes + gain / moved, 0.0)


def rare_losses(
    random: Generator, n: int, lost: float, moved: float = 1.0
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Each moved row saves money. The savings exactly balance answers lost on a share `lost` of the
    rows."""
    draw = random.random(n)
    return np.where(draw < moved, lost / moved, 0.0) - (draw < lost)


def test_the_parts_of_the_error_budget_sum_to_it() -> None:
    assert math.fsum(map(alpha_of_look, range(1, 100_000))) == pytest.approx(ALPHA, abs=1e-6)
    assert alpha_of_look(1) == pytest.approx(0.0304, abs=1e-4)


def test_identical_prompts_at_95_percent_per_look_are_promoted_in_at_most_5_percent_of_trials() -> (
    None
):
    random = np.random.default_rng(1)
    promoted = 0
    for _ in range(200):
        gains = traffic(random, 300, 0.0).tolist()
        bounds = guarded_bounds(gains, [1.0] * 300, 0.05)
        promoted += bounds.low > 0 and bounds.mean >= DELTA
    assert promoted <= 10


def promoted_years(random: Generator, kind: str) -> int:
    years = 0
    for year in range(YEARS):
        lost = (0.01, 0.02, 0.03, 0.05)[year % 4]
        for week in range(1, WEEKS + 1):
            gains = (
                traffic(random, 80, 0.0)
                if kind == "identical"
                else rare_losses(random, 80, lost, moved=(1.0, 0.5)[year % 2])
            )
            if look(gains, week).verdict == "better":
                years += 1
                break
    return years


@pytest.mark.parametrize("kind", ["identical", "rare losses"])
def test_a_year_of_looks_promotes_a_no_better_prompt_in_at_most_5_percent(
    kind: str,
) -> None:
    assert promoted_years(np.random.default_rng(2), kind) <= 0.05 * YEARS


def binomial(n: int, p: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    k = np.arange(n + 1)
    mass: np.ndarray[tuple[int], np.dtype[np.float64]] = np.exp(
        np.array(logs) + k * np.log(p) + (n - k) * np.log1p(-p)
    )
    return mass


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("lost", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("number", [1, 5, 52])
def test_rare_losses_balanced_by_savings_stay_within_the_looks_budget(
    n: int, lost: float, number: int
) -> None:
    """Exact: sums the probability of each count of lost answers times the verdict on it."""
    alpha = alpha_of_look(number)
    error = 0.0
    for losses, probability in enumerate(binomial(n, lost)):
        gains = [lost - 1] * losses + [lost] * (n - losses)
        if probability > alpha * 1e-6:
            bounds = guarded_bounds(gains, [1.0] * n, alpha)
            error += probability * (bounds.low > 0 and bounds.mean >= DELTA)
    assert error <= 0.51 * alpha


@pytest.mark.parametrize("number", [1, 5])
def test_losses_on_the_heaviest_rows_stay_within_the_looks_budget(number: int) -> None:
    """A tenth of the rows has five times the weight, and only those lose answers."""
    random = np.random.default_rng(3)
    weights = np.where(np.arange(200) % 10 == 0, 5.0, 1.0)
    heavy = weights == 5.0
    share = float(weights[heavy].sum() / weights.sum())
    trials, errors = draws(1000, 20_000), 0
    for _ in range(trials):
        gains = share * 0.1 - (heavy & (random.random(200) < 0.1))
        bounds = guarded_bounds(gains.tolist(), weights.tolist(), alpha_of_look(number))
        errors += bounds.low > 0
    alpha = alpha_of_look(number)
    assert errors <= trials * alpha + 3 * math.sqrt(trials * alpha)


def test_a_worse_candidate_is_not_promoted() -> None:
    random = np.random.default_rng(4)
    for n in (60, 400, 1500):
        for _ in range(100):
            assert look(traffic(random, n, -0.02)).verdict != "better"


@given(
    st.lists(st.floats(-2, 2), min_size=MIN_ROWS, max_size=120),
    st.integers(1, 100),
)
def test_a_candidate_whose_mean_gain_is_below_delta_is_never_promoted(
    gains: list[float], number: int
) -> None:
    result = gate(rows(gains), GateHistory(looks=number - 1))
    assert result.low <= result.mean <= result.high
    if result.mean < DELTA:
        assert result.verdict != "better"


@given(st.lists(st.floats(0, 1), min_size=1))
def test_a_candidate_with_a_lower_validation_objective_than_the_incumbent_is_never_selected(
    objectives: list[float],
) -> None:
    selected = select_best(objectives)
    assert objectives[selected] == max(objectives)
    assert selected == 0 or objectives[selected] > objectives[0]


def test_a_planted_gain_is_detected_in_most_trials() -> None:
    random = np.random.default_rng(5)
    found = [look(traffic(random, 400, 0.06)).verdict for _ in range(100)]
    assert found.count("better") >= 90


def test_the_smallest_visible_gain_is_detected_in_about_80_percent_of_trials() -> None:
    random = np.random.default_rng(6)
    visible = np.mean([look(traffic(random, 400, 0.03)).smallest_visible for _ in range(50)])
    found = [look(traffic(random, 400, float(visible))).verdict for _ in range(400)]
    assert 0.72 <= found.count("better") / 400 <= 0.88


def test_a_clear_loss_and_a_gain_too_small_to_matter_are_not_better() -> None:
    random = np.random.default_rng(7)
    assert look(traffic(random, 1000, -0.1)).verdict == "not better"
    assert look(np.zeros(1000)).verdict == "not better"
    assert look(np.full(5000, 0.005)).verdict == "not better"


def test_too_little_evidence_reports_the_smallest_visible_gain() -> None:
    result = look(traffic(np.random.default_rng(8), 100, 0.02))
    assert result.verdict == "not enough evidence"
    assert 0.05 < result.smallest_visible < 0.3


def test_rows_of_earlier_gates_are_left_out_and_the_budget_shrinks() -> None:
    first = gate(rows([0.2] * 60), GateHistory())
    assert (first.n, first.look, first.history.looks) == (60, 1, 1)
    second = gate(rows([0.2] * 130), first.history)
    assert (second.n, second.look) == (70, 2)
    assert second.alpha < first.alpha
    assert gate(rows([0.2] * 130), second.history).n == 0


def test_too_few_fresh_rows_use_up_no_look_and_wait_for_next_week() -> None:
    history = GateHistory(looks=3, seen=frozenset(["old"]))
    result = gate(rows([0.9] * (MIN_ROWS - 1)), history)
    assert result.verdict == "not enough evidence"
    assert result.history == history
    assert gate([], history).verdict == "not enough evidence"


def test_a_used_row_is_never_fresh_again_and_the_history_survives_json() -> None:
    history = GateHistory(looks=1, seen=frozenset(["left the window, and may come back"]))
    kept = gate(rows([0.0] * 60), history).history
    assert kept.seen > history.seen
    assert len(kept.seen) == 61
    assert GateHistory.model_validate_json(kept.model_dump_json()) == kept


def test_moved_is_the_weighted_share_of_rows_that_change_tier() -> None:
    few = [HeldOutGain("a", 0.0, 3.0, moved=False), HeldOutGain("b", 0.1, 1.0, moved=True)]
    assert gate(few, GateHistory()).moved == 0.25


def test_a_gain_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="not a finite number"):
        gate(rows([math.nan] * 60), GateHistory())

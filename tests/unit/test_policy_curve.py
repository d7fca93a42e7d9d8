"""The cost–quality curve of a learned policy, and what it answers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.profiles import PROFILES, ProfileTables, lambda_of, tier_for
from route_switch.domain.tiers import Tier
from route_switch.optimizer.curve.answers import at_lambda, cheapest_in_words
from route_switch.optimizer.curve.cheapest import cheapest, lambda_in
from route_switch.optimizer.curve.curve_points import curve_figures, difference, points_at
from route_switch.optimizer.curve.decided_rows import (
    NONE,
    DecidedRows,
    RunDecisions,
    decisions_from,
    side_of,
)
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.curve.profile_tables import MIN_NAMED, fit, fit_tables

COSTS = (0.01, 0.1, 1.0)
LAMBDA = 0.2
NOTHING = (0.0, 0.0, 0.0)


def rows(
    needed: Sequence[int],
    *,
    named: Sequence[int] = (),
    kept: Sequence[int] = (),
    expected: Sequence[tuple[float, float, float]] = (),
    templates: Sequence[int] = (),
) -> DecidedRows:
    """Return rows whose smallest adequate column is `needed`."""
    n = len(needed)
    return DecidedRows(
        weights=(1.0,) * n,
        templates=tuple(templates) or tuple(range(n)),
        equivalent=tuple(tuple(float(c >= need) for c in range(3)) for need in needed),
        score=tuple(tuple(float(c >= need) for c in range(3)) for need in needed),
        cost_usd=(COSTS,) * n,
        router_usd=(0.0,) * n,
        kept=tuple(kept) or (NONE,) * n,
        named=tuple(named) or (NONE,) * n,
        expected_quality=tuple(expected) or (NOTHING,) * n,
        expected_cost=(COSTS if expected else NOTHING,) * n,
    )


def decisions(
    heldout: DecidedRows,
    validation: DecidedRows | None = None,
    profiles: ProfileTables | None = None,
) -> RunDecisions:
    return RunDecisions(
        version="0" * 12,
        strategy="prompt",
        lambda_=LAMBDA,
        tiers=tuple(Tier),
        profiles=profiles,
        validation=validation,
        heldout=heldout,
    )


def curve_of(
    heldout: DecidedRows,
    validation: DecidedRows | None = None,
    profiles: ProfileTables | None = None,
) -> PolicyCurve:
    return PolicyCurve.of(decisions(heldout, validation, profiles))


columns = st.integers(0, 2)
some_rows = st.lists(st.tuples(columns, columns), min_size=3 * MIN_NAMED, max_size=90).map(
    lambda pairs: rows([need for need, _ in pairs], named=[name for _, name in pairs])
)
qualities = st.floats(0, 1).flatmap(
    lambda low: st.floats(low, 1).map(lambda middle: (low, middle, 1.0))
)
model_rows = st.lists(st.tuples(columns, qualities), min_size=4, max_size=40).map(
    lambda pairs: rows([need for need, _ in pairs], expected=[q for _, q in pairs])
)
lambdas = st.floats(0, 5)


def quality_and_cost(table: np.ndarray, side: DecidedRows) -> tuple[float, float]:
    chosen = table[np.array(side.named)]
    at = np.arange(len(chosen))
    return (
        float(np.array(side.equivalent)[at, chosen].mean()),
        float(np.array(side.cost_usd)[at, chosen].mean()),
    )


@settings(max_examples=40)
@given(some_rows, lambdas, lambdas)
def test_a_fitted_table_costs_no_more_at_a_higher_lambda_on_the_rows_that_chose_it(
    chosen_by: DecidedRows, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    curve = curve_of(chosen_by, chosen_by)
    assert curve.validation is not None
    dear = quality_and_cost(fit(curve.validation, low, LAMBDA), chosen_by)
    cheap = quality_and_cost(fit(curve.validation, high, LAMBDA), chosen_by)
    assert cheap[1] <= dear[1] + 1e-9
    if low > LAMBDA or high < LAMBDA:
        assert cheap[0] <= dear[0] + 1e-9


@given(model_rows, lambdas, lambdas)
def test_a_local_model_expects_no_more_cost_and_quality_at_a_higher_lambda(
    heldout: DecidedRows, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    curve = curve_of(heldout)
    side = curve.heldout
    for expected in (side.expected_cost, side.expected_quality):
        cheap = curve.chosen_cells(expected, high)
        assert (cheap <= curve.chosen_cells(expected, low) + 1e-12).all()


@settings(max_examples=20)
@given(some_rows, some_rows)
def test_a_served_table_is_the_curve_at_its_profiles_lambda(
    heldout: DecidedRows, validation: DecidedRows
) -> None:
    curve = curve_of(heldout, validation)
    assert curve.validation is not None
    tables = fit_tables(curve.validation, LAMBDA)
    for profile in PROFILES:
        served = [tier_for(profile, Tier(name + 1), tables) for name in heldout.named]
        choice = curve.choice(curve.profile_lambda(profile))
        assert [Tier(column + 1) for column in choice] == served


@settings(max_examples=5)
@given(some_rows)
def test_the_profiles_are_points_of_the_curve(side: DecidedRows) -> None:
    curve = curve_of(side, side)
    figures = curve_figures(curve)
    at = {point.lambda_: point for point in figures.points}
    for lambda_, figure in zip(figures.profile_lambdas, figures.profiles, strict=True):
        assert at[lambda_].cost == pytest.approx(figure.cost)
        assert at[lambda_].quality == pytest.approx(figure.quality)


def test_a_tier_that_was_named_too_rarely_is_not_moved_on_its_own_evidence() -> None:
    enough, too_few = rows([0] * MIN_NAMED, named=[1] * MIN_NAMED), rows([0] * 9, named=[1] * 9)
    for side, moved in ((enough, Tier.SMALL), (too_few, Tier.MEDIUM)):
        curve = curve_of(side, side)
        assert curve.validation is not None
        assert fit_tables(curve.validation, LAMBDA).cost[1] is moved


def test_a_run_whose_cost_does_not_count_moves_nothing() -> None:
    side = rows([2] * 30, named=[0] * 30)
    curve = curve_of(side, side)
    assert curve.validation is not None
    tables = fit_tables(curve.validation, 0.0)
    assert (tables.quality, tables.cost) == (tuple(Tier), tuple(Tier))


def test_what_the_bypass_decides_moves_at_no_lambda() -> None:
    curve = curve_of(rows([2] * 4, kept=[0, NONE, 0, NONE], expected=[(0.1, 0.5, 1.0)] * 4))
    assert curve.choice(0.0).tolist() == [0, 2, 0, 2]
    assert curve.choice(5.0).tolist() == [0, 0, 0, 0]


def test_a_prompt_that_is_kept_has_the_profiles_that_are_served() -> None:
    kept = curve_of(rows([1] * 6, named=[0, 1, 2] * 2))
    choices = {profile: kept.choice(lambda_of(profile, LAMBDA)).tolist() for profile in PROFILES}
    assert choices["quality"] == [1, 2, 2] * 2
    assert choices["balanced"] == [0, 1, 2] * 2
    assert choices["cost"] == [0, 0, 1] * 2


def test_without_a_lambda_a_kept_prompt_still_has_the_profiles_that_are_served() -> None:
    made = decisions(rows([1] * 6, named=[0, 1, 2] * 2)).model_copy(update={"lambda_": 0.0})
    quality = PolicyCurve.of(made).profile_policy("quality", "x")
    assert quality.choice.argmax(axis=1).tolist() == [1, 2, 2] * 2


@pytest.mark.parametrize(
    ("needed", "named", "quality", "cost"),
    [(1, 0, (3, 3, 3), (1, 2, 3)), (0, 1, (1, 2, 3), (1, 1, 1))],
)
def test_a_run_with_two_tiers_has_tables_for_all_three(
    needed: int, named: int, quality: tuple[int, ...], cost: tuple[int, ...]
) -> None:
    n = 2 * MIN_NAMED
    cells = tuple(tuple(float(c >= needed) for c in range(2)) for _ in range(n))
    two = rows([0] * n).model_copy(
        update={
            "equivalent": cells,
            "score": cells,
            "cost_usd": ((0.1, 1.0),) * n,
            "named": (named,) * n,
            "expected_quality": ((0.0, 0.0),) * n,
            "expected_cost": ((0.0, 0.0),) * n,
        }
    )
    tables = fit_tables(side_of(two, (Tier.SMALL, Tier.LARGE)), LAMBDA)
    assert (tables.quality, tables.cost) == (quality, cost)


def test_the_file_holds_the_decisions_and_equal_ones_have_equal_bytes() -> None:
    made = decisions(rows([0, 1, 2], named=[0, 1, 2]), rows([1], named=[1]))
    assert decisions_from(made.to_bytes(), "x") == made
    assert made.to_bytes() == made.to_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"\x1f\x8b no"])
def test_a_file_that_is_something_else_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(RouteSwitchError, match="decisions of a run"):
        decisions_from(content, "decisions.json.gz")


def noisy_curve(n: int = 200) -> PolicyCurve:
    """Return a local model whose expectations are right on average."""
    generator = np.random.default_rng(7)
    easy = generator.uniform(0.2, 1.0, n)
    needed = [0 if generator.random() < q else 2 for q in easy]
    return curve_of(rows(needed, expected=[(q, q, 1.0) for q in easy.tolist()]))


def test_the_answer_at_a_lambda_has_the_change_from_the_runs_own() -> None:
    curve = noisy_curve()
    [point] = points_at(curve, [0.5])
    change = difference(curve, 0.5, LAMBDA)
    [own] = points_at(curve, [LAMBDA])
    assert change.cost.mean == pytest.approx(point.cost.mean - own.cost.mean)
    assert change.cost.mean < 0
    told = at_lambda(point, LAMBDA, change)
    assert told.startswith("At λ = 0.5, the learned policy costs ")
    assert "Compared with its own λ = 0.2, cost changes by −" in told
    assert "n = 200" in told


def test_the_cheapest_with_a_quality_reaches_it_on_these_rows_and_less_on_others() -> None:
    curve = noisy_curve()
    found = cheapest(curve, 0.95)
    assert found.policy.quality.mean >= 0.95
    assert lambda_in(found.policy.policy) is not None
    assert found.sure.quality.low >= 0.95
    assert found.sure.cost.mean >= found.policy.cost.mean
    assert found.unseen is not None
    assert found.unseen < found.policy.quality.mean
    assert found.policy.cost.mean < found.mix_cost <= 1
    told = " ".join(cheapest_in_words(found, curve))
    assert (
        "The cheapest policy with a quality of at least 95.0% is the learned policy at λ = " in told
    )
    assert "resampled rows" in told
    assert f"A random mix of tiers with a quality of 95.0% costs {found.mix_cost:.2f}. " in told


def test_a_random_mix_that_is_cheaper_than_the_cheapest_policy_is_called_that() -> None:
    found = replace(cheapest(noisy_curve(), 0.95), mix_cost=0.01)
    [told, *_] = cheapest_in_words(found, noisy_curve())
    assert told.endswith("costs 0.01, which is less: here, routing does not pay at this quality.")


def test_the_cheapest_without_any_loss_is_tier_3_if_nothing_else_has_none() -> None:
    found = cheapest(noisy_curve(), 1.0)
    assert found.sure.quality.low == 1
    assert found.sure.cost.mean == pytest.approx(1.0)


def test_rows_of_one_template_are_drawn_together() -> None:
    needed, expected = [0, 2] * 30, [(0.9, 0.9, 1.0), (0.1, 0.1, 1.0)] * 30
    one = curve_of(rows(needed, expected=expected, templates=[0] * 60))
    assert cheapest(one, 0.9).unseen is None

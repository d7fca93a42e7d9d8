"""Figures of policies and baselines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.held_out_gain import by_template
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.promotion import GateHistory, gate
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.baselines import Measurement, baselines
from route_switch.optimizer.held_out import (
    confusion,
    differences,
    gains_over,
    gate_figures,
    held_out_gains,
    policy_figures,
    workload_figures,
)
from route_switch.optimizer.policies import routed_policy
from tests.support.outcomes import random_arrays, table_of

SMALL, MEDIUM, LARGE = Tier
LAMBDA = 0.2

ROWS = table_of((1, 1, 1), (0, 1, 1), (0, 0, 1), (1, 0, 0))
"""The small model suffices for the first and the last row."""


def measurement(candidate_mix: Sequence[float] = (0.5, 0.25, 0.25)) -> Measurement:
    arrays = arrays_of(ROWS)
    rewards = arrays.rewards(LAMBDA)
    return Measurement(
        examples=ROWS.examples,
        arrays=arrays,
        lambda_=LAMBDA,
        mix=np.array(candidate_mix),
        train_rewards=rewards,
        learners={"knn": lambda train_rewards: np.tile(train_rewards.mean(axis=0), (4, 1))},
    )


def test_figures_match_calculations_by_hand() -> None:
    arrays = arrays_of(ROWS)
    policy = routed_policy("p", arrays.tiers, [SMALL, MEDIUM, SMALL, LARGE], [0.0, 1.0, 1.0, 0.0])
    (figures,) = policy_figures(arrays, [policy], LAMBDA)
    assert figures.cost.mean == pytest.approx((1 + 4 + 1 + 1 + 1 + 10) / 40)
    assert figures.quality.mean == 0.75
    assert figures.retention.mean == pytest.approx(2 / 3)
    assert figures.mix == {SMALL: 0.5, MEDIUM: 0.25, LARGE: 0.25}
    assert figures.latency_ms is None
    assert figures.objective.n == 4


@given(seed=st.integers(0, 1000), lambda_=st.floats(0, 2))
def test_the_objective_is_quality_minus_lambda_times_cost_for_every_policy(
    seed: int, lambda_: float
) -> None:
    arrays = random_arrays(60, seed)
    random = np.random.default_rng(seed)
    chosen = [Tier(int(t)) for t in random.integers(1, 4, 60)]
    policy = routed_policy("p", arrays.tiers, chosen, random.random(60).tolist())
    (f,) = policy_figures(arrays, [policy], lambda_)
    assert f.objective.mean == pytest.approx(f.quality.mean - lambda_ * f.cost.mean)


def test_a_row_of_weight_three_counts_as_three_rows() -> None:
    thrice = table_of((0, 0, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1))
    weighted = table_of((0, 0, 1), (1, 1, 1), weights=(1.0, 3.0))

    def quality(table: OutcomeTable) -> float:
        arrays = arrays_of(table)
        policy = routed_policy("p", arrays.tiers, [SMALL] * len(arrays), [0.0] * len(arrays))
        return policy_figures(arrays, [policy], LAMBDA)[0].quality.mean

    assert quality(weighted) == quality(thrice) == 0.75


def test_baselines_have_their_public_names_and_the_expected_figures() -> None:
    rows = measurement()
    policies = baselines(rows)
    names = ["knn", "static-rules", "random", "tier-1", "tier-2", "tier-3", "oracle"]
    assert [policy.name for policy in policies] == names
    figures = {f.policy: f for f in policy_figures(rows.arrays, policies, LAMBDA)}
    assert figures["tier-3"].cost.mean == figures["tier-3"].quality.mean == 1.0
    assert figures["tier-1"].cost.mean == pytest.approx(0.1)
    assert figures["random"].mix == {SMALL: 0.5, MEDIUM: 0.25, LARGE: 0.25}
    assert figures["random"].cost.mean == pytest.approx(0.5 * 0.1 + 0.25 * 0.4 + 0.25)
    assert figures["oracle"].mix == {SMALL: 0.5, MEDIUM: 0.25, LARGE: 0.25}
    assert all(figures["oracle"].objective.mean >= f.objective.mean for f in figures.values())


def test_with_two_tiers_there_is_no_tier_2_baseline() -> None:
    arrays = random_arrays(4)
    two = type(arrays)(
        (SMALL, LARGE),
        arrays.weights,
        arrays.equivalent[:, [0, 2]],
        arrays.score[:, [0, 2]],
        arrays.cost_usd[:, [0, 2]],
        None,
    )
    rewards = two.rewards(LAMBDA)
    rows = Measurement(ROWS.examples, two, LAMBDA, np.array([0.5, 0.5]), rewards, {})
    assert [p.name for p in baselines(rows)][2:4] == ["tier-1", "tier-3"]


def test_differences_are_paired() -> None:
    arrays = random_arrays(200)
    cheap = routed_policy("cheap", arrays.tiers, [SMALL] * 200, [0.0] * 200)
    expensive = routed_policy("expensive", arrays.tiers, [SMALL] * 200, [0.01] * 200)
    gap = differences(arrays, [cheap, expensive], cheap, LAMBDA)["expensive"]
    expected = LAMBDA * 0.01 / arrays.tier_3_usd
    assert (gap.mean, gap.low, gap.high) == pytest.approx((expected, expected, expected))
    assert differences(arrays, [cheap], cheap, LAMBDA) == {}


def test_each_policy_is_paired_with_the_hand_written_prompt() -> None:
    arrays = random_arrays(200)
    best = arrays.rewards(LAMBDA).argmax(axis=1)
    oracle = routed_policy("oracle", arrays.tiers, [list(Tier)[n] for n in best], [0.0] * 200)
    written = routed_policy("hand-written", arrays.tiers, [LARGE] * 200, [0.0] * 200)
    against = differences(arrays, [written], oracle, LAMBDA)["hand-written"]
    assert gains_over(arrays, [oracle, written], written, LAMBDA) == {"oracle": against}
    assert against.low > 0


def test_rows_of_one_template_count_once_in_the_gate_and_in_differences() -> None:
    rows = ((1, 1, 1), (1, 1, 1), (0, 1, 1), (0, 0, 1))
    table = table_of(*rows, weights=(1.0, 3.0, 1.0, 1.0), templates=("a", "a", "b", "c"))
    arrays = arrays_of(table)
    before = routed_policy("incumbent", arrays.tiers, [LARGE] * 4, [0.0] * 4)
    chosen = [SMALL, LARGE, LARGE, SMALL]
    after = routed_policy("candidate", arrays.tiers, chosen, [0.0] * 4)
    rows_of_gate = held_out_gains(arrays, table.examples, after, before, LAMBDA)
    assert gate(rows_of_gate, GateHistory()).n == 3
    a, b, c = by_template(rows_of_gate)
    assert (a.weight, a.gain, a.moved) == pytest.approx((4.0, 0.18 / 4, 0.25))
    assert (b.weight, b.gain, b.moved) == pytest.approx((1.0, 0.0, 0.0))
    assert a.key == table.examples[1].template_key != c.key
    together = differences(arrays, [before], after, LAMBDA)["incumbent"]
    apart = differences(replace(arrays, templates=None), [before], after, LAMBDA)["incumbent"]
    assert together.mean == pytest.approx(apart.mean)
    assert together.high - together.low > apart.high - apart.low


def test_confusion_counts_best_and_chosen_tiers() -> None:
    arrays = arrays_of(ROWS)
    policy = routed_policy("p", arrays.tiers, [SMALL, SMALL, LARGE, LARGE], [0.0] * 4)
    assert confusion(arrays, policy, LAMBDA) == {
        SMALL: {SMALL: 1, MEDIUM: 0, LARGE: 1},
        MEDIUM: {SMALL: 1, MEDIUM: 0, LARGE: 0},
        LARGE: {SMALL: 0, MEDIUM: 0, LARGE: 1},
    }


def test_each_workload_is_measured_separately() -> None:
    rows = ((1, 1, 1), (0, 1, 1), (0, 0, 1))
    table = table_of(*rows, workloads=("support", "code", None))
    arrays = arrays_of(table)
    policy = routed_policy("p", arrays.tiers, [SMALL] * 3, [0.0] * 3)
    code, support = workload_figures(arrays, table.examples, [policy], LAMBDA)
    assert (code.workload, support.workload) == ("code", "support")
    assert code.policies[0].quality.mean == 0.0
    assert support.policies[0].quality.mean == 1.0
    assert support.change is None


def test_a_workload_has_the_paired_change_from_the_incumbent() -> None:
    table = table_of((1, 1, 1), (0, 1, 1), (0, 1, 1), workloads=("support", "code", "code"))
    arrays = arrays_of(table)
    before = routed_policy("incumbent", arrays.tiers, [MEDIUM] * 3, [0.0] * 3)
    after = routed_policy("candidate", arrays.tiers, [SMALL] * 3, [0.0] * 3)
    code, support = workload_figures(arrays, table.examples, [before, after], LAMBDA)
    assert code.change is not None
    assert support.change is not None
    assert code.change.mean < 0 < support.change.mean
    objectives = {each.policy: each.objective.mean for each in code.policies}
    difference = objectives["candidate"] - objectives["incumbent"]
    assert code.change.mean == pytest.approx(difference)


def test_latency_is_given_only_if_all_of_it_was_measured() -> None:
    arrays = random_arrays(3)
    timed = type(arrays)(
        arrays.tiers,
        np.ones(3),
        arrays.equivalent,
        arrays.score,
        arrays.cost_usd,
        np.full((3, 3), 100.0),
    )
    known = routed_policy("known", arrays.tiers, [SMALL] * 3, [0.0] * 3, [10.0, 20.0, 30.0])
    unknown = routed_policy("unknown", arrays.tiers, [SMALL] * 3, [0.0] * 3)
    first, second = policy_figures(timed, [known, unknown], LAMBDA)
    assert first.latency_ms is not None
    assert first.latency_ms.mean == 120.0
    assert second.latency_ms is None


def test_the_gate_gets_each_rows_move_and_gain() -> None:
    arrays = arrays_of(ROWS)
    before = routed_policy("incumbent", arrays.tiers, [LARGE] * 4, [0.0] * 4)
    after = routed_policy("candidate", arrays.tiers, [SMALL, LARGE, LARGE, LARGE], [0.0] * 4)
    gains = held_out_gains(arrays, ROWS.examples, after, before, LAMBDA)
    assert [gain.gain for gain in gains] == pytest.approx([0.18, 0, 0, 0])
    assert [gain.moved for gain in gains] == [True, False, False, False]
    figures = gate_figures(gate(gains, GateHistory()), "nobody labeled anything")
    assert figures.verdict == "not enough evidence"
    assert (figures.gain.n, figures.moved) == (4, 0.25)
    assert figures.needs_approval == "nobody labeled anything"


def test_a_table_without_rows_or_costs_is_an_error_that_says_what_to_add() -> None:
    with pytest.raises(ConfigurationError, match="No example"):
        arrays_of(table_of())
    with pytest.raises(ConfigurationError, match="The cost of b is unknown"):
        arrays_of(table_of((1, 1, 1), usd=(1.0, None, 1.0)))
    with pytest.raises(ConfigurationError, match="cost nothing"):
        arrays_of(table_of((1, 1, 1), usd=(0.0, 0.0, 0.0)))

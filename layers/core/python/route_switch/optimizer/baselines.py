"""The policies that a learned prompt has to stand beside, on the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.learning.example import Example
from route_switch.optimizer.arrays import Floats, OutcomeArrays
from route_switch.optimizer.policies import Policy, one_hot, routed, without_router
from route_switch.optimizer.static_rules import static_tier
from route_switch.optimizer.statistics import Estimate

Learner = Callable[[Floats], Floats]
"""Rewards of the train rows, [m, k], to predicted rewards of the rows that are measured, [n, k]."""

PERMUTATIONS = 100


@dataclass(frozen=True, slots=True)
class Measurement:
    """The rows that policies are measured on, and what a baseline may use.

    `mix` is the candidate's, [k]. `learner` has been given train rows' queries and none of the
    measured rows' rewards; `train_rewards` is [m, k].
    """

    examples: tuple[Example, ...]
    arrays: OutcomeArrays
    lambda_: float
    mix: Floats
    train_rewards: Floats
    learner: Learner


def _static_rules(rows: Measurement) -> Policy:
    allowed = frozenset(rows.arrays.tiers)
    chosen = [nearest_allowed(static_tier(example.as_query), allowed) for example in rows.examples]
    nothing = [0.0] * len(chosen)
    return routed("static-rules", rows.arrays.tiers, chosen, nothing, nothing)


def _random(rows: Measurement) -> Policy:
    """The expectation over draws, not one draw."""
    return without_router("random", np.tile(rows.mix, (len(rows.arrays), 1)))


def _knn(rows: Measurement) -> Policy:
    """Its own time, that of an embedding, was not measured."""
    choice = best_tier(rows.learner(rows.train_rewards))
    return Policy("knn", choice, np.zeros(len(choice)), None)


def _oracle(rows: Measurement) -> Policy:
    """Knows the rewards: a bound, part of which is luck that no router can predict."""
    return without_router("oracle", best_tier(rows.arrays.rewards(rows.lambda_)))


BASELINES: tuple[Callable[[Measurement], Policy], ...] = (_static_rules, _random, _knn, _oracle)


def baselines(rows: Measurement) -> tuple[Policy, ...]:
    """`tier-1`, `tier-2` where there are three, `tier-3`, and one for each of `BASELINES`."""
    n, k = len(rows.arrays), len(rows.arrays.tiers)
    constants = (
        without_router(tier.alias, one_hot(np.full(n, column), k))
        for column, tier in enumerate(rows.arrays.tiers)
    )
    return (*constants, *(baseline(rows) for baseline in BASELINES))


def best_tier(rewards: Floats) -> Floats:
    """[n, k]: the tier with the highest reward, the lower one on a tie."""
    return one_hot(rewards.argmax(axis=1), rewards.shape[1])


def shuffled_control(rows: Measurement, seed: int) -> Estimate:
    """The learner on train rewards that belong to other queries, minus random at its own mix: the
    mean and the central 95% over permutations.

    There is nothing to learn in them, so they must not lie above 0: where they do, the learner
    sees the rewards that it is measured on. One permutation would not tell: it makes one policy,
    the same for queries that are alike, and that is by chance better or worse than random.
    """
    generator = np.random.default_rng(seed)
    gains = [
        _gain_over_random(rows, generator.permutation(rows.train_rewards, axis=0))
        for _ in range(PERMUTATIONS)
    ]
    low, high = np.percentile(gains, [2.5, 97.5])
    return Estimate(float(np.mean(gains)), float(low), float(high))


def _gain_over_random(rows: Measurement, train_rewards: Floats) -> float:
    rewards, weights = rows.arrays.rewards(rows.lambda_), rows.arrays.weights
    choice = best_tier(rows.learner(train_rewards))
    by_chance = np.average(choice, axis=0, weights=weights)
    return float(np.average(((choice - by_chance) * rewards).sum(axis=1), weights=weights))

"""The policies that a learned prompt has to stand beside, on the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.example import Example
from route_switch.optimizer.arrays import Floats, OutcomeArrays
from route_switch.optimizer.policies import Policy, one_hot, routed, without_router
from route_switch.optimizer.static_rules import static_tier
from route_switch.optimizer.statistics import Estimate, bootstrap

Learner = Callable[[Floats], Floats]
"""Rewards of the train rows, [m, k], to predicted rewards of the rows that are measured, [n, k]."""


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
    """The learner on train rewards that belong to other queries, minus random at its own mix.

    There is nothing to learn in them, so the interval must not lie above 0: where it does, labels
    leak into the learner or rows into train.
    """
    shuffled = np.random.default_rng(seed).permutation(rows.train_rewards, axis=0)
    learned = without_router("shuffled", best_tier(rows.learner(shuffled)))
    arrays, weights = rows.arrays, rows.arrays.weights
    mix = np.tile(learned.mix(weights), (len(arrays), 1))
    by_chance = without_router("random", mix)
    gains = learned.rewards(arrays, rows.lambda_) - by_chance.rewards(arrays, rows.lambda_)
    return bootstrap((weights * gains)[:, None], weights[:, None], seed)[0]

"""The baseline policies that a learned prompt is compared with, on the same rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.learning.example import Example
from route_switch.optimizer.arrays import Floats, OutcomeArrays
from route_switch.optimizer.policies import Policy, one_hot, routed_policy, without_router
from route_switch.optimizer.query_features import Learner
from route_switch.optimizer.static_rules import static_tier
from route_switch.optimizer.statistics import Estimate

PERMUTATIONS = 100


@dataclass(frozen=True, slots=True)
class Measurement:
    """The rows that policies are measured on, and the inputs of the baselines.

    `mix` is the candidate's, [k]. `train_rewards` is [m, k]. `learners` know the queries of the
    train rows but no rewards of the measured rows.
    """

    examples: tuple[Example, ...]
    arrays: OutcomeArrays
    lambda_: float
    mix: Floats
    train_rewards: Floats
    learners: Mapping[str, Learner]


def _static_rules(rows: Measurement) -> Policy:
    allowed = frozenset(rows.arrays.tiers)
    chosen = [nearest_allowed(static_tier(example.as_query), allowed) for example in rows.examples]
    nothing = [0.0] * len(chosen)
    return routed_policy("static-rules", rows.arrays.tiers, chosen, nothing, nothing)


def _random(rows: Measurement) -> Policy:
    """Route at random with the candidate's mix: the expectation over draws, not one draw."""
    return without_router("random", np.tile(rows.mix, (len(rows.arrays), 1)))


def _learned(rows: Measurement) -> Iterator[Policy]:
    """Yield a policy for each learner. Its time, that of an embedding, is not measured."""
    for name, learner in rows.learners.items():
        choice = best_tier(learner(rows.train_rewards))
        yield Policy(name, choice, np.zeros(len(choice)), None)


def _oracle(rows: Measurement) -> Policy:
    """Route by the known rewards: an upper bound, which is partly unpredictable luck."""
    return without_router("oracle", best_tier(rows.arrays.rewards(rows.lambda_)))


def baselines(rows: Measurement) -> tuple[Policy, ...]:
    """Return the learners, the policies that learn nothing (rules, random, and a constant policy
    per tier: `tier-1`, …), and the oracle."""
    return (
        *_learned(rows),
        _static_rules(rows),
        _random(rows),
        *constants(rows.arrays),
        _oracle(rows),
    )


def constants(arrays: OutcomeArrays) -> tuple[Policy, ...]:
    """Return the policies that send every query to one tier."""
    n, k = len(arrays), len(arrays.tiers)
    return tuple(
        without_router(tier.alias, one_hot(np.full(n, column), k))
        for column, tier in enumerate(arrays.tiers)
    )


def best_tier(rewards: Floats) -> Floats:
    """Return [n, k] with a 1 at the tier with the highest reward, the lower tier on a tie."""
    return one_hot(rewards.argmax(axis=1), rewards.shape[1])


def shuffled_controls(rows: Measurement, seed: int) -> dict[str, Estimate]:
    """Return the objective of each learner on shuffled train rewards minus random at its own mix:
    the mean and the central 95% over permutations.

    Shuffled rewards teach nothing, so the difference must not be above 0. If it is, the learner
    sees the rewards that it is measured on. One permutation would not show that: it gives similar
    queries the same tier, which is better or worse than random by chance.
    """
    generator = np.random.default_rng(seed)
    gains: dict[str, list[float]] = {name: [] for name in rows.learners}
    for _ in range(PERMUTATIONS):
        shuffled = generator.permutation(rows.train_rewards, axis=0)
        for name, learner in rows.learners.items():
            gains[name].append(_gain_over_random(rows, learner(shuffled)))
    return {name: _central(each) for name, each in gains.items()}


def _central(gains: list[float]) -> Estimate:
    low, high = np.percentile(gains, [2.5, 97.5])
    return Estimate(float(np.mean(gains)), float(low), float(high))


def _gain_over_random(rows: Measurement, predicted: Floats) -> float:
    rewards, weights = rows.arrays.rewards(rows.lambda_), rows.arrays.weights
    choice = best_tier(predicted)
    by_chance = np.average(choice, axis=0, weights=weights)
    return float(np.average(((choice - by_chance) * rewards).sum(axis=1), weights=weights))

"""Compare the costs and the quality of policies on the same conversations and router replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.optimizer.arrays import Floats
from route_switch.optimizer.statistics import Estimate, bootstrap
from tests.support.sessions.caches import Family
from tests.support.sessions.conversations import Conversation
from tests.support.sessions.play import Played, Policy, Router, play
from tests.support.sessions.policies import LARGE, ORACLE, POLICIES, UNCACHED

LAMBDA = 0.2
"""The default objective of learning: quality − 0.2 · cost."""


@dataclass(frozen=True, slots=True)
class Result:
    """`cost` is relative to Tier 3 throughout with caching. `below` is by how much the quality is
    lower than the best policy's; the oracle is not among those."""

    usd: float
    cost: Estimate
    quality: Estimate
    below: Estimate
    switches: float


def compare(
    conversations: Sequence[Conversation],
    family: Family,
    router: Router,
    policies: Mapping[str, Policy] = POLICIES,
    uncached: Mapping[str, Policy] = UNCACHED,
) -> dict[str, Result]:
    """Play every conversation with every policy; `LARGE` must be among them."""
    plain = family.without_caching()
    played = {
        **{name: play(conversations, family, each, router) for name, each in policies.items()},
        **{name: play(conversations, plain, each, router) for name, each in uncached.items()},
    }
    best = max(played.keys() - {ORACLE}, key=lambda name: scores_of(played[name]).sum())
    return {name: _result(runs, played[LARGE], played[best]) for name, runs in played.items()}


def _result(runs: Sequence[Played], large: Sequence[Played], best: Sequence[Played]) -> Result:
    usd, scores, ones = costs_of(runs), scores_of(runs), np.ones(len(runs))
    numerators = np.column_stack([usd, scores, scores_of(best) - scores])
    denominators = np.column_stack([costs_of(large), ones, ones])
    cost, quality, below = bootstrap(numerators, denominators, seed=1)
    switches = sum(each.switches for each in runs) / len(runs)
    return Result(float(usd.mean()), cost, quality, below, switches)


def costs_of(runs: Sequence[Played]) -> Floats:
    return np.array([each.cost_usd for each in runs])


def scores_of(runs: Sequence[Played]) -> Floats:
    return np.array([each.score for each in runs])


def rewards(
    conversations: Sequence[Conversation], family: Family, router: Router, policy: Policy
) -> Floats:
    """Return each conversation's quality − λ · cost, relative to the mean cost of `LARGE`."""
    runs, large = (play(conversations, family, p, router) for p in (policy, POLICIES[LARGE]))
    values: Floats = scores_of(runs) - LAMBDA * costs_of(runs) / costs_of(large).mean()
    return values


def gain(one: Floats, other: Floats) -> Estimate:
    """Return the mean of one − other, of paired conversations."""
    (found,) = bootstrap((one - other)[:, None], np.ones((len(one), 1)), seed=1)
    return found

"""A simulated router with a settable error rate: how good a router has to be to be worth having.

It knows the best tier of each row, which no router does, and names another one with a probability
of `error_rate`. What it reaches is an expectation over its errors, so no draw is made, and the
objective falls in a straight line from the oracle's.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from route_switch.optimizer.arrays import Floats, OutcomeArrays
from route_switch.optimizer.baselines import best_tier, constants
from route_switch.optimizer.held_out import policy_figures
from route_switch.optimizer.policies import Policy, without_router
from route_switch.optimizer.report.figures import Interval

ERROR_RATES = tuple(percent / 100 for percent in range(0, 55, 5))
Kind = Literal["any", "adjacent"]
"""Where an error goes: to any other tier, or to a neighbor of the best one; equally likely."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """The objective at each of `ERROR_RATES`, on `n` rows, and that of the best constant policy.

    `crossing` is the error rate from which on the best constant policy is better, or None if it is
    not, up to an error rate of 1.
    """

    kind: Kind
    objectives: tuple[Interval, ...]
    best_constant: float
    crossing: float | None

    def error_rate_of(self, objective: float) -> float | None:
        """Return the error rate with which the simulated router reaches `objective`."""
        first, last = self.objectives[0].mean, self.objectives[-1].mean
        if first == last:
            return None
        rate = (first - objective) / (first - last) * ERROR_RATES[-1]
        return rate if 0 <= rate <= 1 else None


def erring_router(arrays: OutcomeArrays, lambda_: float, error_rate: float, kind: Kind) -> Policy:
    """Return the policy as probabilities of the tiers, [n, k]."""
    best = best_tier(arrays.rewards(lambda_))
    choice = (1 - error_rate) * best + error_rate * best @ _errors(best.shape[1], kind)
    return without_router(f"errs in {100 * error_rate:.0f}%", choice)


def degradation(arrays: OutcomeArrays, lambda_: float, kind: Kind) -> Degradation:
    routers = [erring_router(arrays, lambda_, rate, kind) for rate in ERROR_RATES]
    always = policy_figures(arrays, constants(arrays), lambda_)
    best = max(policy.objective.mean for policy in always)
    objectives = tuple(each.objective for each in policy_figures(arrays, routers, lambda_))
    found = Degradation(kind, objectives, best, None)
    return Degradation(kind, objectives, best, found.error_rate_of(best))


def _errors(k: int, kind: Kind) -> Floats:
    """Return [k, k]: where an error goes, by the best tier."""
    columns = np.arange(k)
    apart = np.abs(columns[:, None] - columns)
    allowed = (apart > 0) if kind == "any" else (apart == 1)
    errors: Floats = allowed / allowed.sum(axis=1, keepdims=True)
    return errors

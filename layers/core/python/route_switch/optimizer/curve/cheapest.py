"""The cheapest policy with at least some quality, and how much choosing it flatters it.

The choice is made on held-out rows, so its own figures are too good: among many points, the one
that looks good enough is partly the lucky one. So the same choice is made again on resampled rows
(templates are drawn whole) and measured on the rows that were not drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.baselines import constants
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.held_out import SEED, policy_figures
from route_switch.optimizer.policies import Policy
from route_switch.optimizer.report.figures import PolicyFigures

CHOICES = 500
"""How often the choice is repeated on resampled rows."""
RULE_OF_THREE = 3.0
LEARNED = "lambda="
"""The name of a learned policy begins with it."""


@dataclass(frozen=True, slots=True)
class Cheapest:
    """`policy` is the cheapest whose quality reaches `least`, `sure` the cheapest whose lower bound
    does (`_lower_bound`). Tier 3 itself always does. `unseen` is the mean quality of policies that
    were chosen on resampled rows, on the other rows; None if no resample leaves a row over.
    `mix_cost` is that of the cheapest random mix of two tiers with a quality of `least`."""

    least: float
    policy: PolicyFigures
    sure: PolicyFigures
    unseen: float | None
    mix_cost: float


def cheapest(curve: PolicyCurve, least: float) -> Cheapest:
    """Choose among the constant policies and the learned policy at every λ, the first on a tie."""
    arrays = curve.heldout.arrays
    fixed = constants(arrays)
    learned = [curve.policy(lambda_, f"{LEARNED}{lambda_!r}") for lambda_ in curve.lambdas()]
    policies = [*fixed, *learned]
    figures = policy_figures(arrays, policies, curve.lambda_)
    templates = len(arrays.rows_of_templates)
    return Cheapest(
        least,
        _cheapest_of([each for each in figures if each.quality.mean >= least]),
        _cheapest_of([e for e in figures if _lower_bound(e, templates) >= least]),
        _unseen_quality(curve, policies, least),
        _mix_cost(figures[: len(fixed)], least),
    )


def lambda_in(policy: str) -> float | None:
    """Return the λ of a learned policy, or None for a constant one."""
    return float(policy.removeprefix(LEARNED)) if policy.startswith(LEARNED) else None


def _lower_bound(policy: PolicyFigures, templates: int) -> float:
    """Return the lower end of the interval, but at most 1 − 3 / templates, the bound that no loss
    in that many draws shows with 95% confidence: resampling cannot draw losses that the rows
    lack."""
    if policy.policy == Tier.LARGE.alias:
        return 1.0
    return min(policy.quality.low, 1 - RULE_OF_THREE / templates)


def _cheapest_of(enough: Sequence[PolicyFigures]) -> PolicyFigures:
    """`enough` is not empty: the quality of Tier 3 is 1 by definition."""
    return min(enough, key=lambda each: each.cost.mean)


def _mix_cost(fixed: Sequence[PolicyFigures], least: float) -> float:
    """Return the cost of the cheapest draw between two tiers whose quality is `least`."""
    points = [(each.cost.mean, each.quality.mean) for each in fixed]
    costs = [cost for cost, quality in points if quality >= least]
    for cost, quality in points:
        for other_cost, other_quality in points:
            if quality < least < other_quality:
                share = (least - quality) / (other_quality - quality)
                costs.append(cost + share * (other_cost - cost))
    return min(costs)


def _unseen_quality(curve: PolicyCurve, policies: Sequence[Policy], least: float) -> float | None:
    arrays = curve.heldout.arrays
    weights, groups = arrays.weights[:, None], _groups(arrays.templates, len(arrays))
    cost = np.column_stack([p.mean_of(arrays.cost_usd) + p.router_usd for p in policies])
    quality = np.column_stack([p.mean_of(arrays.equivalent) for p in policies])
    sums = [
        _summed(weights * cells, groups) for cells in (cost, quality, np.ones((len(arrays), 1)))
    ]
    drawn = _draws(len(sums[0]))
    costs, shares = drawn @ sums[0], drawn @ sums[1] / (drawn @ sums[2])
    rest = (drawn == 0).astype(np.float64)
    left = rest @ sums[2]
    measured = (left > 0)[:, 0]
    if not measured.any():
        return None
    chosen = np.where(shares >= least, costs, np.inf).argmin(axis=1)[measured]
    others = (rest @ sums[1] / np.where(left > 0, left, 1.0))[measured]
    return float(others[np.arange(len(others)), chosen].mean())


def _groups(templates: Ints | None, n: int) -> Ints:
    if templates is None:
        return np.arange(n)
    return np.unique(templates, return_inverse=True)[1]


def _summed(cells: Floats, groups: Ints) -> Floats:
    sums: Floats = np.zeros((int(groups.max()) + 1, cells.shape[1]))
    np.add.at(sums, groups, cells)
    return sums


def _draws(n: int) -> Floats:
    """Return [CHOICES, n]: how often each group is drawn."""
    generator = np.random.default_rng(SEED)
    counts: Floats = generator.multinomial(n, np.full(n, 1 / n), size=CHOICES).astype(np.float64)
    return counts

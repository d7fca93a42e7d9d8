"""Figures of policies on a set of rows, with intervals; differences are paired by row, and rows of
one template are drawn together."""

from collections.abc import Mapping, Sequence

import numpy as np

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.promotion import GateResult, guarded_bounds
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, OutcomeArrays
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT, Policy
from route_switch.optimizer.report.figures import Gate, Interval, PolicyFigures, WorkloadFigures
from route_switch.optimizer.statistics import LEVEL, bootstrap

SEED = 0
"""Seed of the resamples: the same rows give the same intervals."""

Ratio = tuple[Floats, Floats]
"""Weighted numerators and denominators of the rows, [n] each."""


def policy_figures(
    arrays: OutcomeArrays, policies: Sequence[Policy], lambda_: float, seed: int = SEED
) -> tuple[PolicyFigures, ...]:
    """Return the figures of all policies, from the same rows and resamples."""
    ratios = [_ratios_of(policy, arrays, lambda_) for policy in policies]
    intervals = iter(_intervals([r for of in ratios for r in of.values()], arrays, seed))
    return tuple(
        PolicyFigures(
            policy=policy.name,
            mix=dict(zip(arrays.tiers, policy.mix(arrays.weights).tolist(), strict=True)),
            **{name: _in_range(name, next(intervals)) for name in of},
        )
        for policy, of in zip(policies, ratios, strict=True)
    )


def differences(
    arrays: OutcomeArrays,
    policies: Sequence[Policy],
    minuend: Policy,
    lambda_: float,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Return the objective of `minuend` minus that of each other policy, paired by row.

    If rows share templates, the bounds are the gate's, at 95%. A dozen templates often hold no
    example of a rare loss, and then a bootstrap interval lies above 0 where there is no gain
    (`tests/support/template_simulation.py`).
    """
    others = (policy for policy in policies if policy.name != minuend.name)
    gains = {other.name: _gains(arrays, minuend, other, lambda_) for other in others}
    return _paired(arrays, gains, seed)


def gains_over(
    arrays: OutcomeArrays,
    policies: Sequence[Policy],
    base: Policy,
    lambda_: float,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Return the objective of each other policy minus that of `base`, paired as above."""
    others = (policy for policy in policies if policy.name != base.name)
    gains = {other.name: _gains(arrays, other, base, lambda_) for other in others}
    return _paired(arrays, gains, seed)


def _paired(arrays: OutcomeArrays, gains: Mapping[str, Floats], seed: int) -> dict[str, Interval]:
    if not gains:
        return {}
    if arrays.share_templates:
        return {name: _guarded(arrays, each) for name, each in gains.items()}
    ratios = [(arrays.weights * each, arrays.weights) for each in gains.values()]
    return dict(zip(gains, _intervals(ratios, arrays, seed), strict=True))


def _guarded(arrays: OutcomeArrays, gains: Floats) -> Interval:
    rows = arrays.rows_of_templates
    weights = [float(arrays.weights[of].sum()) for of in rows]
    means = [float(np.average(gains[of], weights=arrays.weights[of])) for of in rows]
    bounds = guarded_bounds(means, weights, 1 - LEVEL)
    return Interval(mean=bounds.mean, low=bounds.low, high=bounds.high, n=len(arrays))


def workload_figures(
    arrays: OutcomeArrays,
    examples: Sequence[Example],
    policies: Sequence[Policy],
    lambda_: float,
    seed: int = SEED,
) -> tuple[WorkloadFigures, ...]:
    """Return figures per named workload, with costs relative to its own Tier 3 cost."""
    names = np.array([example.workload or "" for example in examples])
    figures = []
    for name in sorted({str(name) for name in names} - {""}):
        rows = names == name
        own = [policy.take(rows) for policy in policies]
        measured = policy_figures(arrays.take(rows), own, lambda_, seed)
        change = _change(arrays.take(rows), own, lambda_, seed)
        figures.append(WorkloadFigures(workload=name, policies=measured, change=change))
    return tuple(figures)


def _change(
    arrays: OutcomeArrays, policies: Sequence[Policy], lambda_: float, seed: int
) -> Interval | None:
    """Return the objective of the candidate minus that of the incumbent, if both are there."""
    named = {policy.name: policy for policy in policies}
    if CANDIDATE not in named or INCUMBENT not in named:
        return None
    return differences(arrays, [named[INCUMBENT]], named[CANDIDATE], lambda_, seed)[INCUMBENT]


def confusion(arrays: OutcomeArrays, policy: Policy, lambda_: float) -> dict[Tier, dict[Tier, int]]:
    """Return best tier → chosen tier → rows. Best: the highest reward, the lower tier on a tie."""
    best = arrays.rewards(lambda_).argmax(axis=1)
    chosen = policy.choice.argmax(axis=1)
    return {
        tier: {
            other: int(np.count_nonzero((best == row) & (chosen == column)))
            for column, other in enumerate(arrays.tiers)
        }
        for row, tier in enumerate(arrays.tiers)
    }


def held_out_gains(
    arrays: OutcomeArrays,
    examples: Sequence[Example],
    candidate: Policy,
    incumbent: Policy,
    lambda_: float,
) -> list[HeldOutGain]:
    """Return the rows' gains, which the promotion gate decides on. A row has the key of its
    template, so that the gate counts a template once, and no later look uses it again."""
    gains = _gains(arrays, candidate, incumbent, lambda_)
    moved = (candidate.choice != incumbent.choice).any(axis=1)
    return [
        HeldOutGain(example.template_key, float(gain), float(weight), float(moves))
        for example, gain, weight, moves in zip(examples, gains, arrays.weights, moved, strict=True)
    ]


def gate_figures(result: GateResult, needs_approval: str | None) -> Gate:
    """Return the gate's result as it appears in the report."""
    return Gate(
        verdict=result.verdict,
        gain=Interval(mean=result.mean, low=result.low, high=result.high, n=result.n),
        alpha=result.alpha,
        look=result.look,
        delta=result.delta,
        smallest_visible=result.smallest_visible,
        moved=result.moved,
        needs_approval=needs_approval,
        rests_on=None if result.rests_on is None else str(result.rests_on),
    )


def _gains(arrays: OutcomeArrays, minuend: Policy, other: Policy, lambda_: float) -> Floats:
    return minuend.rewards(arrays, lambda_) - other.rewards(arrays, lambda_)


def _ratios_of(policy: Policy, arrays: OutcomeArrays, lambda_: float) -> dict[str, Ratio]:
    """Return the ratios by the names of the fields of `PolicyFigures`."""
    weights = arrays.weights
    cost = policy.mean_of(arrays.cost_usd) + policy.router_usd
    ratios = {
        "cost": (weights * cost, weights * arrays.cost_usd[:, -1]),
        "quality": (weights * policy.mean_of(arrays.equivalent), weights),
        "retention": (weights * policy.mean_of(arrays.score), weights * arrays.score[:, -1]),
        "objective": (weights * policy.rewards(arrays, lambda_), weights),
    }
    if arrays.latency_ms is not None and policy.router_ms is not None:
        latency = policy.mean_of(arrays.latency_ms) + policy.router_ms
        ratios["latency_ms"] = (weights * latency, weights)
    return ratios


def _intervals(ratios: Sequence[Ratio], arrays: OutcomeArrays, seed: int) -> tuple[Interval, ...]:
    numerators, denominators = (np.column_stack(part) for part in zip(*ratios, strict=True))
    return tuple(
        Interval(mean=e.mean, low=e.low, high=e.high, n=len(numerators))
        for e in bootstrap(numerators, denominators, seed, clusters=arrays.templates)
    )


def _in_range(name: str, interval: Interval) -> Interval:
    """Quality is a share: with few templates, its interval would end beyond 0 or 1."""
    if name != "quality":
        return interval
    within = {"low": max(interval.low, 0.0), "high": min(interval.high, 1.0)}
    return interval.model_copy(update=within)

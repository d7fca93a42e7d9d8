"""Figures of the curve, all from the same rows and resamples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.profiles import PROFILES
from route_switch.optimizer.arrays import Floats
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.held_out import SEED, policy_figures
from route_switch.optimizer.report.figures import CurveFigures, CurvePoint, Interval
from route_switch.optimizer.statistics import bootstrap

PREFIX = "profile-"


@dataclass(frozen=True, slots=True)
class CurveChange:
    """What changes from one λ to another, paired by row; quality in points of a share."""

    cost: Interval
    quality: Interval


def curve_figures(curve: PolicyCurve) -> CurveFigures:
    return CurveFigures(
        points=points_at(curve, curve.lambdas()),
        profiles=policy_figures(
            curve.heldout.arrays,
            [curve.profile_policy(profile, f"{PREFIX}{profile}") for profile in PROFILES],
            curve.lambda_,
        ),
        profile_lambdas=tuple(curve.profile_lambda(profile) for profile in PROFILES),
    )


def points_at(curve: PolicyCurve, lambdas: Sequence[float]) -> tuple[CurvePoint, ...]:
    columns = [_columns(curve, lambda_) for lambda_ in lambdas]
    found = iter(_intervals(curve, [part for pair in columns for part in pair]))
    return tuple(
        CurvePoint(lambda_=lambda_, cost=next(found), quality=_share(next(found)))
        for lambda_ in lambdas
    )


def difference(curve: PolicyCurve, lambda_: float, other: float) -> CurveChange:
    """Return the figures at `lambda_` minus those at `other`."""
    pairs = zip(_columns(curve, lambda_), _columns(curve, other), strict=True)
    cost, quality = _intervals(curve, [(a - b, total) for (a, total), (b, _) in pairs])
    return CurveChange(cost, quality)


def _columns(curve: PolicyCurve, lambda_: float) -> tuple[tuple[Floats, Floats], ...]:
    """Return weighted numerators and denominators of cost and of quality, [n] each."""
    arrays, weights = curve.heldout.arrays, curve.heldout.arrays.weights
    paid = curve.chosen_cells(arrays.cost_usd, lambda_) + curve.heldout.router_usd
    equivalent = curve.chosen_cells(arrays.equivalent, lambda_)
    return (weights * paid, weights * arrays.cost_usd[:, -1]), (weights * equivalent, weights)


def _intervals(curve: PolicyCurve, ratios: Sequence[tuple[Floats, Floats]]) -> list[Interval]:
    arrays = curve.heldout.arrays
    numerators, denominators = (np.column_stack(part) for part in zip(*ratios, strict=True))
    estimates = bootstrap(numerators, denominators, SEED, clusters=arrays.templates)
    return [Interval(mean=e.mean, low=e.low, high=e.high, n=len(arrays)) for e in estimates]


def _share(interval: Interval) -> Interval:
    bounds = {"low": max(interval.low, 0.0), "high": min(interval.high, 1.0)}
    return interval.model_copy(update=bounds)

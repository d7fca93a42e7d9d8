"""Whether two curves are of the same run."""

from collections.abc import Iterator
from itertools import zip_longest
from math import isclose

from route_switch.optimizer.report.figures import CurveFigures

TOLERANCE = 1e-4
"""Relative and absolute. A report has six digits, and machines differ in the last ones."""


def same_curve(one: CurveFigures, other: CurveFigures) -> bool:
    """Compare all λ, costs and qualities. Intervals are drawn at random, so they follow from these
    only for one release of the library that draws."""
    pairs = zip_longest(_figures(one), _figures(other), fillvalue=-1.0)
    return all(isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE) for a, b in pairs)


def _figures(curve: CurveFigures) -> Iterator[float]:
    yield from curve.profile_lambdas
    for profile in curve.profiles:
        yield from (profile.quality.n, profile.cost.mean, profile.quality.mean)
        yield from (profile.retention.mean, profile.objective.mean, *profile.mix.values())
    for point in curve.points:
        yield from (point.lambda_, point.cost.mean, point.quality.mean)

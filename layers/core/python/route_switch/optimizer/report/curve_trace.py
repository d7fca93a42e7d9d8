"""The learned policy at every λ, as a line of the cost–quality picture, and its profiles."""

from dataclasses import replace

from route_switch.optimizer.report.figures import CurveFigures
from route_switch.optimizer.report.frontier import Curve, Frontier
from route_switch.optimizer.report.pictures.svg import ORANGE

CAPTION = (
    "The thin line is the learned policy at every λ, from quality at any cost to the least cost; "
    "profiles are points of it. "
)


def with_curve(drawn: Frontier, curve: CurveFigures | None) -> Frontier:
    """Add the curve to the picture, without `balanced`, which is the learned policy itself."""
    if curve is None:
        return drawn
    ends = [each for each in curve.profiles if not each.policy.endswith("balanced")]
    return replace(
        drawn, policies=(*drawn.policies, *ends), curves=(*drawn.curves, curve_line(curve))
    )


def curve_line(curve: CurveFigures) -> Curve:
    points = tuple((point.cost.mean, point.quality.mean) for point in curve.points)
    return Curve("the learned policy at every λ", points, ORANGE)

"""What the curve answers, in sentences."""

from dataclasses import dataclass

from route_switch.optimizer.curve.cheapest import Cheapest, cheapest, lambda_in
from route_switch.optimizer.curve.curve_points import (
    CurveChange,
    curve_figures,
    difference,
    points_at,
)
from route_switch.optimizer.curve.decided_rows import RunDecisions
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.report.figures import CurveFigures, CurvePoint, Interval, PolicyFigures
from route_switch.optimizer.report.profiles_section import profile_notes
from route_switch.optimizer.report.text_format import bounds, fixed, percent, ratio, share

CAVEAT = (
    "Nothing was learned from these rows. But a point picked on them looks better than it is, and "
    "its interval does not show that. Leave a margin, and measure again on new rows."
)


@dataclass(frozen=True, slots=True)
class CurveAnswers:
    """The curve, and the answers to what was asked of it."""

    curve: CurveFigures
    point: CurvePoint | None
    cheapest: Cheapest | None
    sentences: tuple[str, ...]


def ask_curve(
    decisions: RunDecisions, lambda_: float | None, min_quality: float | None
) -> CurveAnswers:
    curve = PolicyCurve.of(decisions)
    point, found = None, None
    said: list[str] = []
    if lambda_ is not None:
        [point] = points_at(curve, [lambda_])
        said.append(at_lambda(point, curve.lambda_, difference(curve, lambda_, curve.lambda_)))
        said += [_STEPS] if _moves_in_steps(decisions) else []
    if min_quality is not None:
        found = cheapest(curve, min_quality)
        said += cheapest_in_words(found, curve)
    figures = curve_figures(curve)
    return CurveAnswers(figures, point, found, (*said, *profile_notes(figures), CAVEAT))


_STEPS = (
    "This run kept the current prompt and fitted no tables, so only the three profiles change its "
    "tiers."
)


def _moves_in_steps(decisions: RunDecisions) -> bool:
    return decisions.validation is None and any(n >= 0 for n in decisions.heldout.named)


def at_lambda(point: CurvePoint, own_lambda: float, change: CurveChange) -> str:
    n = point.quality.n
    said = (
        f"At λ = {point.lambda_:g}, the learned policy costs {ratio(point.cost)} of all Tier 3, "
        f"with a quality of {percent(point.quality)} (n = {n:,})."
    )
    if point.lambda_ == own_lambda:
        return f"{said} That is its own λ."
    if change.cost.low == change.cost.high == change.quality.low == change.quality.high == 0:
        return f"{said} It sends every query to the same tier as at its own λ = {own_lambda:g}."
    return (
        f"{said} Compared with its own λ = {own_lambda:g}, cost changes by "
        f"{_signed(change.cost)} and quality by {_points(change.quality)} points."
    )


def cheapest_in_words(found: Cheapest, curve: PolicyCurve) -> tuple[str, ...]:
    least = share(found.least)
    said = [
        f"The cheapest policy with a quality of at least {least} is {_name(found.policy, curve)}: "
        f"cost {ratio(found.policy.cost)}, quality {percent(found.policy.quality)} (n = "
        f"{found.policy.quality.n:,}). A random mix of tiers with a quality of {least} "
        f"costs {fixed(found.mix_cost)}{_cheaper_mix(found)}."
    ]
    if found.unseen is not None:
        said.append(
            "It was chosen on the rows that it is measured on. Chosen in the same way on resampled "
            f"rows, the quality on the other rows is {share(found.unseen)} on average."
        )
    if found.sure.policy != found.policy.policy:
        said.append(
            f"If the lower end of the interval must reach {least} as well, take "
            f"{_name(found.sure, curve)}: cost {ratio(found.sure.cost)}, quality "
            f"{percent(found.sure.quality)}."
        )
    return tuple(said)


def _cheaper_mix(found: Cheapest) -> str:
    """Say so if drawing tiers at random is cheaper than what was found."""
    if round(found.mix_cost, 2) >= round(found.policy.cost.mean, 2):
        return ""
    return ", which is less: here, routing does not pay at this quality"


def _name(policy: PolicyFigures, curve: PolicyCurve) -> str:
    lambda_ = lambda_in(policy.policy)
    if lambda_ is not None:
        profile = curve.profile_at(lambda_)
        named = "" if profile is None else f", the profile '{profile}'"
        return f"the learned policy at λ = {lambda_:.3g}{named}"
    return f"Tier {policy.policy.removeprefix('tier-')} for every query"


def _signed(value: Interval) -> str:
    return f"{fixed(value.mean, 2, signed=True)} ({bounds(value, 2, signed=True)})"


def _points(value: Interval) -> str:
    """Format a difference of two shares in points of a hundred."""
    hundred = Interval(mean=100 * value.mean, low=100 * value.low, high=100 * value.high, n=value.n)
    return f"{fixed(hundred.mean, 1, signed=True)} ({bounds(hundred, 1, signed=True)})"

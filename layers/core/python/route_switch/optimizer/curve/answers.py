"""What the curve answers, in sentences."""

from route_switch.optimizer.curve.cheapest import Cheapest, lambda_in
from route_switch.optimizer.curve.curve_points import Difference
from route_switch.optimizer.report.figures import CurvePoint, Interval, PolicyFigures
from route_switch.optimizer.report.text_format import bounds, fixed, percent, ratio, share

CAVEAT = (
    "Nothing was learned from these rows. But a point that is chosen because it looks best on them "
    "is likely to be worse on new rows, and its interval does not show that. Leave a margin, and "
    "measure again on new rows."
)


def at_lambda(point: CurvePoint, run_lambda: float, change: Difference) -> str:
    n = point.quality.n
    said = (
        f"At λ = {point.lambda_:g}, the learned policy costs {ratio(point.cost)} of all Tier 3, "
        f"with a quality of {percent(point.quality)} (n = {n:,})."
    )
    if point.lambda_ == run_lambda:
        return f"{said} That is the run's own λ."
    return (
        f"{said} Compared with the run's λ = {run_lambda:g}, cost changes by "
        f"{_signed(change.cost)} and quality by {_points(change.quality)} points."
    )


def cheapest_in_words(found: Cheapest) -> tuple[str, ...]:
    least = share(found.least)
    said = [
        f"The cheapest with a quality of at least {least} is {_name(found.policy)}: cost "
        f"{ratio(found.policy.cost)}, quality {percent(found.policy.quality)} (n = "
        f"{found.policy.quality.n:,}). A random mix of tiers with this quality costs "
        f"{fixed(found.mix_cost)}."
    ]
    if found.unseen is not None:
        said.append(
            "It was chosen on the rows that it is measured on. Chosen in the same way on resampled "
            f"rows, the quality on the other rows is {share(found.unseen)} on average."
        )
    if found.sure.policy != found.policy.policy:
        said.append(
            f"To be at {least} with the lower end of the interval as well, take "
            f"{_name(found.sure)}: cost {ratio(found.sure.cost)}, quality "
            f"{percent(found.sure.quality)}."
        )
    return tuple(said)


def _name(policy: PolicyFigures) -> str:
    lambda_ = lambda_in(policy.policy)
    if lambda_ is not None:
        return f"the learned policy at λ = {lambda_:g}"
    return f"Tier {policy.policy.removeprefix('tier-')} for every query"


def _signed(value: Interval) -> str:
    return f"{fixed(value.mean, 2, signed=True)} ({bounds(value, 2, signed=True)})"


def _points(value: Interval) -> str:
    """Format a difference of two shares in points of a hundred."""
    hundred = Interval(mean=100 * value.mean, low=100 * value.low, high=100 * value.high, n=value.n)
    return f"{fixed(hundred.mean, 1, signed=True)} ({bounds(hundred, 1, signed=True)})"

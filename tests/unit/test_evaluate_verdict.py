"""The sentence that says what a comparison means."""

from types import SimpleNamespace
from typing import cast

import pytest

from route_switch.cli.evaluate_verdict import verdict_lines
from route_switch.optimizer.compare import Comparison
from route_switch.optimizer.report.figures import Interval


def interval(mean: float, low: float = 0.0, high: float = 0.0) -> Interval:
    return Interval(mean=mean, low=low, high=high, n=40)


def comparison(gain: Interval) -> Comparison:
    """Return what the verdict reads of a comparison in which always asking Tier 2 is best."""
    policies = [
        SimpleNamespace(policy=f"tier-{number}", cost=interval(number), objective=interval(value))
        for number, value in ((1, 0.5), (2, 0.8), (3, 0.7))
    ]
    against = {"tier-1": interval(9, 8, 9), "tier-2": gain, "tier-3": interval(9, 8, 9)}
    return cast(
        "Comparison", SimpleNamespace(policies=policies, against=against, templates=40, n=40)
    )


@pytest.mark.parametrize(
    ("gain", "start", "figure"),
    [
        (interval(0.05, 0.01, 0.09), "Route with this prompt:", "+0.050 (+0.010 to +0.090)"),
        (interval(-0.05, -0.09, -0.01), "Do not route with", "−0.050 (−0.090 to −0.010)"),
        (interval(0.01, -0.07, 0.03), "Not clear whether to route", "+0.010 (−0.070 to +0.030)"),
    ],
)
def test_only_a_prompt_that_is_clearly_better_than_the_best_constant_policy_is_recommended(
    gain: Interval, start: str, figure: str
) -> None:
    [said] = verdict_lines(comparison(gain))
    assert said.startswith(start)
    assert "everything to Tier 2, the best constant policy" in said
    assert figure in said

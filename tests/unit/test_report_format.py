"""Formats of figures."""

import pytest

from route_switch.optimizer.report.figures import Interval
from route_switch.optimizer.report.text_format import difference, fixed, percent, ratio, usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0.00"),
        (0.000421, "$0.000421"),
        (0.218, "$0.218"),
        (3.2, "$3.20"),
        (99.999, "$100.00"),
        (1240.4, "$1,240"),
        (-12.4, "−$12.40"),
    ],
)
def test_dollars_have_the_right_number_of_digits(value: float, text: str) -> None:
    assert usd(value) == text


def test_zero_has_no_sign() -> None:
    assert fixed(-0.001) == "0.00"


def test_signed_bounds_are_not_joined_by_a_dash() -> None:
    assert ratio(Interval(mean=0.01, low=-0.02, high=0.04, n=9)) == "0.01 (−0.02 to 0.04)"
    assert difference(Interval(mean=0.05, low=0.01, high=0.09, n=9)) == "+0.050 (+0.010 to +0.090)"


def test_an_exact_figure_has_no_interval() -> None:
    assert percent(Interval(mean=1, low=1, high=1, n=9)) == "100.0%"

"""`report.json` round-trips and is deterministic."""

import json

import pytest

from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.json_file import from_json, to_json
from tests.support.report import around, finished, stopped, undecided


@pytest.mark.parametrize(
    "report", [finished(), undecided(), stopped()], ids=["finished", "undecided", "stopped"]
)
def test_a_report_round_trips(report: Report) -> None:
    text = to_json(report)
    again = from_json(text)
    assert to_json(again) == text
    assert again.gate == report.gate
    assert again.tiers == report.tiers


def test_the_order_of_dictionaries_does_not_change_the_file() -> None:
    report = finished()
    turned = finished(against=dict(reversed(report.against.items())))
    assert to_json(turned) == to_json(report)


def test_lambda_has_its_own_name_and_tiers_are_numbers() -> None:
    content = json.loads(to_json(finished()))
    assert content["lambda"] == 0.2
    assert set(content["tiers"]) == {"1", "2", "3"}


def test_floats_have_six_significant_digits() -> None:
    content = json.loads(to_json(finished(tier_3_usd=0.00001234567891)))
    assert content["tier_3_usd"] == 0.0000123457


def test_a_figure_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(finished(saving_usd_a_month=around(float("nan"), 1)))

"""How `route-switch savings` words what was saved."""

from dataclasses import replace
from datetime import date

import pytest

from route_switch.cli.savings_view import savings_lines
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_savings import Savings
from route_switch.services.operations.sum_costs import CostsQuery, CostsReport

TOTAL = CostTotals(
    2.5,
    answered=9,
    failed=1,
    dry_runs=2,
    router_usd=0.5,
    saved_usd=0.25,
    saved_usd_low=-0.5,
    saved_usd_high=1.5,
)


def lines(total: CostTotals) -> str:
    query = CostsQuery(date(2026, 11, 2), date(2026, 11, 29), "tier")
    report = CostsReport(query, total, ())
    found = Savings(report, Switches(), None, None, None, None)
    return "\n".join(savings_lines(found, Tier.LARGE))


def test_a_saving_has_the_bounds_that_costs_shows() -> None:
    said = lines(TOTAL)
    assert (
        "saved          0.2500 USD (−0.5000 to 1.50), net of router and learning; it may be a loss"
    ) in said
    assert "for 12 requests, 9 answered, including 0.5000 USD" in said


@pytest.mark.parametrize(("low", "high"), [(0.1, 1.5), (-1.5, -0.1)])
def test_a_saving_whose_sign_is_certain_is_not_called_a_possible_loss(
    low: float, high: float
) -> None:
    assert "may be" not in lines(replace(TOTAL, saved_usd_low=low, saved_usd_high=high))


def test_a_saving_without_an_estimate_in_it_has_no_bounds() -> None:
    exact = replace(TOTAL, saved_usd=-0.2, saved_usd_low=-0.2, saved_usd_high=-0.2)
    assert "saved          −0.2000 USD, net of router and learning" in lines(exact)


def test_sums_say_what_they_leave_out() -> None:
    said = lines(replace(TOTAL, without_cost=4, without_saving=3))
    assert "for router calls; 4 of 12 requests could not be priced" in said
    assert "it may be a loss; 3 of 9 answers could not be priced" in said


def test_sums_that_cover_nothing_are_unknown() -> None:
    said = lines(replace(TOTAL, spent_usd=0.0, without_cost=9, without_saving=9))
    assert "spent          unknown for 12 requests, 9 answered" in said
    assert "saved          unknown: no answer has an estimate of its cost on Tier 3" in said

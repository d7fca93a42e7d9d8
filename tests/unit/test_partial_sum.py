"""One rule for sums of which a part could not be priced, in every view."""

from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.api.costs_answer import costs_body
from route_switch.cli.savings_view import savings_lines
from route_switch.dashboard.week.figures import figures_of
from route_switch.domain.learning.prompt_news import PromptNews
from route_switch.domain.operations.amounts import UNKNOWN
from route_switch.domain.operations.costs import (
    CostTotals,
    costs_of,
    costs_of_models,
    costs_of_tiers,
)
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_savings import Savings
from route_switch.services.operations.sum_costs import CostsQuery, CostsReport
from route_switch.services.operations.three_sentences import three_sentences
from tests.support.week import FIGURES, with_costs

NO_NEWS = PromptNews("Nothing happened")
QUERY = CostsQuery(date(2026, 11, 24), date(2026, 11, 30), "tier")


def body_of(costs: CostTotals) -> dict[str, Any]:
    return cast("dict[str, Any]", costs_body(CostsReport(QUERY, costs, ()))["total"])


def savings_of(costs: CostTotals) -> dict[str, str]:
    found = Savings(CostsReport(QUERY, costs, ()), Switches(), None, None, None, None)
    lines = [line.split(maxsplit=1) for line in savings_lines(found, Tier.LARGE)]
    return {line[0]: line[1] for line in lines if len(line) == 2}


@pytest.mark.parametrize(
    ("unpriced", "hint", "in_short"),
    [
        (0, None, "$1.20"),
        (1, "1 of 1,200 answers could not be priced", "$1.20 + 1 unpriced"),
        (1_100, "1,100 of 1,200 answers could not be priced", "$1.20 + 1,100 unpriced"),
    ],
)
def test_a_sum_says_what_it_leaves_out(unpriced: int, hint: str | None, in_short: str) -> None:
    found = PartialSum(1.2, unpriced, 1_200)
    assert (found.hint, found.in_short) == (hint, in_short)


def test_a_sum_that_covers_nothing_is_unknown() -> None:
    assert PartialSum(None, 3, 3).in_short == UNKNOWN


@given(st.integers(1, 500), st.data())
def test_report_overview_and_savings_agree_on_what_is_known(
    answered: int, data: st.DataObject
) -> None:
    failed = data.draw(st.integers(0, 50))
    without_cost = data.draw(st.integers(0, answered + failed))
    without_saving = data.draw(st.integers(0, answered))
    spent = 0.0 if without_cost >= answered else data.draw(st.floats(0.01, 1e4))
    report = with_costs(
        answered=answered,
        failed=failed,
        spent_usd=spent,
        learning_usd=0.0,
        without_cost=without_cost,
        without_saving=without_saving,
    )
    costs = report.figures.costs
    body, savings = body_of(costs), savings_of(costs)
    figures = {each.name: each for each in figures_of(report)}
    money = three_sentences(report.figures, NO_NEWS).money
    for name, key in (("spent", "spent_usd"), ("saved", "saved_estimated_usd")):
        figure, hint = figures[name.capitalize()], body["unpriced"][name]
        is_known = body[key] is not None
        assert (figure.value != UNKNOWN) is is_known
        assert savings[name].startswith("unknown") is not is_known
        if hint is not None:
            assert hint in figure.note
            assert hint in money
            assert hint in savings[name] or not is_known
    assert (body["spent_usd"] is None) is (0 < without_cost >= answered)
    assert (body["saved_estimated_usd"] is None) is (without_saving == answered)
    assert (body["unpriced"]["spent"] is None) is (without_cost == 0)
    assert (body["unpriced"]["saved"] is None) is (without_saving == 0)


def test_a_part_without_a_price_leaves_a_lower_bound() -> None:
    costs = replace(FIGURES.costs, without_cost=600, without_saving=600)
    body = body_of(costs)
    assert body["spent_usd"] == pytest.approx(12.3)
    assert body["saved_estimated_usd"] == pytest.approx(19.91)
    assert body["unpriced"] == {
        "spent": "600 of 1,200 requests could not be priced",
        "baseline": None,
        "saved": "600 of 1,200 answers could not be priced",
    }


def test_failed_requests_do_not_make_an_unknown_sum_known() -> None:
    counters = {"answered": 10, "failed": 2, "cost_usd:unknown": 12, "tier:1": 10}
    costs = costs_of({**counters, "saved_usd:unknown": 12, "baseline_cost_usd:unknown": 12}, 0.0)
    body = body_of(costs)
    assert (body["spent_usd"], body["baseline_estimated_usd"]) == (None, None)
    assert (body["saved_estimated_usd"], body["saved_usd_low"]) == (None, None)


def test_without_a_request_nothing_is_unknown() -> None:
    body = body_of(costs_of({}, 0.0))
    assert (body["spent_usd"], body["saved_estimated_usd"]) == (0.0, 0.0)
    assert set(body["unpriced"].values()) == {None}


def test_a_tier_without_a_price_is_unknown_and_says_so() -> None:
    tiers = costs_of_tiers({"tier:1": 3, "tier:2": 2, "cost_usd:tier:2": 0.5})
    one, two = body_of(tiers["1"]), body_of(tiers["2"])
    assert (one["spent_usd"], two["spent_usd"]) == (None, 0.5)
    assert one["unpriced"]["spent"] == "3 of 3 answers could not be priced"
    assert body_of(tiers["3"])["spent_usd"] == 0.0


def test_a_model_without_a_price_is_listed_with_an_unknown_sum() -> None:
    counters = {
        "cost_usd:model:known": 0.5,
        "cost_usd:model:mixed": 0.2,
        "cost_usd:unknown:model:mixed": 3,
        "cost_usd:unknown:model:new": 2,
    }
    models = costs_of_models(counters)
    assert list(models) == ["known", "mixed", "new"]
    known, mixed, new = (body_of(each) for each in models.values())
    assert (known["spent_usd"], known["unpriced"]["spent"]) == (0.5, None)
    assert (mixed["spent_usd"], mixed["unpriced"]["spent"]) == (
        0.2,
        "3 requests could not be priced",
    )
    assert (new["spent_usd"], new["requests_without_cost"]) == (None, 2)


def test_a_share_is_stated_only_for_the_same_answers() -> None:
    whole = replace(FIGURES.costs, without_saving=0, without_baseline=0)
    assert whole.saved_share is not None
    assert replace(whole, without_saving=600).saved_share is None

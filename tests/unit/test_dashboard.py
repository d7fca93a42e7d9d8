"""The widgets' HTML, from counters as the store writes them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.dashboard.keys_widget import MOST_ROWS, KeysView
from route_switch.dashboard.markup import Table
from route_switch.dashboard.prompts_widget import PromptsView
from route_switch.dashboard.spend_widget import IN_SHADOW, REASONS, SpendView
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.decision import Reason
from route_switch.domain.operations.amounts import share, usd
from route_switch.domain.operations.costs import CostTotals, Counters
from route_switch.domain.request_record import Attempt, RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_spend import ShowSpend, Spend
from route_switch.services.operations.sum_costs import CostGroup, CostsQuery, CostsReport, SumCosts
from route_switch.services.prompts.describe_versions import Gain, VersionOrigin
from tests.support.records import RECORD
from tests.unit.test_sum_costs import FakeTotals

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
UNPRICED = Attempt("new/model", Tier.LARGE, "answered", 1.0)
EVIL = "<img src=x onerror=alert(1)>"


def paid(day: int, tier: Tier, usd: float) -> RequestRecord:
    """Return a routed and answered request, whose router call cost 0.01 USD."""
    model = f"openai/{tier.name.lower()}"
    router = Attempt("openai/router", None, "answered", 1.0, cost_usd=0.01)
    answer = Attempt(model, tier, "answered", 1.0, cost_usd=usd)
    return replace(
        RECORD,
        created_at=datetime(2026, 11, day, 12, tzinfo=UTC),
        tier=tier,
        model=model,
        attempts=(router, answer),
        baseline_cost_usd=1.0,
    )


MADE = [
    paid(24, Tier.SMALL, 0.02),
    replace(paid(24, Tier.SMALL, 0.03), reason=Reason.BYPASS),
    paid(2, Tier.LARGE, 0.9),
    replace(paid(2, Tier.MEDIUM, 0.4), status="failed", baseline_cost_usd=None, key_id="key_2"),
]
LEARNING = {date(2026, 11, 8): 0.11, TODAY + timedelta(1): 5.0}


def rows_of(html: str) -> dict[str, list[str]]:
    """Return the rows of all tables by their first cell."""
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    return {unescape(row[0]): [unescape(cell) for cell in row[1:]] for row in rows if row}


def spend(
    made: list[RequestRecord], learning: dict[date, float], budget: float | None = None
) -> dict[str, list[str]]:
    shown = ShowSpend(FakeTotals(made, learning))(TODAY)
    return rows_of(SpendView(*shown, budget).html)


def test_spending_is_shown_for_today_and_the_month_by_purpose() -> None:
    rows = spend(MADE, LEARNING, budget=10.0)
    assert rows["Spent"] == ["$0.0700", "$1.50"]
    assert rows["… on answers"] == ["$0.0500 (71.4%)", "$1.35 (90.0%)"]
    assert rows["… on the router"] == ["$0.0200 (28.6%)", "$0.0400 (2.7%)"]
    assert rows["… on learning"] == ["$0.00 (0.0%)", "$0.110 (7.3%)"]
    assert rows["All on Tier 3 (estimated)"] == ["$2.00", "$3.00"]
    assert rows["Saved, net (estimated)"] == ["$1.93 (96.5%)", "$1.50 (50.0%)"]
    assert rows["Requests"] == ["2", "4"]
    assert rows["Cost per 1,000 requests, without learning"] == ["$35.00", "$347.50"]
    assert rows["… of the month's budget"] == ["", "$10.00 (15.0% used)"]


def test_an_estimated_saving_is_shown_with_its_bounds() -> None:
    estimated = [replace(e, baseline_low_usd=0.5, baseline_high_usd=2.0) for e in MADE[:2]]
    rows = spend(estimated, {})
    assert rows["Saved, net (estimated)"] == ["$1.93 (96.5%), from $0.930 to $3.93"] * 2


def test_what_routing_would_have_saved_in_shadow_is_shown_if_there_was_any() -> None:
    assert IN_SHADOW not in spend(MADE, LEARNING)
    counters = {"shadow:routed": 2, "shadow:routed:priced": 2, "shadow:routed:saved_usd": 0.5}
    month, today = Spend.from_counters(counters, 0.0), Spend.from_counters({}, 0.0)
    assert rows_of(SpendView(today, month, None).html)[IN_SHADOW] == ["", "$0.500"]


def test_tiers_models_and_reasons_have_their_shares() -> None:
    rows = spend(MADE, LEARNING)
    assert rows["1"] == ["2", "100.0%", "$0.0500", "2", "66.7%", "$0.0500"]
    assert rows["2"] == ["0", "0.0%", "$0.00", "0", "0.0%", "$0.400"]
    assert rows["3"] == ["0", "0.0%", "$0.00", "1", "33.3%", "$0.900"]
    assert rows["Router"] == ["", "", "$0.0200", "", "", "$0.0400"]
    assert rows["openai/large"] == ["$0.00", "0.0%", "$0.900", "64.7%"]
    assert rows[REASONS[Reason.BYPASS]] == ["1", "50.0%", "1", "33.3%"]
    assert "… of the month's budget" not in rows
    assert set(REASONS) == set(Reason)


def test_unknown_figures_are_shown_as_unknown_and_counted() -> None:
    rows = spend([replace(RECORD, created_at=NOON, attempts=(UNPRICED,))], {})
    assert rows["Spent"] == ["unknown", "unknown"]
    assert rows["All on Tier 3 (estimated)"] == ["unknown", "unknown"]
    assert rows["Saved, net (estimated)"] == ["unknown", "unknown"]
    assert rows["Requests of unknown cost"] == ["1", "1"]
    assert rows["Answers without an estimate"] == ["1", "1"]


def test_a_month_without_requests_is_shown_without_an_error() -> None:
    rows = spend([], {})
    assert rows["Spent"] == ["$0.00", "$0.00"]
    assert rows["Cost per 1,000 requests, without learning"] == ["–", "–"]
    assert rows["1"][1] == "–"


def test_the_saving_has_a_share_only_if_the_baseline_covers_the_same_answers() -> None:
    """The saving leaves out the answer of unknown cost; the baseline includes it."""
    many = [*MADE] * 5
    rows = spend([*many, replace(paid(24, Tier.LARGE, 0.0), attempts=(UNPRICED,))], {})
    assert rows["Saved, net (estimated)"] == ["$9.65", "$8.05"]


def test_a_saving_that_leaves_answers_out_is_shown_with_their_number() -> None:
    unknown = [replace(paid(24, Tier.SMALL, 0.1), baseline_cost_usd=None)] * 3
    rows = spend([*MADE, *unknown], {})
    assert rows["Saved, net (estimated)"] == ["$1.93 (96.5%)", "$1.61 (53.7%)"]
    assert rows["Answers without an estimate"] == ["3", "3"]
    assert spend(unknown, {})["Saved, net (estimated)"] == ["unknown", "unknown"]


def test_each_day_of_the_month_is_read_once() -> None:
    class Counted(FakeTotals):
        read: Sequence[date] = ()

        def of_days(self, days: Sequence[date]) -> Mapping[date, Counters]:
            self.read = (*self.read, *days)
            return super().of_days(days)

    totals = Counted(MADE, LEARNING)
    ShowSpend(totals)(TODAY)
    assert totals.read == tuple(date(2026, 11, day) for day in range(1, 25))


def keys_report(keys: list[ApiKey], made: list[RequestRecord]) -> CostsReport:
    query = CostsQuery(date(2026, 11, 1), TODAY, "key")
    return SumCosts(FakeTotals(made, LEARNING), lambda: keys)(query)


def test_each_key_has_a_row_with_its_spending_and_budget() -> None:
    keys = [
        ApiKey("key_1", "web", "client", tags={"team": "search", "cost": "77"}),
        ApiKey("key_2", "batch", "client", monthly_budget_usd=0.5, revoked=True),
        ApiKey("key_3", "idle", "client", monthly_budget_usd=1),
    ]
    gone = replace(paid(3, Tier.SMALL, 0.04), key_id="gone")
    rows = rows_of(KeysView(keys_report(keys, [*MADE, gone])).html)
    assert list(rows) == ["web", "batch (revoked)", "Deleted keys", "All keys"]
    assert rows["web"] == ["team=search, cost=77", "3", "$0.980", "–", "–"]
    assert rows["batch (revoked)"] == ["", "1", "$0.410", "$0.500", "82.0%"]
    assert rows["All keys"] == ["", "5", "$1.44", "–", "–"]


def test_keys_beyond_the_row_limit_are_summed_in_one_row() -> None:
    keys = [ApiKey(f"key_{n}", f"k{n}", "client") for n in range(MOST_ROWS + 2)]
    made = [replace(paid(2, Tier.SMALL, n / 100), key_id=key.key_id) for n, key in enumerate(keys)]
    rows = rows_of(KeysView(keys_report(keys, made)).html)
    assert len(rows) == MOST_ROWS + 2
    assert next(iter(rows)) == f"k{MOST_ROWS + 1}"
    assert rows["2 others"] == ["", "2", "$0.0300", "–", "–"]
    assert rows["All keys"][1] == str(MOST_ROWS + 2)


def test_a_keys_requests_of_unknown_cost_are_counted_next_to_its_spending() -> None:
    row = CostGroup(ApiKey("k", "web", "client"), CostTotals(0.5, 3, 0, 0, without_cost=2))
    report = CostsReport(CostsQuery(TODAY, TODAY, "key"), CostTotals(0.5, 3, 0, 0), (row,))
    assert rows_of(KeysView(report).html)["web"][2] == "$0.500 + 2 unpriced"


MARK = VersionOrigin(
    7,
    datetime(2026, 11, 22, 3, 41, tzinfo=UTC),
    "arn:aws:sts::1:assumed-role/role/promoter",
    "learned",
    serves=True,
    verdict="better",
    gain=Gain(0.0351, 0.012, -0.0004),
)


def test_versions_show_their_gain_and_the_live_one_is_bold() -> None:
    earlier = replace(MARK, version=6, serves=False, origin="edit of 5", verdict=None, gain=None)
    html = PromptsView([MARK, earlier], "live@7").html
    rows = rows_of(html)
    gain = "+0.035 (+0.012 to +0.000)"
    assert rows["7 (live)"] == ["learned", f"better: {gain}", "promoter", "2026-11-22 03:41"]
    assert rows["6"] == ["edit of 5", "–", "promoter", "2026-11-22 03:41"]
    assert html.count("font-weight:bold") == len(rows["6"]) + 1
    assert "In use: live@7." in html


def test_the_promise_of_the_version_in_use_is_shown() -> None:
    promised = replace(MARK, promise="at most 5% of answers are worse than Tier 3's")
    said = "The promise: at most 5% of answers are worse than Tier 3"
    assert said in unescape(PromptsView([promised], "live@7").html)
    before = replace(promised, version=6, serves=False)
    assert said not in unescape(PromptsView([MARK, before], "live@7").html)


def test_names_are_escaped() -> None:
    key = ApiKey("key_1", EVIL, "client", tags={EVIL: EVIL})
    attempt = Attempt(EVIL, Tier.SMALL, "answered", 1.0, cost_usd=1)
    model = replace(paid(24, Tier.SMALL, 1.0), attempts=(attempt,))
    mark = replace(MARK, written_by=EVIL, origin=EVIL, verdict=EVIL, promise=EVIL)
    for html in (
        KeysView(keys_report([key], MADE)).html,
        SpendView(*ShowSpend(FakeTotals([model]))(TODAY)).html,
        PromptsView([mark], EVIL).html,
    ):
        assert "<img" not in html
        assert "&lt;img" in html


@given(st.text())
def test_any_text_stays_inside_its_cell(text: str) -> None:
    html = Table(("x",), [(text,)]).html
    [cell] = re.findall(r"<td[^>]*>([^<>]*)</td>", html)
    assert unescape(cell) == text
    assert html.count("<") == Table(("x",), [("",)]).html.count("<")


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (-0.0, "$0.00"),
        (1e-13, "$0.00"),
        (3.12e-7, "$0.000000312"),
        (0.0123, "$0.0123"),
        (0.99999, "$1.00"),
        (1.005, "$1.00"),
        (-0.25, "−$0.250"),
        (1234567.891, "$1,234,567.89"),
    ],
)
def test_small_sums_have_three_digits_and_large_ones_cents(
    amount: float | None, written: str
) -> None:
    assert usd(amount) == written


def test_a_share_of_zero_is_a_dash_and_a_share_of_unknown_is_unknown() -> None:
    assert (share(1, 0), share(None, 1), share(1, None)) == ("–", "unknown", "unknown")
    assert (share(-1, 8), share(-0.0, 8)) == ("−12.5%", "0.0%")


@pytest.mark.parametrize("file", sorted(Path("events/dashboard").glob("*.json")), ids=str)
def test_each_sample_event_asks_for_the_view_it_is_named_for(file: Path) -> None:
    event = json.loads(file.read_text("utf-8"))
    assert event.get("view", "describe") == file.stem

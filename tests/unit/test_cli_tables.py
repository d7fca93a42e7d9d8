"""What `costs` and `prompt history` show of unknown money and of authors."""

import io
from datetime import UTC, date, datetime

import pytest

from route_switch.cli.money_view import costs_table, saved_in_words
from route_switch.cli.prompt_view import history_table
from route_switch.cli.terminal import PlainConsole
from route_switch.domain.operations.costs import CostTotals, Counters
from route_switch.domain.ports import StoredVersion
from route_switch.services.operations.sum_costs import CostsQuery, CostsReport, SumCosts
from tests.unit.test_sum_costs import FakeTotals

DAY = date(2026, 11, 8)


class Counted(FakeTotals):
    def __init__(self, counters: Counters) -> None:
        super().__init__(())
        self.counters = counters

    def of_days(self, days: object) -> dict[date, Counters]:
        return {DAY: self.counters}


def by_tier(counters: Counters) -> CostsReport:
    return SumCosts(Counted(counters), list)(CostsQuery(DAY, DAY, "tier"))


def printed(table: object) -> list[str]:
    out = io.StringIO()
    PlainConsole(file=out, width=120).print(table)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("counters", "spent"), [({}, "unknown"), ({"cost_usd:tier:1": 0.0}, "$0.00")]
)
def test_a_tier_of_unknown_cost_is_told_from_a_free_one(counters: Counters, spent: str) -> None:
    report = by_tier({"answered": 3, "tier:1": 3, "cost_usd:unknown": 3, **counters})
    [row] = [line for line in printed(costs_table(report)) if line.startswith("│ 1 ")]
    assert row.split()[3:6] == ["3", "│", spent]
    told = "Spent is unknown: 3 of 3 requests could not be priced, because"
    assert told in saved_in_words(report.total)


def test_a_sum_that_leaves_requests_out_is_called_a_lower_bound() -> None:
    partly = CostTotals(1.0, 3, 0, 0, saved_usd=2.0, without_cost=2, without_saving=1)
    assert "Spent is a lower bound: 2 of 3 requests could not be priced" in saved_in_words(partly)
    assert "Saved leaves some answers out: 1 of 3 answers could not" in saved_in_words(partly)


def test_prompt_cache_use_is_described_in_words_where_there_was_any() -> None:
    cached = CostTotals(
        1.0, input_tokens=200_000, cached_input_tokens=150_000, cache_write_tokens=9_000
    )
    words = " ".join(saved_in_words(cached).split())
    assert (
        "Of 200,000 input tokens, providers read 150,000 (75%) from their prompt caches and wrote "
        "9,000 (4%) to them." in words
    )
    for unused in (CostTotals(1.0), CostTotals(1.0, input_tokens=10, cached_input_tokens=0)):
        assert "prompt caches" not in saved_in_words(unused)


@pytest.mark.parametrize(
    ("arn", "author"),
    [
        ("arn:aws:iam::1:user/team/ann", "user/team/ann"),
        ("arn:aws:sts::1:assumed-role/promoter/run", "assumed-role/promoter/run"),
        ("ops/ann", "ops/ann"),
    ],
)
def test_the_history_names_the_whole_author(arn: str, author: str) -> None:
    version = StoredVersion("{}", 1, datetime(2026, 11, 8, tzinfo=UTC), arn)
    [_, row] = printed(history_table((version,)))
    assert row.split()[-1] == author

"""Answers of `GET /v1/costs`, made up: the sums of the keys' requests, see `console_answers`."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import cast

from route_switch.api.costs_answer import costs_body
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.overview import Overview, Ratings, Times
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier
from route_switch.services.operations.sum_costs import CostGroup, CostsQuery, CostsReport, GroupBy
from tests.support.console_answers import (
    KEYS,
    LEARNING_USD,
    MODELS,
    NOW,
    REQUESTS,
    TIER_3_USD_A_REQUEST,
    USD_A_REQUEST,
)

DAYS = 30
FAILED = 0.01
SMALL, MEDIUM = 0.46, 0.31
"""Shares of the answers."""
USD_OF = {"1": 0.07, "2": 0.2, "3": 0.7, "router": 0.03}
"""Shares of what was spent."""


@cache
def costs(group_by: str = "day", requests: int = REQUESTS) -> JsonObject:
    noise = random.Random(11)  # noqa: S311 (no secret)
    days = by_day(requests, noise)
    first, *_, last = days
    whole = total(list(days.values()), noise)
    if group_by == "day":
        rows = [CostGroup(day, of_day) for day, of_day in days.items()]
    else:
        rows = groups(group_by, whole, noise)
    query = CostsQuery(first, last, cast("GroupBy", group_by))
    return costs_body(CostsReport(query, whole, tuple(rows)))


def no_costs() -> JsonObject:
    """The sums of a stage that has answered nothing."""
    nothing = CostTotals(
        spent_usd=0.0,
        answered=0,
        failed=0,
        dry_runs=0,
        router_usd=0.0,
        learning_usd=0.0,
        baseline_usd=0.0,
        saved_usd=0.0,
        overview=Overview(tuple((tier, 0) for tier in Tier), None, None, None),
    )
    today = NOW.date()
    return costs_body(CostsReport(CostsQuery(today, today, "day"), nothing, ()))


def by_day(requests: int, noise: random.Random) -> dict[date, CostTotals]:
    """A month in which answers became cheaper. Learning counts on the day of its run."""
    weights = [360 + noise.randrange(120) for _ in range(DAYS)]
    counts = [requests * weight // sum(weights) for weight in weights]
    counts[-1] += requests - sum(counts)
    falling = [1.35 - n / 40 for n in range(DAYS)]
    mean = sum(n * each for n, each in zip(counts, falling, strict=True)) / requests
    days = [NOW.date() - timedelta(days=n) for n in reversed(range(DAYS))]
    learning = {date.fromisoformat(run[:10]): usd for run, usd in LEARNING_USD.items()}
    return {
        day: sums(n, USD_A_REQUEST * each / mean, noise, learning.get(day, 0.0))
        for day, n, each in zip(days, counts, falling, strict=True)
    }


def total(days: Sequence[CostTotals], noise: random.Random) -> CostTotals:
    """The sum of the days, with times and ratings of its own."""
    requests = sum(day.requests or 0 for day in days)
    spent = sum(day.spent_usd for day in days)
    return sums(requests, spent / requests, noise, sum(day.learning_usd or 0.0 for day in days))


def groups(group_by: str, whole: CostTotals, noise: random.Random) -> list[CostGroup]:
    """The rows of a group. Models and tiers have sums of their own, which lack some figures."""
    spent = {name: whole.spent_usd * share for name, share in USD_OF.items()}
    if group_by == "key":
        return [CostGroup(key_of(*row[:4]), sums(row[5], USD_A_REQUEST, noise)) for row in KEYS]
    if group_by == "tag":
        return [CostGroup(tag, sums(n, USD_A_REQUEST, noise)) for tag, n in requests_by_tag()]
    if group_by == "tier":
        answers = {str(tier.value): n for tier, n in whole.overview.tiers} if whole.overview else {}
        return [CostGroup(name, CostTotals(usd, answers.get(name))) for name, usd in spent.items()]
    usd = (spent["1"] + spent["router"], spent["2"], spent["3"])
    return [CostGroup(model, CostTotals(each)) for model, each in zip(MODELS, usd, strict=True)]


def key_of(key_id: str, name: str, role: str, tags: Mapping[str, str]) -> ApiKey:
    return ApiKey(key_id, name, "admin" if role == "admin" else "client", tags=tags)


def requests_by_tag() -> list[tuple[str | None, int]]:
    """A key with several tags counts for each."""
    counted: dict[str | None, int] = {}
    for _, _, _, tags, _, requests in KEYS:
        own: list[str | None] = [f"{name}={value}" for name, value in tags.items()]
        for tag in own or [None]:
            counted[tag] = counted.get(tag, 0) + requests
    return sorted(counted.items(), key=lambda each: (each[0] is None, each[0] or ""))


def sums(
    requests: int, usd_each: float, noise: random.Random, learning: float | None = None
) -> CostTotals:
    """The sums of this many requests. As in the product, what was saved is net of learning."""
    failed = round(requests * FAILED)
    answered = requests - failed
    small, medium = round(answered * SMALL), round(answered * MEDIUM)
    large = answered - small - medium
    spent, baseline = requests * usd_each, requests * TIER_3_USD_A_REQUEST
    saved = baseline - spent - (learning or 0.0)
    return CostTotals(
        spent_usd=spent,
        answered=answered,
        failed=failed,
        dry_runs=0,
        router_usd=spent * USD_OF["router"],
        learning_usd=learning,
        baseline_usd=baseline,
        saved_usd=saved,
        without_cost=0,
        without_baseline=0,
        without_saving=0,
        saved_usd_low=saved - baseline * 0.06,
        saved_usd_high=saved + baseline * 0.05,
        saving_basis=((SavingBasis.TIER_3, large), (SavingBasis.MEASURED, small + medium)),
        input_tokens=requests * 412,
        cached_input_tokens=requests * 96,
        cache_write_tokens=0,
        overview=Overview(
            ((Tier.SMALL, small), (Tier.MEDIUM, medium), (Tier.LARGE, large)),
            Times(
                903 + noise.randrange(60), 690 + noise.randrange(60), 2_280 + noise.randrange(200)
            ),
            Times(412, 370 + noise.randrange(20), 880 + noise.randrange(60)),
            Ratings(0.9 + noise.random() * 0.06, requests // 40 + 1),
        ),
    )

"""`GET /v1/costs`: query parameters and response."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeGuard, get_args

from route_switch.api.query_parameters import bad_parameter, read_day
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.overview import Overview, Times
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.sum_costs import (
    BY_MONTH,
    CostGroup,
    CostsQuery,
    CostsReport,
    GroupBy,
)

MAX_RANGE_DAYS = 366
PARAMETERS = ("from", "to", "group_by")
GROUPS = get_args(GroupBy)
COSTS_NOTE = (
    "spent_usd covers the model calls of requests, learning_usd those of learning runs (spent or "
    "reserved); neither includes AWS's own cost. Baseline and saved are estimates; saved lies "
    "between saved_usd_low and saved_usd_high. It is net of the router and, where learning_usd is "
    "given, of learning. saving_basis counts answers by what their saving rests on. unpriced says "
    "what a sum leaves out; spent_usd is then a lower bound. input_tokens "
    "are those of all calls of requests; of these, cached_input_tokens were read from providers' "
    "prompt caches and cache_write_tokens written to them. p50 and p95 are read from a histogram, "
    "to within a factor of 2; in its last bucket, read them as 'at least' its start. A key with "
    "several tags counts for each. null means unknown."
)


def costs_query(params: Mapping[str, str], today: date) -> CostsQuery:
    """Raise `RequestRefusedError` naming the invalid parameter. The default is the current month so
    far; without `from`, it is the month of `to` up to that day."""
    last = read_day(params, "to", today)
    first = read_day(params, "from", last.replace(day=1))
    group_by = params.get("group_by", "day")
    if not _is_group(group_by):
        raise bad_parameter(
            "group_by", f"'{group_by}' is not a valid group_by. Use one of {', '.join(GROUPS)}."
        )
    if first > last:
        raise bad_parameter(
            "from", f"'from' ({first}) is after 'to' ({last}). Send both, in order."
        )
    if _length(first, last) > MAX_RANGE_DAYS:
        raise bad_parameter(
            "from",
            f"{first} to {last} is {_length(first, last)} days, but the limit is {MAX_RANGE_DAYS}. "
            "Request a shorter range.",
        )
    if group_by in BY_MONTH:
        _check_months(first, last, today, group_by)
    return CostsQuery(first, last, group_by)


def costs_body(report: CostsReport) -> JsonObject:
    query = report.query
    return {
        "object": "costs",
        "from": query.first.isoformat(),
        "to": query.last.isoformat(),
        "group_by": query.group_by,
        "total": _costs(report.total),
        "data": [{**_label(query.group_by, row), **_costs(row.costs)} for row in report.rows],
        "note": COSTS_NOTE,
    }


def _is_group(text: str) -> TypeGuard[GroupBy]:
    return text in GROUPS


def _length(first: date, last: date) -> int:
    return (last - first).days + 1


def _check_months(first: date, last: date, today: date, group_by: GroupBy) -> None:
    """Refuse parts of months: keys are counted by month, so only whole months have totals. The
    current month may end today."""
    begin, end = first.replace(day=1), _end_of_month(last)
    if (first, last) == (begin, end) or (first == begin and last == today):
        return
    if _length(begin, end) > MAX_RANGE_DAYS:
        begin = _end_of_month(begin) + timedelta(days=1)
    if begin <= today < end:
        end = today
    raise bad_parameter(
        "to" if first.day == 1 else "from",
        f"Keys are counted by month, so group_by={group_by} requires whole months (the current one "
        f"up to today). The nearest range is from={begin}&to={end}.",
    )


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _label(group_by: GroupBy, row: CostGroup) -> JsonObject:
    match row.group:
        case ApiKey() as key:
            return {"key_id": key.key_id, "name": key.name, "tags": dict(key.tags)}
        case None if group_by == "tag":
            return {"tag": None}
        case None:
            return {"key_id": None, "name": None, "tags": {}}
        case date() as day:
            return {"day": day.isoformat()}
        case name:
            return {group_by: name}


def _costs(costs: CostTotals) -> JsonObject:
    spent, baseline, saved = costs.spent, costs.baseline, costs.saved
    is_saved = saved.usd is not None
    return {
        "requests": costs.requests,
        "answered": costs.answered,
        "failed": costs.failed,
        "dry_runs": costs.dry_runs,
        "spent_usd": _usd(spent.usd),
        "router_usd": _usd(costs.router_usd),
        "learning_usd": _usd(costs.learning_usd),
        "baseline_estimated_usd": _usd(baseline.usd),
        "saved_estimated_usd": _usd(saved.usd),
        "saved_usd_low": _usd(costs.saved_usd_low if is_saved else None),
        "saved_usd_high": _usd(costs.saved_usd_high if is_saved else None),
        "unpriced": {"spent": spent.hint, "baseline": baseline.hint, "saved": saved.hint},
        "estimated": _is_estimate(costs),
        "saving_basis": _basis(costs),
        "requests_without_cost": costs.without_cost,
        "requests_without_baseline": costs.without_baseline,
        "requests_without_saving": costs.without_saving,
        "input_tokens": costs.input_tokens,
        "cached_input_tokens": costs.cached_input_tokens,
        "cache_write_tokens": costs.cache_write_tokens,
        **_overview(costs.overview),
    }


def _overview(overview: Overview | None) -> JsonObject:
    if overview is None:
        return dict.fromkeys(("tiers", "latency_ms", "first_token_ms", "quality"))
    ratings = overview.ratings
    people: JsonObject | None = None
    if ratings is not None:
        people = {"mean": round(ratings.mean, 4), "n": ratings.n}
    return {
        "tiers": {str(tier.value): count for tier, count in overview.tiers},
        "latency_ms": _times(overview.latency),
        "first_token_ms": _times(overview.first_token),
        "quality": {"people": people},
    }


def _times(times: Times | None) -> JsonObject | None:
    """Round to whole milliseconds: percentiles are read from a histogram."""
    if times is None:
        return None
    return {"mean": round(times.mean), "p50": round(times.p50), "p95": round(times.p95)}


def _is_estimate(costs: CostTotals) -> bool | None:
    """Return whether some answer's saving is an estimate; None where savings are not summed."""
    if costs.saving_basis is None or costs.answered is None:
        return None
    counted = sum(count for _, count in costs.saving_basis)  # an older release counted none
    return counted < costs.answered or any(basis.is_estimate for basis, _ in costs.saving_basis)


def _basis(costs: CostTotals) -> JsonObject | None:
    if costs.saving_basis is None:
        return None
    return {basis.value: count for basis, count in costs.saving_basis}


def _usd(amount: float | None) -> float | None:
    """Round to a billionth: anything smaller is a float summation error. `+ 0.0` avoids -0.0."""
    return None if amount is None else round(amount, 9) + 0.0

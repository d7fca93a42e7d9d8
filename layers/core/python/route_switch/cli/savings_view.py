"""Show savings as JSON, in the words of `GET /v1/costs`, or as text."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from route_switch.api.costs_answer import costs_body
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.operations.savings import SavedEstimate, ShadowSavings
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_savings import QualityLost, Savings

NOTE = (
    "total and data cover every request, shadow those that were answered in shadow. would_cost and "
    "would_save are estimated from the sampled decisions and the tiers' output ratios; their low "
    "and high cover both. quality_lost has a 95% interval over the held-out rows of the run. null "
    "means unknown."
)
NO_MEASUREMENT = (
    "not known yet: no learning run has measured the live prompt. 'route-switch learn' starts one."
)
NO_PROMISE = (
    "no promise yet: the live prompt does not come from a run with learning.max_quality_loss."
)


def savings_body(found: Savings) -> JsonObject:
    costs = costs_body(found.costs)
    lost = found.quality_lost
    return {
        "object": "savings",
        **{name: costs[name] for name in ("from", "to", "total", "data")},
        "routing": found.switches.routing,
        "shadow": None if found.shadow is None else _shadow(found.shadow),
        "prompt_version": found.prompt_version,
        "quality_lost": None if lost is None else _quality(lost),
        "promise": found.promise,
        "note": NOTE,
    }


def savings_lines(found: Savings, shadow_tier: Tier) -> Iterator[str]:
    """Return the report for people, line by line."""
    query, total = found.costs.query, found.costs.total
    yield f"{query.first} to {query.last} (UTC). {_state(found, shadow_tier)}"
    yield ""
    if found.shadow is not None:
        yield from _shadow_lines(found.shadow)
        yield ""
    yield "All requests"
    yield f"  spent          {_spent(total)}"
    yield f"  saved          {_saved(total)}"
    yield f"  answered by    {_mix(_answered(found))}"
    yield ""
    yield f"Quality lost: {_lost(found)}"
    yield f"Promise: {found.promise or NO_PROMISE}"


def _state(found: Savings, shadow_tier: Tier) -> str:
    if found.switches.pin_tier is not None:
        return f"Tier {found.switches.pin_tier} is pinned: it answers."
    match found.switches.routing:
        case "shadow":
            return f"Routing is in shadow: Tier {shadow_tier} answers."
        case "off":
            return "Routing is off."
        case "on":
            return "Routing is on."


def _shadow_lines(shadow: ShadowSavings) -> Iterator[str]:
    yield "In shadow"
    yield f"  requests       {shadow.requests}, of which routing decided {shadow.decided}"
    router = _usd(shadow.router_usd)
    yield f"  spent          {_usd(shadow.spent_usd)}, including {router} for router calls"
    if shadow.would_cost_usd is None or shadow.saved_usd is None:
        yield "  routing        would have cost an unknown sum: no decision with a known price"
        return
    share = shadow.saved_usd.usd / shadow.answer_usd if shadow.answer_usd else 0.0
    yield f"  routing        would have cost {_interval(shadow.would_cost_usd)}"
    yield f"  and saved      {_interval(shadow.saved_usd)}, {share:.0%} of the answers' cost"
    if shadow.tiers is not None:
        yield f"  answered by    {_mix([*shadow.tiers.values()])}"


def _spent(total: CostTotals) -> str:
    spent, router = total.spent, total.router_usd
    usd = "unknown" if spent.usd is None else _usd(spent.usd)
    calls = "" if router is None else f", including {_usd(router)} for router calls"
    return _with_hint(
        f"{usd} for {total.requests} requests, {total.answered} answered{calls}", spent
    )


def _saved(total: CostTotals) -> str:
    saved = total.saved
    if saved.usd is None:
        return "unknown: no answer has an estimate of its cost on Tier 3"
    low, high = total.saved_usd_low, total.saved_usd_high
    if low is None or high is None or low == high:
        return _with_hint(f"{_usd(saved.usd)}, net of router and learning", saved)
    found = _interval(SavedEstimate(saved.usd, low, high))
    may_lose = "; it may be a loss" if low < 0 < high else ""
    return _with_hint(f"{found}, net of router and learning{may_lose}", saved)


def _with_hint(text: str, of: PartialSum) -> str:
    return text if of.hint is None else f"{text}; {of.hint}"


def _answered(found: Savings) -> list[float]:
    """Return how many answers each tier gave."""
    answers = {row.group: row.costs.answered or 0 for row in found.costs.rows}
    return [answers.get(str(tier.value), 0) for tier in Tier]


def _mix(parts: Sequence[float]) -> str:
    """Return the shares of Tiers 1 to 3."""
    total = sum(parts)
    if not total:
        return "no tier"
    return " / ".join(f"{part / total:.0%}" for part in parts) + " on Tier 1 / 2 / 3"


def _lost(found: Savings) -> str:
    lost = found.quality_lost
    if lost is None:
        return NO_MEASUREMENT
    return (
        f"{lost.share:.1%} of answers worse than Tier 3's ({lost.low:.1%} to {lost.high:.1%}) with "
        f"{found.prompt_version}, on {lost.rows} held-out queries of run {lost.run}."
    )


def _shadow(shadow: ShadowSavings) -> JsonObject:
    return {
        "requests": shadow.requests,
        "decided": shadow.decided,
        "spent_usd": _rounded(shadow.spent_usd),
        "router_usd": _rounded(shadow.router_usd),
        **_estimate("would_cost", shadow.would_cost_usd),
        **_estimate("would_save", shadow.saved_usd),
        "tiers": None
        if shadow.tiers is None
        else {str(tier.value): round(share, 4) for tier, share in shadow.tiers.items()},
    }


def _estimate(name: str, found: SavedEstimate | None) -> JsonObject:
    figures = (None, None, None) if found is None else (found.usd, found.low, found.high)
    suffixes = ("estimated_usd", "low_usd", "high_usd")
    return {
        f"{name}_{suffix}": None if usd is None else _rounded(usd)
        for suffix, usd in zip(suffixes, figures, strict=True)
    }


def _quality(lost: QualityLost) -> dict[str, JsonValue]:
    return {
        "share": round(lost.share, 4),
        "low": round(lost.low, 4),
        "high": round(lost.high, 4),
        "rows": lost.rows,
        "run": lost.run,
    }


def _interval(found: SavedEstimate) -> str:
    return f"{_usd(found.usd)} ({_number(found.low)} to {_number(found.high)})"


def _usd(usd: float) -> str:
    return f"{_number(usd)} USD"


def _number(usd: float) -> str:
    text = f"{usd:z,.2f}" if abs(usd) >= 1 else f"{usd:z.4f}"
    return text.replace("-", "−")


def _rounded(usd: float) -> float:
    """Round to a billionth, as `GET /v1/costs` does."""
    return round(usd, 9) + 0.0

"""Usage times prices, with and without the free tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from route_switch.cost_estimate.aws_prices import PriceList

Usage = Mapping[str, float]
"""Quantities per month, by the names in the price list."""

MONTH_DAYS = 365 / 12
MONTH_HOURS = MONTH_DAYS * 24
MONTH_S = MONTH_HOURS * 3600


@dataclass(frozen=True, slots=True)
class BillLine:
    """One row of the bill."""

    label: str
    usage: Usage


def costs_usd(
    lines: Sequence[BillLine], prices: PriceList, *, free_tier: bool
) -> tuple[tuple[BillLine, float], ...]:
    """Return each line with its cost. Lines that use the same item share its free units in
    proportion."""
    paid = _paid_shares(lines, prices) if free_tier else {}
    return tuple((line, _cost_usd(line, prices, paid)) for line in lines)


def _cost_usd(line: BillLine, prices: PriceList, paid: Mapping[str, float]) -> float:
    return sum(
        quantity * prices.prices[name].usd_each * paid.get(name, 1.0)
        for name, quantity in line.usage.items()
    )


def _paid_shares(lines: Sequence[BillLine], prices: PriceList) -> dict[str, float]:
    """Return, for each item used, the share of its quantity above the free units."""
    used: dict[str, float] = {}
    for line in lines:
        for name, quantity in line.usage.items():
            used[name] = used.get(name, 0.0) + quantity
    return {
        name: max(quantity - prices.prices[name].free, 0.0) / quantity
        for name, quantity in used.items()
        if quantity
    }

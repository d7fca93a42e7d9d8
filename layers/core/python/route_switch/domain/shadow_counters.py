"""What a request in shadow adds to its day's counters.

Answered requests are counted in three groups: `bypass` and `routed`, which routing decided without
and with the router LLM, and `undecided`, which it did not. Sampling leaves out router calls only,
so what a local model decides is in `bypass`; `domain.operations.savings` extrapolates from `routed`
to `undecided`.
"""

from enum import StrEnum

from route_switch.domain.request_record import RequestRecord
from route_switch.domain.shadow import (
    CALLS,
    DRY_RUN_USD,
    NOT_SAMPLED,
    ROUTER_USD,
    ShadowReason,
)

ANSWER_USD = "shadow:answer_usd"
"""The cost of answers in shadow, without the router."""


class ShadowGroup(StrEnum):
    """Requests in shadow, by how routing decided."""

    BYPASS = "bypass"
    ROUTED = "routed"
    UNDECIDED = "undecided"

    @property
    def requests(self) -> str:
        return f"shadow:{self.value}"

    @property
    def priced(self) -> str:
        """The counter of requests whose saving is known."""
        return f"shadow:{self.value}:priced"

    @property
    def saved_usd(self) -> str:
        return f"shadow:{self.value}:saved_usd"

    @property
    def saved_squares(self) -> str:
        """The sum of squares, in thousandths of a USD: counters keep twelve decimals."""
        return f"shadow:{self.value}:saved_squares"

    @property
    def below_usd(self) -> str:
        """How far savings may be below their estimates, because output ratios are uncertain."""
        return f"shadow:{self.value}:saved_below"

    @property
    def above_usd(self) -> str:
        """The same, above."""
        return f"shadow:{self.value}:saved_above"

    def tier(self, number: int) -> str:
        return f"shadow:{self.value}:tier:{number}"


def shadow_counters(record: RequestRecord) -> dict[str, float]:
    """Return nothing for an answer that was not in shadow."""
    if record.status == "dry_run":
        return {DRY_RUN_USD: sum(paid)} if (paid := _router_usd(record)) else {}
    if record.shadow_reason is None:
        return {}
    counters = _router_counters(record)
    if record.status == "answered":
        counters |= _answer_counters(record)
    return counters


def _router_counters(record: RequestRecord) -> dict[str, float]:
    if record.shadow_reason is ShadowReason.NOT_SAMPLED:
        return {NOT_SAMPLED: 1}
    paid = _router_usd(record)
    return {CALLS: len(paid), ROUTER_USD: sum(paid)} if paid else {}


def _router_usd(record: RequestRecord) -> list[float]:
    return [a.cost_usd for a in record.attempts if a.tier is None and a.cost_usd is not None]


def _answer_counters(record: RequestRecord) -> dict[str, float]:
    group = _group(record)
    counters: dict[str, float] = {group.requests: 1}
    if record.answer_cost_usd is not None:
        counters[ANSWER_USD] = record.answer_cost_usd
    if record.shadow_tier is not None:
        counters[group.tier(record.shadow_tier)] = 1
    if record.shadow_saved_usd is not None:
        saved_usd, low, high = record.shadow_saved_usd
        counters[group.priced] = 1
        counters[group.saved_usd] = saved_usd
        counters[group.saved_squares] = (1000 * saved_usd) ** 2
        if low < high:
            counters |= {group.below_usd: saved_usd - low, group.above_usd: high - saved_usd}
    return counters


def _group(record: RequestRecord) -> ShadowGroup:
    if record.shadow_tier is None:
        return ShadowGroup.UNDECIDED
    by_local_model = record.strategy is not None and not record.asked_router
    if record.shadow_reason is ShadowReason.BYPASS or by_local_model:
        return ShadowGroup.BYPASS
    return ShadowGroup.ROUTED

"""Shadow: one tier answers, and routing decides beside it, for the record only.

Nobody's answers get worse before there is evidence. What routing would have saved is known from the
decisions, and what it would have lost from learning, which replays a sample of the requests.

Router calls in shadow are sampled so that they stay within a budget. The share of a day follows
from the days before it, and a hash of the request's id decides. So the sample is uniform over the
day, and every process decides alike. Bypassed requests need no call and are always decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from route_switch.domain.pricing import cost_usd
from route_switch.domain.sampling import POSITIONS, position_of
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.usage import Usage

DAYS_PER_MONTH = 31
AIM = 0.8
"""The share of a day's allowance that the sample aims at. Days differ, and a budget that ends in
the evening would leave out the evening's requests."""

CALLS = "shadow:calls"
ROUTER_USD = "shadow:router_usd"
NOT_SAMPLED = "shadow:not_sampled"
"""Counters of a day: router calls in shadow, their cost, and those that the sample left out."""


READ_BY_BUDGET = (
    CALLS,
    ROUTER_USD,
    NOT_SAMPLED,
    "reason:router",
    "reason:fallback",
    "cost_usd:tier:router",
)
"""The counters that the budget is computed from."""


class ShadowReason(StrEnum):
    """How routing decided in shadow, or why there is no decision."""

    BYPASS = "bypass"
    ROUTER = "router"
    FALLBACK = "fallback"
    NOT_SAMPLED = "not_sampled"
    """The router LLM was not asked, to stay within the budget."""
    LATE = "late"
    """The answer was ready first. Answers never wait for a decision."""
    FAILED = "failed"
    """The routing strategy raised an error, which the log has."""

    @property
    def is_failure(self) -> bool:
        """Whether routing was asked for a decision and made none of its own."""
        return self in {ShadowReason.FALLBACK, ShadowReason.LATE, ShadowReason.FAILED}


@dataclass(frozen=True, slots=True)
class RouterDay:
    """A day's router calls, their cost, and the calls that a sample left out."""

    calls: float = 0
    usd: float = 0.0
    left_out: float = 0

    @classmethod
    def from_counters(cls, counters: Mapping[str, float]) -> Self:
        """Count calls of both modes: the days before a stage goes into shadow tell its traffic."""
        live = counters.get("reason:router", 0) + counters.get("reason:fallback", 0)
        return cls(
            calls=live + counters.get(CALLS, 0),
            usd=counters.get("cost_usd:tier:router", 0.0),
            left_out=counters.get(NOT_SAMPLED, 0),
        )

    def full_usd(self, typical_usd: float) -> float:
        """Return what asking the router about every request would have cost. `typical_usd` is the
        cost of a call if none was paid for."""
        mean = self.usd / self.calls if self.calls and self.usd else typical_usd
        return (self.calls + self.left_out) * mean


def sampled_share(
    monthly_usd: float, spent_today_usd: float, earlier: Sequence[RouterDay], typical_usd: float
) -> float:
    """Return the share (0..1) of requests about which to ask the router today.

    `earlier` are days like this one: yesterday, and the same weekday a week ago. Without any
    traffic on them the share is 1, until the day's allowance is spent.
    """
    allowance_usd = monthly_usd / DAYS_PER_MONTH
    if spent_today_usd >= allowance_usd:
        return 0.0
    expected_usd = max((day.full_usd(typical_usd) for day in earlier), default=0.0)
    return 1.0 if expected_usd <= 0 else min(1.0, AIM * allowance_usd / expected_usd)


def is_sampled(request_id: str, share: float) -> bool:
    """Whether the request is in a sample of this share. The hash is not that of learning's sample,
    so that the two are independent."""
    return position_of(f"shadow {request_id}") < share * POSITIONS


def would_cost_usd(
    usage: Usage | None,
    answered: Tier,
    routed: Tier,
    answer_usd: float | None,
    models: ModelCatalog,
) -> float | None:
    """Estimate the cost of an answer by the tier that routing chose, from that of the tier that
    answered. None if a price or the tokens are unknown.

    The output is scaled by the tiers' output ratios. Without one, the two answers are taken to be
    equally long.
    """
    if routed is answered:
        return answer_usd
    if usage is None:
        return None
    ratio = _tier_3_ratio(answered, models) / _tier_3_ratio(routed, models)
    scaled = Usage(usage.input_tokens, round(usage.output_tokens * ratio))
    return cost_usd(scaled, models.price(models.tiers[routed].model))


def _tier_3_ratio(tier: Tier, models: ModelCatalog) -> float:
    return 1.0 if tier is Tier.LARGE else models.tier_3_output_ratio.get(tier, 1.0)

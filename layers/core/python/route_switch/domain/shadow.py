"""Shadow: one tier answers, and the router's decision is only recorded.

No answer gets worse before there is evidence. What routing would have saved is known from the
decisions, and what it would have lost from learning, which replays a sample of the requests.

Router calls in shadow are sampled so that they stay within a budget. The share of a day follows
from the days before it, and a hash of the request's id decides. So the sample is uniform over the
day, and every process decides alike. Bypassed requests need no call and are always decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from route_switch.domain.baseline import output_ratio
from route_switch.domain.needs import Capabilities
from route_switch.domain.output_ratio import OutputRatio, OutputRatios
from route_switch.domain.pricing import Price, cost_usd
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

DRY_RUN_USD = "router_usd:dry_run"
"""Counter of a day: the cost of dry runs, in shadow or not. They are asked for, and take nothing
from the sample."""

ANSWERED_FIRST = "the answer was ready first"
"""The error of a router call that was abandoned. It is charged all the same."""


READ_BY_BUDGET = (
    CALLS,
    ROUTER_USD,
    NOT_SAMPLED,
    DRY_RUN_USD,
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
    SESSION = "session"
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
        """Count calls of both modes: the days before a stage enters shadow predict its traffic."""
        live = counters.get("reason:router", 0) + counters.get("reason:fallback", 0)
        paid = counters.get("cost_usd:tier:router", 0.0)
        return cls(
            calls=live + counters.get(CALLS, 0),
            usd=max(paid - counters.get(DRY_RUN_USD, 0.0), 0.0),
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


@dataclass(frozen=True, slots=True)
class WouldCost:
    """USD of an answer that was not given, and its bounds."""

    usd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model that routing chose. `has_cache` says whether the session was kept on it, so that
    its provider would have the conversation in its cache, and `for_an_hour` whether the request
    asks providers to keep it for an hour, which costs more."""

    tier: Tier
    name: str
    has_cache: bool = False
    for_an_hour: bool = False


def would_cost(
    usage: Usage | None,
    answered: Tier,
    model: str,
    chosen: ChosenModel,
    models: ModelCatalog,
    ratios: OutputRatios,
) -> WouldCost | None:
    """Estimate the cost of an answer by the model that routing chose, from the answer that `model`
    of the tier `answered` gave with `usage`. None if the price or the tokens are unknown.

    The output is scaled by the output ratios of both models to Tier 3's. What was read from the
    cache of `model` is only cheap if the chosen model has it in its own.
    """
    price = models.price(chosen.name)
    if usage is None or price is None:
        return None
    usage = _with_own_cache(usage, chosen, price, models.capabilities_of(chosen.name))
    given = _ratio(answered, model, models, ratios)
    wanted = _ratio(chosen.tier, chosen.name, models, ratios)

    def usd(factor: float) -> float:
        output = round(usage.output_tokens * factor)
        return cost_usd(replace(usage, output_tokens=output, reasoning_tokens=0), price) or 0.0

    return WouldCost(
        usd(given.ratio / wanted.ratio), usd(given.low / wanted.high), usd(given.high / wanted.low)
    )


def _with_own_cache(usage: Usage, chosen: ChosenModel, price: Price, known: Capabilities) -> Usage:
    """Return the usage as the chosen model's provider would have counted it: a model that does not
    have the conversation in its cache reads nothing from there, and fills it."""
    read, written = usage.cached_input_tokens, usage.cache_write_tokens
    if read + written < (known.cache_min_tokens or 0):
        read, written = 0, 0
    elif not chosen.has_cache:
        read, written = 0, read + written
    if not price.charges_cache_writes:
        written = 0
    hour = written if chosen.for_an_hour and known.long_cache else 0
    return replace(
        usage, cached_input_tokens=read, cache_write_tokens=written, cache_write_1h_tokens=hour
    )


def _ratio(tier: Tier, model: str, models: ModelCatalog, ratios: OutputRatios) -> OutputRatio:
    if model == models.tiers[Tier.LARGE].name:
        return OutputRatio(ratio=1, low=1, high=1)
    return output_ratio(tier, model, models, ratios)[1]

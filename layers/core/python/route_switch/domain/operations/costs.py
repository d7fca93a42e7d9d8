"""What requests cost, and what they would have cost on Tier 3, computed from counters alone.

`adapters.dynamodb_results` updates the counters with each request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.operations.overview import Overview, overview_of
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import CACHE_READ, CACHE_WRITE, INPUT

Counters = Mapping[str, float]

TIER: Final = "cost_usd:tier:"
MODEL: Final = "cost_usd:model:"
UNPRICED_MODEL: Final = "cost_usd:unknown:model:"
"""Requests with a call of this model whose price is unknown."""
ROUTER: Final = "router"

MAX_SHARE_UNMEASURED = 0.1
"""Above this share of answers, no budget may follow from the saving of the others: without Tier 2's
price, only the other tiers' answers have one."""


@dataclass(frozen=True, slots=True)
class CostTotals:
    """None means that the counters do not say.

    `spent_usd` covers every model call with a known price, including the router's (`router_usd`)
    and failed ones. `without_cost` requests made a call of unknown price, so they cost more.
    `baseline_usd` estimates the same answers on Tier 3. `saved_usd` is net of the router, of
    unanswered requests, and of learning. `without_baseline` and `without_saving` answered requests
    are missing from those two sums. `learning_usd` is spent or reserved. `saved_usd` lies between
    `saved_usd_low` and `saved_usd_high`, and `saving_basis` counts answers by what their saving
    rests on, or why it is unknown; answers recorded by an older release are not in it.
    `input_tokens` are those of all calls, as providers report them; `cached_input_tokens` of them
    were read from a provider's prompt cache, and `cache_write_tokens` were written to one.
    `overview` has response times, ratings and answers by tier.
    """

    spent_usd: float
    answered: int | None = None
    failed: int | None = None
    dry_runs: int | None = None
    router_usd: float | None = None
    learning_usd: float | None = None
    baseline_usd: float | None = None
    saved_usd: float | None = None
    without_cost: int | None = None
    without_baseline: int | None = None
    without_saving: int | None = None
    saved_usd_low: float | None = None
    saved_usd_high: float | None = None
    saving_basis: tuple[tuple[SavingBasis, int], ...] | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    overview: Overview | None = None

    @property
    def spent(self) -> PartialSum:
        """What requests cost."""
        return self._spent(self.spent_usd)

    @property
    def spent_with_learning(self) -> PartialSum:
        return self._spent(self.with_learning_usd)

    @property
    def saved(self) -> PartialSum:
        return self._of_answers(self.saved_usd, self.without_saving)

    @property
    def baseline(self) -> PartialSum:
        """What the same answers would have cost on Tier 3."""
        return self._of_answers(self.baseline_usd, self.without_baseline)

    @property
    def saving_is_measured(self) -> bool:
        """Whether `saved_usd` covers nearly all answers, and nearly none by a mere assumption."""
        if self.saved_usd is None or self.answered is None or self.without_saving is None:
            return False
        assumed = dict(self.saving_basis or ()).get(SavingBasis.PRIOR, 0)
        return max(self.without_saving, assumed) <= MAX_SHARE_UNMEASURED * self.answered

    @property
    def saved_share(self) -> float | None:
        """The saving as a share of the baseline, if both cover the same answers."""
        if self.saved.usd is None or self.without_saving != self.without_baseline:
            return None
        return self.saved.usd / self.baseline_usd if self.baseline_usd else None

    @property
    def requests(self) -> int | None:
        if self.answered is None or self.failed is None or self.dry_runs is None:
            return None
        return self.answered + self.failed + self.dry_runs

    @property
    def with_learning_usd(self) -> float:
        return self.spent_usd + (self.learning_usd or 0.0)

    def _spent(self, known_usd: float) -> PartialSum:
        """Nothing is known to be spent if no answer has a cost, and nothing else cost anything."""
        unpriced, answered = max(self.without_cost or 0, 0), self.answered or 0
        nothing = known_usd == 0 and unpriced > 0 and answered <= unpriced
        usd = None if nothing else known_usd
        if self.answered is None:
            return PartialSum(usd, unpriced, None, "requests")
        if self.requests is None:
            return PartialSum(usd, unpriced, answered)
        return PartialSum(usd, unpriced, self.requests, "requests")

    def _of_answers(self, known_usd: float | None, without: int | None) -> PartialSum:
        unpriced, answered = max(without or 0, 0), self.answered or 0
        nothing = 0 < answered <= unpriced
        return PartialSum(None if nothing else known_usd, unpriced, answered)


def add_up(each: Iterable[Counters]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for counters in each:
        for name, value in counters.items():
            totals[name] = totals.get(name, 0.0) + value
    return totals


def costs_of(counters: Counters, learning_usd: float | None = None) -> CostTotals:
    """Sum up a day, several days, or a key's month. Keys have no share of learning (None)."""

    def count(name: str) -> int:
        return int(counters.get(name, 0))

    def answered_without(name: str) -> int:
        return count(f"{name}:unknown") - count("failed") - count("dry_run")

    answered = count("answered")
    saved_usd = _estimate(counters, "saved_usd", answered)
    if saved_usd is not None:
        saved_usd -= counters.get("cost_usd:unanswered", 0.0) + (learning_usd or 0.0)
    below, above = (counters.get(f"saved_usd:{side}", 0.0) for side in ("below", "above"))
    return CostTotals(
        spent_usd=sum(part.spent_usd for part in costs_of_tiers(counters).values()),
        answered=answered,
        failed=count("failed"),
        dry_runs=count("dry_run"),
        router_usd=counters.get(f"{TIER}{ROUTER}", 0.0),
        learning_usd=learning_usd,
        baseline_usd=_estimate(counters, "baseline_cost_usd", answered),
        saved_usd=saved_usd,
        without_cost=count("cost_usd:unknown"),
        without_baseline=answered_without("baseline_cost_usd"),
        without_saving=answered_without("saved_usd"),
        saved_usd_low=None if saved_usd is None else saved_usd - below,
        saved_usd_high=None if saved_usd is None else saved_usd + above,
        saving_basis=_basis(counters),
        input_tokens=count(INPUT),
        cached_input_tokens=count(CACHE_READ),
        cache_write_tokens=count(CACHE_WRITE),
        overview=overview_of(counters),
    )


def costs_of_tiers(counters: Counters) -> dict[str, CostTotals]:
    """Return the cost of calls and the number of answered requests for each tier, and for the
    router."""

    def of_tier(tier: Tier) -> CostTotals:
        spent, answered = counters.get(f"{TIER}{tier.value}"), counters.get(f"tier:{tier.value}", 0)
        unknown = int(answered) if answered and spent is None else None
        return CostTotals(spent or 0.0, answered=int(answered), without_cost=unknown)

    tiers = {str(tier.value): of_tier(tier) for tier in Tier}
    return {**tiers, ROUTER: CostTotals(counters.get(f"{TIER}{ROUTER}", 0.0))}


def costs_of_models(counters: Counters) -> dict[str, CostTotals]:
    """Return costs by model name. Only the cost of calls is counted by model, and the requests
    with a call that could not be priced; older releases did not count those."""
    prefixes = (MODEL, UNPRICED_MODEL)
    names = {name.removeprefix(of) for of in prefixes for name in counters if name.startswith(of)}

    def of_model(name: str) -> CostTotals:
        unpriced = counters.get(f"{UNPRICED_MODEL}{name}")
        known = counters.get(f"{MODEL}{name}", 0.0)
        return CostTotals(known, without_cost=None if unpriced is None else int(unpriced))

    return {name: of_model(name) for name in sorted(names)}


def answers_by_reason(counters: Counters) -> dict[Reason, int]:
    return {reason: int(counters.get(f"reason:{reason.value}", 0)) for reason in Reason}


def _basis(counters: Counters) -> tuple[tuple[SavingBasis, int], ...]:
    counted = ((basis, int(counters.get(f"saving:{basis.value}", 0))) for basis in SavingBasis)
    return tuple((basis, count) for basis, count in counted if count)


def _estimate(counters: Counters, name: str, answered: int) -> float | None:
    """Return None when there were answers but none of them has an estimate."""
    return counters.get(name, None if answered else 0.0)

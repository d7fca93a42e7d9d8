"""The view `spend`: today and this month, by tier, model and reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from route_switch.dashboard.markup import Html, Table, heading, joined, paragraph
from route_switch.domain.decision import Reason
from route_switch.domain.operations.amounts import UNKNOWN, count, share, usd
from route_switch.domain.operations.costs import ROUTER, CostTotals
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.operations.savings import ShadowSavings
from route_switch.services.operations.show_spend import Spend

REASONS: Final = {
    Reason.BYPASS: "Bypass: too short to need the router",
    Reason.ROUTER: "Router: it chose the tier",
    Reason.CAPPED: "Capped: the router chose Tier 3, but the key is above its cap",
    Reason.OVERRIDE: "Override: the request named the tier",
    Reason.FALLBACK: "Fallback: the router failed, the safe tier answered",
    Reason.DEGRADED: "Degraded: the tier failed or the key's budget was spent",
    Reason.SHADOW: "Shadow: one tier answered, routing decided beside it",
    Reason.SESSION: "Session: the conversation stayed on its model",
}
IN_SHADOW: Final = "Routing would have saved, in shadow (estimated)"
NOTE = (
    "Days and months are in UTC. AWS's own cost is not included. The cost on Tier 3 is estimated: "
    "its answers would differ in length, as learning measures; before that, between 0.4 and 2.5 "
    "times as long. Saved is net of the router, failed requests and learning; "
    "money reserved for learning counts as spent. Sums leave out requests of unknown cost and "
    "answers without an estimate, and are unknown only if they cover nothing."
)

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SpendView:
    """`monthly_budget_usd` is None if the stage has no budget."""

    today: Spend
    month: Spend
    monthly_budget_usd: float | None = None

    @property
    def html(self) -> Html:
        return joined(
            self._summary().html,
            heading("By tier"),
            Table(_today_and_month("Tier", "Answers", "Share", "Spent"), self._tiers()).html,
            heading("By model"),
            Table(_today_and_month("Model", "Spent", "Share"), self._models()).html,
            heading("Why a tier answered"),
            Table(_today_and_month("Reason", "Answers", "Share"), self._reasons()).html,
            paragraph(NOTE),
        )

    def _summary(self) -> Table:
        spent = [
            self._both("Spent", lambda c: usd(c.spent_with_learning.usd)),
            self._both("… on answers", lambda c: _part(c.spent_usd - (c.router_usd or 0), c)),
            self._both("… on the router", lambda c: _part(c.router_usd or 0, c)),
            self._both("… on learning", lambda c: _part(c.learning_usd or 0, c)),
            *self._budget(),
        ]
        saved = [
            self._both("Saved, net (estimated)", _saved),
            *self._shadow(),
            self._both("All on Tier 3 (estimated)", lambda c: usd(c.baseline.usd)),
            self._both("Requests", lambda c: count(c.requests)),
            self._both("Cost per 1,000 requests, without learning", _per_thousand),
            self._both("Requests of unknown cost", lambda c: count(c.without_cost)),
            self._both("Answers without an estimate", lambda c: count(c.without_baseline)),
        ]
        strong = frozenset({0, len(spent)})
        return Table(("", "Today", "This month"), [*spent, *saved], strong=strong)

    def _budget(self) -> list[Row]:
        budget = self.monthly_budget_usd
        if budget is None:
            return []
        used = share(self.month.total.with_learning_usd, budget)
        return [("… of the month's budget", "", f"{usd(budget)} ({used} used)")]

    def _shadow(self) -> list[Row]:
        """Return what routing would have saved, on a stage that was in shadow this month."""
        if self.month.shadow is None:
            return []
        return [(IN_SHADOW, _would_save(self.today.shadow), _would_save(self.month.shadow))]

    def _both(self, label: str, of: Callable[[CostTotals], str]) -> Row:
        return label, of(self.today.total), of(self.month.total)

    def _tiers(self) -> list[tuple[str, ...]]:
        def cells(spend: Spend, tier: str) -> tuple[str, str, str]:
            costs = spend.tiers[tier]
            if tier == ROUTER:
                return "", "", usd(costs.spent_usd)
            answers = count(costs.answered), share(costs.answered, spend.total.answered)
            return *answers, usd(costs.spent_usd)

        return [
            (tier.capitalize(), *cells(self.today, tier), *cells(self.month, tier))
            for tier in self.month.tiers
        ]

    def _models(self) -> list[tuple[str, ...]]:
        """Return a row per model, most expensive in the month first."""

        def spent(spend: Spend, model: str) -> PartialSum:
            return spend.models.get(model, CostTotals(0.0)).spent

        def cells(spend: Spend, model: str) -> tuple[str, str]:
            amount = spent(spend, model)
            return amount.in_short, share(amount.usd, spend.total.spent_usd)

        names = sorted(self.month.models, key=lambda name: -(spent(self.month, name).usd or 0.0))
        return [(name, *cells(self.today, name), *cells(self.month, name)) for name in names]

    def _reasons(self) -> list[tuple[str, ...]]:
        def cells(spend: Spend, reason: Reason) -> tuple[str, str]:
            answers = spend.reasons[reason]
            return count(answers), share(answers, spend.total.answered)

        return [
            (text, *cells(self.today, reason), *cells(self.month, reason))
            for reason, text in REASONS.items()
        ]


def _today_and_month(first: str, *figures: str) -> Sequence[str]:
    return (
        first,
        *(f"{name} today" for name in figures),
        *(f"{name} this month" for name in figures),
    )


def _part(amount: float, costs: CostTotals) -> str:
    return f"{usd(amount)} ({share(amount, costs.with_learning_usd)})"


def _would_save(shadow: ShadowSavings | None) -> str:
    if shadow is None:
        return ""
    return UNKNOWN if shadow.saved_usd is None else usd(shadow.saved_usd.usd)


def _saved(costs: CostTotals) -> str:
    """Format the saving, with its share of the baseline if both cover the same answers."""
    saved, bounds = costs.saved, _bounds(costs)
    if saved.usd is None:
        return UNKNOWN
    if costs.saved_share is None:
        return f"{usd(saved.usd)}{bounds}"
    return f"{usd(saved.usd)} ({share(saved.usd, costs.baseline_usd)}){bounds}"


def _bounds(costs: CostTotals) -> str:
    low, high = costs.saved_usd_low, costs.saved_usd_high
    return "" if low == high else f", from {usd(low)} to {usd(high)}"


def _per_thousand(costs: CostTotals) -> str:
    if not costs.requests:
        return "–"
    spent = costs.spent.usd
    return usd(None if spent is None else 1000 * spent / costs.requests)

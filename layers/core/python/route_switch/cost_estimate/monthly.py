"""The complete estimate: idle, per 1,000 requests, and per month."""

from dataclasses import dataclass
from functools import cached_property

from route_switch.cost_estimate.aws_prices import PriceList
from route_switch.cost_estimate.bill import BillLine, costs_usd
from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.cost_estimate.idle_costs import busy_lines, idle_lines
from route_switch.cost_estimate.model_costs import ModelCosts, model_costs
from route_switch.cost_estimate.request_costs import WAITING, request_lines
from route_switch.domain.pricing import add_known
from route_switch.services.learning.spending_caps import PreviousMonth, learning_cap

Costs = dict[str, float]
"""USD by line label."""


@dataclass(frozen=True, slots=True)
class Month:
    """USD a month, after the free tier. None if a model's price is unknown."""

    models: float | None
    waiting: float
    requests: float
    standing: float
    learning: float
    baseline: float | None

    @property
    def total(self) -> float | None:
        return add_known(self.models, self.waiting, self.requests, self.standing, self.learning)

    @property
    def saved(self) -> float | None:
        """The baseline minus models, AWS and learning."""
        if self.baseline is None or self.total is None:
            return None
        return self.baseline - self.total


@dataclass(frozen=True)
class MonthlyEstimate:
    deployment: Deployment
    traffic: Traffic
    prices: PriceList

    def idle_usd(self, *, free_tier: bool) -> Costs:
        return self._by_label(idle_lines(self.deployment), free_tier=free_tier)

    @cached_property
    def models(self) -> ModelCosts:
        return model_costs(self.deployment, self.traffic)

    @cached_property
    def requests_usd(self) -> Costs:
        """AWS cost of the month's requests, without the free tier."""
        return self._by_label(request_lines(self.deployment, self.traffic), free_tier=False)

    @cached_property
    def month(self) -> Month:
        requests = request_lines(self.deployment, self.traffic)
        standing = (*idle_lines(self.deployment), *busy_lines(self.deployment))
        paid = costs_usd((*requests, *standing), self.prices, free_tier=True)
        by_request = {line.label: usd for line, usd in paid[: len(requests)]}
        return Month(
            models=self.models.total_usd,
            waiting=by_request.pop(WAITING),
            requests=sum(by_request.values()),
            standing=sum(usd for _, usd in paid[len(requests) :]),
            learning=self._learning_usd(),
            baseline=self.models.baseline_usd,
        )

    def _learning_usd(self) -> float:
        """Return the cap after a month with the same saving; learning may need less."""
        spent, baseline = self.models.total_usd, self.models.baseline_usd
        saved = None if spent is None or baseline is None else baseline - spent
        before = PreviousMonth(int(self.traffic.requests), saved, 0.0)
        return learning_cap(self.deployment.learning, before)

    def _by_label(self, lines: tuple[BillLine, ...], *, free_tier: bool) -> Costs:
        costs = costs_usd(lines, self.prices, free_tier=free_tier)
        return {line.label: usd for line, usd in costs}

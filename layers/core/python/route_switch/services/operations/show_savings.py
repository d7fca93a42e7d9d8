"""What routing saves, or would save, and what it loses."""

from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.learning.promise import promise_of
from route_switch.domain.operations.savings import ShadowSavings, shadow_savings
from route_switch.domain.ports import PromptStore, SwitchStore
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.switches import Switches
from route_switch.services.operations.sum_costs import CostsQuery, CostsReport, SumCosts, Totals


@dataclass(frozen=True, slots=True)
class QualityLost:
    """The share of answers (0..1) that are worse than Tier 3's, with its 95% interval, as a
    learning run measured it on `rows` held-out queries."""

    run: str
    share: float
    low: float
    high: float
    rows: int


class MeasuredPrompts(Protocol):
    def quality_lost(self, prompt: RoutingPrompt) -> QualityLost | None:
        """Return the newest measurement of this prompt, or None. Raise `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class Savings:
    """`costs` covers every request of the days, `shadow` those that were answered in shadow.

    `prompt_version` is the live prompt. `quality_lost` is None if no run has measured it. `promise`
    is a sentence, or None without one.
    """

    costs: CostsReport
    switches: Switches
    shadow: ShadowSavings | None
    prompt_version: str | None
    quality_lost: QualityLost | None
    promise: str | None


@dataclass(frozen=True, slots=True)
class ShowSavings:
    totals: Totals
    switches: SwitchStore
    prompts: PromptStore
    measured: MeasuredPrompts

    def __call__(self, query: CostsQuery) -> Savings:
        """Raise `StoreError`, or `ConfigurationError` if the switches are invalid."""
        by_day = self.totals.of_days(query.days)
        live = self.prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        return Savings(
            SumCosts(self.totals, list)(query),
            self.switches.read(),
            shadow_savings([by_day[day] for day in query.days]),
            None if live is None else f"live@{live.version}",
            None if prompt is None else self.measured.quality_lost(prompt),
            None if prompt is None else promise_of(prompt),
        )

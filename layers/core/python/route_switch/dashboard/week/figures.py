"""The figures that open the weekly report."""

from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.operations.amounts import NONE, UNKNOWN, count, share, usd
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_week import MonthBudget, WeekReport
from route_switch.services.operations.three_sentences import saving_is_estimated


@dataclass(frozen=True, slots=True)
class HeadlineFigure:
    """A figure as text. `mark` says how it is known, `note` what it covers."""

    name: str
    value: str
    mark: str = ""
    note: str = ""


def figures_of(report: WeekReport) -> tuple[HeadlineFigure, ...]:
    costs = report.figures.costs
    return (
        _spent(costs),
        _saved(costs),
        *_shadow(report),
        _on_tier_3(costs),
        _measured(report),
        _people(report),
        _mix(report),
        *_budgets(report),
    )


def _spent(costs: CostTotals) -> HeadlineFigure:
    spent = costs.spent_with_learning
    router, learning = costs.router_usd or 0.0, costs.learning_usd or 0.0
    parts = f"router {usd(router)}, learning {usd(learning)}"
    return HeadlineFigure("Spent", usd(spent.usd), note=_with_hint(parts, spent))


def _saved(costs: CostTotals) -> HeadlineFigure:
    net = "net of router and learning"
    if not costs.answered:
        return HeadlineFigure("Saved", usd(0.0), note="no request was answered")
    saved = costs.saved
    if saved.usd is None:
        return HeadlineFigure("Saved", UNKNOWN, note=saved.hint or "no answer has an estimate")
    low, high = costs.saved_usd_low, costs.saved_usd_high
    interval = "" if usd(low) == usd(high) else f"{usd(low)} to {usd(high)}, "
    mark = "estimated" if saving_is_estimated(costs) else ""
    return HeadlineFigure("Saved", usd(saved.usd), mark, _with_hint(f"{interval}{net}", saved))


def _with_hint(note: str, of: PartialSum) -> str:
    return note if of.hint is None else f"{note}; {of.hint}"


def _shadow(report: WeekReport) -> Iterator[HeadlineFigure]:
    """Yield what routing would have saved, if a request was answered in shadow."""
    shadow = report.figures.shadow
    if shadow is None:
        return
    name, saved = "Would have saved in shadow", shadow.saved_usd
    if saved is None:
        yield HeadlineFigure(name, UNKNOWN, note="no decision has a known saving")
    else:
        note = f"{usd(saved.low)} to {usd(saved.high)}, {count(shadow.requests)} requests"
        yield HeadlineFigure(name, usd(saved.usd), "estimated", note)


def _on_tier_3(costs: CostTotals) -> HeadlineFigure:
    name, baseline = "All on Tier 3", costs.baseline
    if baseline.usd is None:
        return HeadlineFigure(name, UNKNOWN, note=baseline.hint or "no answer has an estimate")
    mark = "estimated" if saving_is_estimated(costs) else ""
    note = _with_hint("the same answers", baseline)
    return HeadlineFigure(name, usd(baseline.usd), mark, note)


def _measured(report: WeekReport) -> HeadlineFigure:
    found = report.figures.measured
    name = "No worse than Tier 3"
    if found is None:
        return HeadlineFigure(name, UNKNOWN, note="no learning run has measured the live prompt")
    interval = f"{1 - found.high:.1%} to {1 - found.low:.1%}"
    note = f"{interval}, {count(found.rows)} held-out queries of run {found.run}"
    return HeadlineFigure(name, f"{1 - found.share:.1%}", "measured", note)


def _people(report: WeekReport) -> HeadlineFigure:
    people = report.figures.people
    if not people.n:
        return HeadlineFigure(
            "Rated by people", NONE, note="no ratings of answers by the live prompt"
        )
    note = f"mean of {count(people.n)} ratings of answers by the live prompt"
    return HeadlineFigure("Rated by people", f"{people.mean:.2f}", "of 1", note)


def _mix(report: WeekReport) -> HeadlineFigure:
    total = report.figures.costs.answered
    parts = [report.tiers[str(tier.value)].answered or 0 for tier in Tier]
    if not total:
        return HeadlineFigure("Tier 1 / 2 / 3", NONE, note="no answers")
    value = " / ".join(f"{100 * part / total:.0f}" for part in parts)
    return HeadlineFigure("Tier 1 / 2 / 3", value, "%", f"of {count(total)} answers")


def _budgets(report: WeekReport) -> Iterator[HeadlineFigure]:
    if report.month.limit_usd is not None:
        yield _left("Budget left this month", report.month)
    yield _left("Learning budget left", report.learning)


def _left(name: str, budget: MonthBudget) -> HeadlineFigure:
    if budget.left_usd is None:
        return HeadlineFigure(
            name, UNKNOWN, note=f"{usd(budget.spent_usd)} spent or reserved this month"
        )
    used = share(budget.spent_usd, budget.limit_usd)
    return HeadlineFigure(
        name, usd(budget.left_usd), note=f"of {usd(budget.limit_usd)}; {used} is used"
    )

"""What the figures of a week say about the prompt, and what to do next."""

from collections.abc import Callable, Iterator
from datetime import UTC

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.learning.prompt_news import (
    PromptNews,
    ShadowAfter,
    after_run,
    changed,
    nothing_happened,
    waits_for_approval,
)
from route_switch.domain.operations.amounts import count, share, usd
from route_switch.services.operations.show_week import MonthBudget, WeekReport

ALMOST_USED = 0.8
"""The share of a budget from which the report warns that it may run out."""
MANY_FAILURES = 0.01
"""The share of failed requests from which the report asks to look at them."""
ENOUGH_TO_BE_RATED = 100
"""After this many answers without a rating, the application seems to send none."""

Rule = Callable[[WeekReport, str], Iterator[str]]


def prompt_news(report: WeekReport, stage: str | None) -> PromptNews:
    """Return the latest of: a run that waits for approval, a version that no run made, a run's
    end."""
    waiting = next((run for run in report.runs if run.waits), None)
    if waiting is not None:
        return waits_for_approval(waiting.id, stage)
    ended = next((run for run in report.runs if run.outcome is not None), None)
    made_by_runs = {run.version for run in report.runs}
    if report.versions and len(report.versions) > 1:
        newest = report.versions[0]
        by_hand = newest.version not in made_by_runs
        if by_hand and (ended is None or newest.written_at.astimezone(UTC) > ended.started_at):
            return changed(newest.version, newest.origin)
    if ended is None or ended.outcome is None:
        return nothing_happened(report.figures.live, may_learn=report.switches.may_learn)
    shadow: ShadowAfter | None = "stays" if report.switches.routing == "shadow" else None
    return after_run(ended.outcome, ended.version or report.figures.live, shadow)


def next_steps(report: WeekReport, stage: str | None) -> tuple[str, ...]:
    """Return what the owner should do, the most urgent first; empty if there is nothing to do."""
    where = "" if stage is None else f" --stage {stage}"
    return tuple(step for rule in _RULES for step in rule(report, where))


def _approve(report: WeekReport, where: str) -> Iterator[str]:
    for run in report.runs:
        if run.waits:
            yield (
                f"Approve or reject the candidate of run {run.id}: run 'route-switch approve "
                f"{run.id}{where}' or 'route-switch reject {run.id}{where}'."
            )


def _budgets(report: WeekReport, _: str) -> Iterator[str]:
    raising = "raise monthly_budget_usd in cdk.json, or give keys a budget"
    yield from _budget("this month's budget", report.month, raising)
    yield from _budget(
        "this month's learning budget", report.learning, "raise learning.monthly_usd"
    )


def _budget(name: str, budget: MonthBudget, what: str) -> Iterator[str]:
    if budget.used is not None and budget.used >= ALMOST_USED:
        used = share(budget.spent_usd, budget.limit_usd)
        yield f"{used} of {name} ({usd(budget.limit_usd)}) is used: {what}, if that is not enough."


def _failures(report: WeekReport, where: str) -> Iterator[str]:
    costs = report.figures.costs
    failed, requests = costs.failed or 0, costs.requests or 0
    if failed and failed >= MANY_FAILURES * requests:
        yield (
            f"{count(failed)} of {count(requests)} requests failed: 'route-switch "
            f"results{where}' and the router's log say why."
        )


def _prices(report: WeekReport, _: str) -> Iterator[str]:
    """A price helps only where one is missing: not if the provider reported no tokens, or if there
    was no provider, as where a simulated model has no recorded answer."""
    basis = dict(report.figures.costs.saving_basis or ())
    unknown = basis.get(SavingBasis.NO_PRICE, 0)
    if unknown:
        yield (
            f"A model's price is missing for {count(unknown)} answer{'' if unknown == 1 else 's'}: "
            "set the prices of all models in models.prices in cdk.json."
        )


def _first_request(report: WeekReport, _: str) -> Iterator[str]:
    if not report.figures.costs.requests:
        yield (
            "Send requests: point an OpenAI client at the stage's API with a key of 'route-switch "
            "keys create'. Costs, savings and learning follow from them."
        )


def _switches(report: WeekReport, where: str) -> Iterator[str]:
    switches, shadow = report.switches, report.figures.shadow
    if switches.pin_tier is not None:
        yield (
            f"Tier {switches.pin_tier} is pinned, so nothing is routed. Run 'route-switch switch "
            f"pin-tier off{where}' to unpin it."
        )
    saved = None if shadow is None else shadow.saved_usd
    if switches.routing == "shadow" and saved is not None and saved.low > 0:
        yield (
            f"Routing would save at least {usd(saved.low)} in the same period, but is in shadow. "
            f"Run 'route-switch switch routing on{where}' to turn it on."
        )
    if switches.routing == "off":
        yield f"Routing is off: 'route-switch switch routing on{where}' turns it on."


def _learning(report: WeekReport, where: str) -> Iterator[str]:
    if not report.switches.may_learn:
        yield f"Learning is off: 'route-switch switch learning on{where}' turns it on."
    elif _is_unmeasured(report):
        yield (
            "The live prompt's quality is not measured: the next learning run measures it, or "
            f"'route-switch learn{where}' does so now."
        )


def _is_unmeasured(report: WeekReport) -> bool:
    """Whether a run is missing. If one ended, its news say what it lacked."""
    ended = any(run.outcome is not None for run in report.runs)
    return report.figures.measured is None and bool(report.figures.costs.answered) and not ended


def _ratings(report: WeekReport, _: str) -> Iterator[str]:
    answered = report.figures.costs.answered or 0
    rated = report.figures.people.n or report.figures.ratings
    if answered >= ENOUGH_TO_BE_RATED and not rated:
        yield (
            "No answer has been rated. Have your application send thumbs with POST /v1/feedback: "
            "learning trusts them most."
        )


_RULES: tuple[Rule, ...] = (
    _approve,
    _budgets,
    _failures,
    _prices,
    _first_request,
    _switches,
    _learning,
    _ratings,
)

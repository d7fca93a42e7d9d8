"""The tables of the weekly report."""

from collections.abc import Iterator, Mapping
from datetime import date

from route_switch.dashboard import keys_widget, prompts_widget
from route_switch.domain.learning.prompt_news import after_run
from route_switch.domain.operations.amounts import NONE, UNKNOWN, count, share, usd
from route_switch.domain.operations.costs import ROUTER, CostTotals
from route_switch.optimizer.report.text_format import ReportTable
from route_switch.services.operations.show_week import RunOfWeek, WeekReport

TRIGGERS = {"schedule": "by schedule", "manual": "by hand", "drift": "because traffic drifted"}
DAYS_HEAD = (
    "Day",
    "Requests",
    "Spent",
    "including learning",
    "Saved",
    "Between",
    "Rated, 0 to 1",
)


def tables_of(report: WeekReport) -> Iterator[tuple[str, ReportTable]]:
    """Yield title and table; none that is empty."""
    if report.figures.costs.requests or report.figures.costs.learning_usd:
        yield "By day", _days(report.days, report.figures.costs)
    if report.figures.costs.answered:
        yield "By tier", _tiers(report)
        yield "By model", _models(report)
    if report.keys:
        yield "By key", _keys(report)
    if report.versions:
        yield "Prompt versions", _versions(report)
    if report.runs:
        yield "Learning runs", _runs(report)


def _days(days: Mapping[date, CostTotals], total: CostTotals) -> ReportTable:
    rows = [_day(day.isoformat(), costs) for day, costs in days.items()]
    rows.append(_day("All days", total))
    about = "Days in UTC. Saved is estimated, net of the router, failed requests and learning."
    more: tuple[str, ...] = ()
    if _unpriced(total):
        more = ("Unpriced",)
        counted = (*days.values(), total)
        rows = [(*row, count(_unpriced(c))) for row, c in zip(rows, counted, strict=True)]
        about += " Unpriced requests are missing from the sums."
    return ReportTable(
        f"{about} Ratings are those of the day's answers.",
        (*DAYS_HEAD, *more),
        tuple(rows),
        strong=frozenset({len(days)}),
    )


def _unpriced(costs: CostTotals) -> int:
    return max(costs.spent.unpriced, costs.saved.unpriced)


def _day(name: str, costs: CostTotals) -> tuple[str, ...]:
    requests = count(costs.requests)
    if not costs.requests and not costs.with_learning_usd:
        return name, requests, NONE, NONE, NONE, NONE, rated(costs)
    spent = usd(costs.spent_with_learning.usd), usd(costs.learning_usd or 0.0)
    return name, requests, *spent, *_saved(costs), rated(costs)


def _saved(costs: CostTotals) -> tuple[str, str]:
    """Return the saving and its bounds."""
    if costs.saved.usd is None:
        return UNKNOWN, NONE
    low, high = usd(costs.saved_usd_low), usd(costs.saved_usd_high)
    return usd(costs.saved.usd), NONE if low == high else f"{low} to {high}"


def rated(costs: CostTotals) -> str:
    """Return the mean of people's ratings of these answers, with their number."""
    ratings = None if costs.overview is None else costs.overview.ratings
    return NONE if ratings is None else f"{ratings.mean:.2f} (n = {count(ratings.n)})"


def _tiers(report: WeekReport) -> ReportTable:
    total = report.figures.costs
    rows = []
    for name, costs in report.tiers.items():
        spent = usd(costs.spent.usd), share(costs.spent.usd, total.spent_usd)
        if name == ROUTER:
            rows.append(("Router", "", "", *spent))
        else:
            answers = count(costs.answered), share(costs.answered, total.answered)
            rows.append((f"Tier {name}", *answers, *spent))
    return ReportTable(
        "Answers by tier, and the calls of the router.",
        ("Tier", "Answers", "Share", "Spent", "Share of it"),
        tuple(rows),
    )


def _models(report: WeekReport) -> ReportTable:
    total = report.figures.costs.spent_usd
    ranked = sorted(report.models.items(), key=lambda item: -item[1].spent_usd)
    return ReportTable(
        "The most expensive first. Unpriced requests are missing from the sums.",
        ("Model", "Spent", "Share"),
        tuple((name, c.spent.in_short, share(c.spent.usd, total)) for name, c in ranked),
    )


def _keys(report: WeekReport) -> ReportTable:
    month = f"{report.figures.last:%B %Y}"
    return ReportTable(
        f"{month} so far, because keys are counted by month; learning is charged to no key.",
        keys_widget.HEAD,
        tuple(keys_widget.key_rows(report.keys)),
        texts=2,
    )


def _versions(report: WeekReport) -> ReportTable:
    live = frozenset(n for n, version in enumerate(report.versions) if version.serves)
    return ReportTable(
        "Versions that were live, newest first. A gain is a change of quality − λ · cost.",
        prompts_widget.HEAD,
        tuple(prompts_widget.version_row(version) for version in report.versions),
        texts=len(prompts_widget.HEAD),
        strong=live,
    )


def _runs(report: WeekReport) -> ReportTable:
    return ReportTable(
        "Learning runs, newest first. Times are in UTC.",
        ("Run", "Started", "What it found", "Live version"),
        tuple(_run(run) for run in report.runs),
        texts=3,
    )


def _run(run: RunOfWeek) -> tuple[str, ...]:
    started = f"{run.started_at:%Y-%m-%d %H:%M}, {TRIGGERS.get(run.trigger, run.trigger)}"
    return run.id, started, found_by(run), NONE if run.version is None else str(run.version)


def found_by(run: RunOfWeek) -> str:
    if run.waits:
        return "A better prompt, which waits for approval"
    if run.stopped:
        return "Nothing: it was stopped"
    if run.outcome is None:
        return "Nothing yet: it is under way"
    return after_run(run.outcome, run.version).happened

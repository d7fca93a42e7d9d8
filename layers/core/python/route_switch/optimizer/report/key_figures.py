"""The three key figures of a report's opening, and what λ is worth."""

from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval, Report
from route_switch.optimizer.report.text_format import (
    NOT_MEASURED,
    bounds,
    fixed,
    percent_bounds,
    share,
    usd,
    usd_bounds,
)
from route_switch.optimizer.report.verdict import find


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the three key figures, as text. `about` has the interval and n."""

    name: str
    value: str
    meaning: str
    about: str


def key_figures(report: Report) -> tuple[KeyFigure, KeyFigure, KeyFigure]:
    candidate = find(report.policies, CANDIDATE)
    return (
        KeyFigure(
            "Cost",
            fixed(candidate.cost.mean) if candidate else NOT_MEASURED,
            "of what the same queries cost all on Tier 3, including the router (1.00 = all Tier 3)",
            _about(candidate.cost, bounds(candidate.cost)) if candidate else "",
        ),
        KeyFigure(
            "Quality",
            share(candidate.quality.mean) if candidate else NOT_MEASURED,
            "of queries get an answer rated no worse than Tier 3's",
            _about(candidate.quality, f"{percent_bounds(candidate.quality)}%") if candidate else "",
        ),
        _saving(report),
    )


def _saving(report: Report) -> KeyFigure:
    saving = report.saving_usd_a_month
    return KeyFigure(
        "Estimated saving per month",
        NOT_MEASURED if saving is None else usd(saving.mean),
        f"compared with all Tier 3, at {report.monthly_queries:,} queries per month",
        "" if saving is None else _about(saving, usd_bounds(saving)),
    )


def _about(value: Interval, interval: str) -> str:
    return f"95% interval {interval}, n = {value.n:,}"


def worth_of_quality(report: Report) -> str:
    """Explain λ in USD: a point of quality (0.01) is worth 0.01 · mean Tier 3 USD / λ per query."""
    if report.lambda_ == 0:
        return "λ = 0: only quality counts, not cost."
    if report.tier_3_usd is None:
        return (
            f"λ = {report.lambda_:g} sets the price of quality, as a share of a query's cost on "
            "Tier 3. The run stopped before that cost was measured."
        )
    per_query = 0.01 * report.tier_3_usd / report.lambda_
    return (
        f"λ = {report.lambda_:g} sets the price of quality: one point (1% of queries) may cost "
        f"{usd(per_query)} per query, or {usd(per_query * report.monthly_queries)} per month at "
        f"{report.monthly_queries:,} queries. On Tier 3, a query costs {usd(report.tier_3_usd)} on "
        "average."
    )

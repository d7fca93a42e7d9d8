"""A weekly report with everything in it, and an empty one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.operations.costs import ROUTER, CostTotals, costs_of, costs_of_tiers
from route_switch.domain.operations.overview import Overview, Ratings
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.prompts.steering_figures import MovedFigures, SteeringFigures
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.services.operations.show_savings import QualityLost
from route_switch.services.operations.show_week import MonthBudget, RunOfWeek, WeekReport
from route_switch.services.operations.sum_costs import CostGroup
from route_switch.services.operations.three_sentences import WeekFigures
from route_switch.services.prompts.describe_versions import Gain, VersionOrigin

LAST = date(2026, 11, 30)
FIRST = LAST - timedelta(days=6)
RUN = "2026-11-29T030000Z"
KEY = ApiKey(
    key_id="key_1",
    name="search",
    role="client",
    allowed_tiers=frozenset({Tier.SMALL, Tier.MEDIUM}),
    tags={"team": "search"},
    monthly_budget_usd=40.0,
)


def costs(requests: int = 1200, spent_usd: float = 12.3, learning_usd: float = 1.0) -> CostTotals:
    """A third of the answers cost nothing next to Tier 3's."""
    return CostTotals(
        spent_usd=spent_usd,
        answered=requests,
        failed=0,
        dry_runs=0,
        router_usd=spent_usd / 12,
        learning_usd=learning_usd,
        baseline_usd=spent_usd * 2.7,
        saved_usd=spent_usd * 1.7 - learning_usd,
        without_cost=0,
        without_baseline=0,
        without_saving=0,
        saved_usd_low=spent_usd * 1.5 - learning_usd,
        saved_usd_high=spent_usd * 1.9 - learning_usd,
        saving_basis=((SavingBasis.MEASURED, requests),),
        overview=Overview(((Tier.SMALL, requests),), None, None, Ratings(0.75, requests // 30)),
    )


FIGURES = WeekFigures(
    FIRST, LAST, costs(), None, 8, QualityLost(RUN, 0.04, 0.02, 0.06, 412), Scores(40, 33.2, 30.0)
)
STEERING = SteeringFigures(
    prompt="abc",
    router="openai/router",
    texts=40,
    strings="3f2a",
    up=MovedFigures(mean=0.06, worst="up-22", moved=3, n=12),
    down=None,
    control=0.01,
)
VERSIONS = (
    VersionOrigin(
        8,
        datetime(2026, 11, 29, 4, 2, tzinfo=UTC),
        "arn:aws:sts::123456789012:assumed-role/promoter/run",
        "learned",
        serves=True,
        verdict="better",
        gain=Gain(0.031, 0.004, 0.058),
    ),
    VersionOrigin(
        7,
        datetime(2026, 11, 1, 4, 2, tzinfo=UTC),
        "arn:aws:iam::123456789012:user/ann",
        "edit of 6",
        serves=False,
    ),
)
REPORT = WeekReport(
    figures=FIGURES,
    switches=Switches(),
    days={
        FIRST + timedelta(n): costs(120 + 20 * n, 1.1 + 0.2 * n, 1.0 if n == 5 else 0.0)
        for n in range(7)
    },
    tiers={
        "1": CostTotals(2.1, answered=700),
        "2": CostTotals(3.4, answered=320),
        "3": CostTotals(5.8, answered=180),
        ROUTER: CostTotals(1.0),
    },
    models={"bedrock/nova-lite": CostTotals(3.1), "bedrock/claude": CostTotals(9.2)},
    keys=(CostGroup(KEY, costs(900, 31.0)), CostGroup(None, costs(20, 0.2))),
    versions=VERSIONS,
    runs=(
        RunOfWeek(
            RUN, datetime(2026, 11, 29, 3, tzinfo=UTC), "schedule", RunOutcome.PROMOTED, version=8
        ),
        RunOfWeek(
            "2026-11-25T101500Z-manual",
            datetime(2026, 11, 25, 10, 15, tzinfo=UTC),
            "manual",
            RunOutcome.NOT_ENOUGH_EVIDENCE,
        ),
    ),
    steering=STEERING,
    promise="at most 5% of answers are worse than Tier 3's (95% confidence, 412 rows)",
    month=MonthBudget(44.2, 50.0),
    learning=MonthBudget(4.1, 25.0),
)
EMPTY = WeekReport(
    figures=WeekFigures(FIRST, LAST, costs_of({}, 0.0), None, None, None, Scores()),
    switches=Switches(),
    days={FIRST + timedelta(n): costs_of({}, 0.0) for n in range(7)},
    tiers=costs_of_tiers({}),
    models={},
    keys=(),
    versions=(),
    runs=(),
    steering=None,
    promise=None,
    month=MonthBudget(0.0, None),
    learning=MonthBudget(0.0, 25.0),
)


def with_costs(**changes: object) -> WeekReport:
    """Return the report with other totals."""
    total = replace(FIGURES.costs, **changes)  # type: ignore[arg-type]  # fields of the class
    return replace(REPORT, figures=replace(FIGURES, costs=total))

"""The weekly report: money, quality, prompts, learning runs, budgets, and what to do next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.learning.promise import promise_of
from route_switch.domain.operations.costs import (
    CostTotals,
    Counters,
    add_up,
    costs_of,
    costs_of_models,
    costs_of_tiers,
)
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.steering_figures import SteeringFigures, steering_of
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.switches import Switches
from route_switch.services.learning.spending_caps import learning_cap, previous_month
from route_switch.services.operations.read_week import ReadWeek
from route_switch.services.operations.sum_costs import CostGroup, CostsQuery, SumCosts, Totals
from route_switch.services.operations.three_sentences import WeekFigures
from route_switch.services.prompts.describe_versions import VersionOrigin, describe_versions

MOST_VERSIONS = 100
"""Parameter Store keeps no more versions."""


@dataclass(frozen=True, slots=True)
class RunOfWeek:
    """A learning run. `outcome` is None while it is under way or `waits` for approval, and if it
    was `stopped`. `version` is the live version that it made, if any."""

    id: str
    started_at: datetime
    trigger: str
    outcome: RunOutcome | None
    waits: bool = False
    version: int | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class MonthBudget:
    """Spent or reserved in the month so far; `limit_usd` is None if it is not known, or if there is
    none."""

    spent_usd: float
    limit_usd: float | None

    @property
    def left_usd(self) -> float | None:
        return None if self.limit_usd is None else max(self.limit_usd - self.spent_usd, 0.0)

    @property
    def used(self) -> float | None:
        """The share that is used; None without a limit above 0."""
        return self.spent_usd / self.limit_usd if self.limit_usd else None


@dataclass(frozen=True, slots=True)
class WeekReport:
    """`days`, `tiers` and `models` cover the days of `figures`, `keys` the month so far: keys are
    counted by month. `versions` were live on one of the days, newest first, and so for `runs`.
    `steering` and `promise` are the live prompt's. `month` is the stage's budget, `learning` that
    of learning."""

    figures: WeekFigures
    switches: Switches
    days: Mapping[date, CostTotals]
    tiers: Mapping[str, CostTotals]
    models: Mapping[str, CostTotals]
    keys: tuple[CostGroup, ...]
    versions: tuple[VersionOrigin, ...]
    runs: tuple[RunOfWeek, ...]
    steering: SteeringFigures | None
    promise: str | None
    month: MonthBudget
    learning: MonthBudget


@dataclass(frozen=True, slots=True)
class ShowWeek:
    """`runs` returns the newest runs first. `learning` is None if its settings are not known,
    `monthly_budget_usd` if the stage has none. `packaged` is the steering score of the packaged
    prompt, whose document does not carry it."""

    read: ReadWeek
    totals: Totals
    keys: Callable[[], Sequence[ApiKey]]
    versions: Callable[[], tuple[StoredVersion, ...]]
    runs: Callable[[], Sequence[RunOfWeek]]
    switches: Callable[[], Switches]
    learning: LearningConfig | None
    monthly_budget_usd: float | None
    packaged: SteeringFigures
    actions: Callable[[datetime], Mapping[int, str]]
    """Returns what made each version of the prompt since then, as far as the audit trail says."""

    def __call__(self, last: date, days: int) -> WeekReport:
        """Return the report of the `days` days that end on `last`. Raise `StoreError`."""
        figures = self.read(last, days)
        query = CostsQuery(figures.first, last, "day")
        by_day = self.totals.of_days(query.days)
        learned = self.totals.learning_of_days(query.months)
        total = add_up(by_day.values())
        stored = self.versions()
        live = readable_prompt(stored[-1].document) if stored else None
        first = datetime.combine(figures.first, datetime.min.time(), UTC)
        return WeekReport(
            figures,
            self.switches(),
            {day: costs_of(by_day[day], learned.get(day, 0.0)) for day in query.days},
            costs_of_tiers(total),
            costs_of_models(total),
            SumCosts(self.totals, self.keys)(CostsQuery(last.replace(day=1), last, "key")).rows,
            self._live_since(stored, first),
            tuple(run for run in self.runs() if run.started_at >= first),
            None if live is None else self._steering(live),
            None if live is None else promise_of(live),
            *self._budgets(last),
        )

    def _steering(self, live: RoutingPrompt) -> SteeringFigures | None:
        carried = steering_of(live)
        return (
            self.packaged if carried is None and self.packaged.prompt == live.version else carried
        )

    def _budgets(self, last: date) -> tuple[MonthBudget, MonthBudget]:
        """Return the budget of the month of `last`, and the part of it that learning may spend."""
        month, before = _month(last), _month(last.replace(day=1) - timedelta(days=1))
        learned = self.totals.learning_of_days([*before.months, *month.months])
        spent_usd = sum(learned.get(day, 0.0) for day in month.days)
        costs = costs_of(self._sum(month), spent_usd)
        cap_usd = None
        if self.learning is not None:
            earlier_usd = sum(learned.get(day, 0.0) for day in before.days)
            cap_usd = learning_cap(self.learning, previous_month(self._sum(before), earlier_usd))
        return MonthBudget(costs.with_learning_usd, self.monthly_budget_usd), MonthBudget(
            spent_usd, cap_usd
        )

    def _sum(self, query: CostsQuery) -> Counters:
        return add_up(self.totals.of_days(query.days).values())

    def _live_since(
        self, versions: Sequence[StoredVersion], first: datetime
    ) -> tuple[VersionOrigin, ...]:
        """Return the versions that were live at `first` or later, newest first."""
        if not versions:
            return ()
        since = sum(each.written_at >= first for each in versions)
        shown = min(since + 1, len(versions), MOST_VERSIONS)
        # A change is noted before it is made.
        actions = self.actions(versions[-shown].written_at - timedelta(days=1))
        return describe_versions(versions, f"live@{versions[-1].version}", shown, actions)


def _month(last: date) -> CostsQuery:
    return CostsQuery(last.replace(day=1), last, "day")

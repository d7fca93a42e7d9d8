"""The figures behind the three sentences."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from route_switch.domain.operations.costs import add_up, costs_of
from route_switch.domain.operations.savings import shadow_savings
from route_switch.domain.ports import PromptStore
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.services.operations.show_savings import MeasuredPrompts
from route_switch.services.operations.sum_costs import CostsQuery, Totals
from route_switch.services.operations.three_sentences import WeekFigures

WEEK_DAYS = 7


class PeoplesScores(Protocol):
    def scores(self, prompt_version: str) -> Scores:
        """Return the scores of a version, named as in records (`live@7`). Raise `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class ReadWeek:
    totals: Totals
    prompts: PromptStore
    measured: MeasuredPrompts
    people: PeoplesScores

    def __call__(self, last: date, days: int = WEEK_DAYS) -> WeekFigures:
        """Return the figures of the `days` days that end on `last`. Raise `StoreError`."""
        query = CostsQuery(last - timedelta(days=days - 1), last, "day")
        by_day = self.totals.of_days(query.days)
        learning = self.totals.learning_of_days(query.months)
        learning_usd = sum(learning.get(day, 0.0) for day in query.days)
        live = self.prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        return WeekFigures(
            query.first,
            query.last,
            costs_of(add_up(by_day.values()), learning_usd),
            shadow_savings([by_day[day] for day in query.days]),
            None if live is None else live.version,
            None if prompt is None else self.measured.quality_lost(prompt),
            Scores() if live is None else self.people.scores(f"live@{live.version}"),
        )

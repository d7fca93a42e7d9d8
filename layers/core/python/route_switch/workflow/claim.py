"""The first step: start one run per scheduled time, and one run at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun
from route_switch.domain.ports import SwitchStore
from route_switch.services.learning.spending_caps import PreviousMonth, learning_cap
from route_switch.workflow.events import Claimed, ClaimEvent

LEARNING_IS_OFF = "Learning is off. To turn it on, run 'route-switch switch learning on'."


@dataclass(frozen=True, slots=True)
class ClaimRun:
    """Claim the run's lock. `previous_month` returns the figures of the month before a given day.

    If learning is off, nobody is notified: the person who turned it off knows, and a weekly
    reminder would be noise.
    """

    runs: DynamoDbRuns
    switches: SwitchStore
    config: LearningConfig
    previous_month: Callable[[date], PreviousMonth]

    def __call__(self, event: ClaimEvent) -> Claimed:
        if not self.switches.read().may_learn:
            self.runs.release(event.execution)  # a start by hand took the lock before
            return Claimed(claimed=False, off=True, why=LEARNING_IS_OFF)
        first = event.start.scheduled_time.date().replace(day=1)
        run = LearningRun(
            id=event.start.run_id,
            month=f"{first:%Y-%m}",
            trigger=event.start.trigger,
            reason=event.start.reason,
            cap_usd=learning_cap(self.config, self.previous_month(first)),
        )
        why = self.runs.claim(run, event.execution)
        if why is not None:
            return Claimed(claimed=False, why=why)
        return Claimed(claimed=True, run=run, shards=tuple(range(self.config.shards)))


def days_of_previous_month(first: date) -> list[date]:
    """Return all days of the month that ended on the day before `first`."""
    last = first - timedelta(days=1)
    return [last.replace(day=day) for day in range(1, last.day + 1)]

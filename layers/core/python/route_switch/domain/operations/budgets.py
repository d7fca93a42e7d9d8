"""A key's budget of a month, and the reservations in it that no function will settle any more."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Until when the router's log was read. `announced` are the lines of requests before that time
    whose end was not read yet."""

    until: datetime
    announced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """`taken_usd` is what was charged or is reserved in the month (`YYYY-MM`), `kept_usd` what of
    the charges is beyond the known cost of late calls. `open_usd` has the reservations by the hour
    of the day (UTC), and `since` the first day of the month with one that is in it: none if an
    earlier release reserved. `replayed` has how far the log of an hour was replayed, by the time at
    which the hour began, if that takes more than one run."""

    key_id: str
    month: str
    taken_usd: float
    kept_usd: float
    open_usd: Mapping[int, float]
    since: Mapping[int, int] = field(default_factory=dict)
    replayed: Mapping[datetime, LogPosition] = field(default_factory=dict)

    def left_behind(self, now: datetime) -> dict[int, float]:
        """Return reservations whose function has ended: those of all hours but this one and the one
        before. Lambda ends a function after 15 minutes at the latest."""
        return {hour: usd for hour, usd in self._ended(now).items() if usd > 0}

    def used_up(self, now: datetime) -> tuple[int, ...]:
        """Return the hours, as above, in which everything was settled."""
        return tuple(hour for hour, usd in self._ended(now).items() if usd == 0)

    def _ended(self, now: datetime) -> dict[int, float]:
        running = {now.hour, (now - HOUR).hour}
        return {hour: usd for hour, usd in self.open_usd.items() if hour not in running}

    def began_at(self, hour: int, now: datetime) -> list[datetime]:
        """Return the start of each hour in which reservations of this hour of the day may have
        been made, oldest first. Without a day in `since` it is the last one of the month."""
        first = datetime.strptime(f"{self.month} +0000", "%Y-%m %z")
        last_day = monthrange(first.year, first.month)[1]
        began = [first.replace(day=day, hour=hour) for day in range(1, last_day + 1)]
        over = [each for each in began if each + HOUR <= now] or began[:1]
        return [each for each in over if each.day >= self.since.get(hour, over[-1].day)]

    def charge_for(self, left_usd: float, counted_usd: float) -> float:
        """Return what the requests behind the reservations `left_usd` have cost: the cost of all of
        the key's requests by the counters of its month, minus what was charged. Never more than was
        reserved."""
        charged_usd = self.taken_usd - sum(self.open_usd.values())
        return min(max(counted_usd + self.kept_usd - charged_usd, 0.0), left_usd)

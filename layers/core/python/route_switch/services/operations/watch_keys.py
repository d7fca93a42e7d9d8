"""Find keys whose share of upgrades or of long bypassed answers is above what is expected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from route_switch.domain.operations.key_watch import (
    Share,
    expected_share,
    is_above,
    long_bypassed_of,
    upgrades_of,
)

BASELINE_MONTHS = 3

KeyWatchKind = Literal["upgrades", "bypassed"]
SHARES: Mapping[KeyWatchKind, Callable[[Mapping[str, float]], Share]] = {
    "upgrades": upgrades_of,
    "bypassed": long_bypassed_of,
}


class KeyMonths(Protocol):
    def of_keys(
        self, key_ids: Sequence[str], months: Sequence[str]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return the sum of each key's counters over the months (`YYYY-MM`)."""
        ...


@dataclass(frozen=True, slots=True)
class KeyAlarm:
    key_id: str
    kind: KeyWatchKind
    share: Share
    expected: float


def watch_keys(months: KeyMonths, key_ids: Sequence[str], now: datetime) -> list[KeyAlarm]:
    """Compare this month with the key's last three months, else with the other keys' last three
    and current months. Reads grow with the number of keys, never with requests."""
    current, *earlier = _months(now.date())
    this = months.of_keys(key_ids, [current])
    before = months.of_keys(key_ids, earlier)
    found = (
        alarm
        for kind, share_of in SHARES.items()
        for alarm in _above(
            kind,
            {key_id: share_of(this[key_id]) for key_id in key_ids},
            {key_id: share_of(before[key_id]) for key_id in key_ids},
        )
    )
    return list(found)


def _above(
    kind: KeyWatchKind, this: Mapping[str, Share], before: Mapping[str, Share]
) -> list[KeyAlarm]:
    everything = sum([*this.values(), *before.values()], Share())
    found = []
    for key_id, share in this.items():
        expected = expected_share(before[key_id], everything - share - before[key_id])
        if expected is not None and is_above(share, expected):
            found.append(KeyAlarm(key_id, kind, share, expected))
    return found


def _months(today: date) -> list[str]:
    """Return this month and the `BASELINE_MONTHS` before it, latest first."""
    first, found = today.replace(day=1), []
    for _ in range(BASELINE_MONTHS + 1):
        found.append(f"{first:%Y-%m}")
        first = (first - timedelta(days=1)).replace(day=1)
    return found

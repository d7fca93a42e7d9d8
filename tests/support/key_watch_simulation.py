"""Honest and hostile keys in simulation: how often, and how soon, the watch raises an alarm.

An honest key has a share of its own, which swings by up to four points between workdays and
weekends. Its baseline is drawn from the same process.
"""

import random
from collections.abc import Sequence
from itertools import accumulate

from route_switch.domain.operations.key_watch import Share, expected_share, is_above

MONTHS, DAYS, PER_DAY = 3, 30, 60
SWING = 0.04
LOOK_EVERY = 5
"""Requests between two looks: more looks than the hourly monitor takes at 60 requests a day."""


def honest_alarms(keys: int, seed: int) -> int:
    """Return the keys with an alarm in a quarter, looking after every few requests."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    return sum(_has_alarm(rng) for _ in range(keys))


def requests_to_alarm(moved: float, seed: int, share: float = 0.25) -> int | None:
    """Return how many requests an attacker sends until the alarm; `moved` is the share of the
    requests below Tier 3 that reach it."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    expected = _expected([_month(share, rng) for _ in range(MONTHS)])
    attacked = [rng.random() < share + (1 - share) * moved for _ in range(DAYS * PER_DAY)]
    return first_alarm(attacked, expected)


def first_alarm(hits: Sequence[bool], expected: float) -> int | None:
    sums = [0, *accumulate(hits)]
    looks = range(LOOK_EVERY, len(sums), LOOK_EVERY)
    return next((n for n in looks if is_above(Share(sums[n], n), expected)), None)


def _has_alarm(rng: random.Random) -> bool:
    share = rng.uniform(0.05, 0.8)
    months = [_month(share, rng) for _ in range(2 * MONTHS)]
    return any(
        first_alarm(months[n], _expected(months[n - MONTHS : n])) is not None
        for n in range(MONTHS, 2 * MONTHS)
    )


def _expected(months: Sequence[Sequence[bool]]) -> float:
    known = Share(sum(map(sum, months)), sum(map(len, months)))
    found = expected_share(known, Share())
    assert found is not None
    return found


def _month(share: float, rng: random.Random) -> list[bool]:
    """Weekends lie below the key's share and workdays above it."""
    return [
        rng.random() < share + SWING * (0.4 if day % 7 < 5 else -1.0)
        for day in range(DAYS)
        for _ in range(PER_DAY)
    ]

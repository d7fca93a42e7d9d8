"""Keys with a cap on their upgrades in simulation: how often an honest one is limited, and what an
attacker still gets. The hourly check decides as the monitor does."""

import random
from dataclasses import dataclass

from route_switch.domain.operations.key_watch import Share
from route_switch.domain.operations.upgrade_cap import is_limited

MONTHS, DAYS, HOURS = 3, 30, 24
SWING = 0.04
"""Weekends lie as much below a key's share as `key_watch_simulation` has them."""


def honest_limits(keys: int, seed: int, below: float, per_day: int) -> int:
    """Return the keys that are ever limited in a quarter. Each has a cap of its own, and its share
    is on average `below` points below it; workdays lie above that, weekends below."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    return sum(_is_ever_limited(rng, below, per_day) for _ in range(keys))


@dataclass(frozen=True, slots=True)
class CappedMonth:
    """Shares of Tier 3 in a month: with the cap, and as they would have been without it. `above` is
    the number of requests on Tier 3 beyond what the cap allows."""

    capped: float
    uncapped: float
    above: float
    limited_hours: int


def capped_month(share: float, moved: float, cap: float, per_hour: int, seed: int) -> CappedMonth:
    """An honest share of `share`; `moved` is the share of the other requests that a crafted text
    would move to Tier 3."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    wanted = share + (1 - share) * moved
    hits = n = asked = hours = 0
    limited = False
    for _ in range(DAYS * HOURS):
        upgrades = sum(rng.random() < wanted for _ in range(per_hour))
        asked += upgrades
        n += per_hour
        hits += 0 if limited else upgrades
        hours += limited
        limited = is_limited(Share(hits, n), cap, was_limited=limited)
    return CappedMonth(hits / n, asked / n, max(hits - cap * n, 0.0), hours)


def _is_ever_limited(rng: random.Random, below: float, per_day: int) -> bool:
    cap = rng.uniform(0.15, 0.8)
    return any(_month_is_limited(rng, cap, cap - below, per_day) for _ in range(MONTHS))


def _month_is_limited(rng: random.Random, cap: float, share: float, per_day: int) -> bool:
    share_now = Share()
    for day in range(DAYS):
        daily = share + SWING * (0.4 if day % 7 < 5 else -1.0)
        for _ in range(per_day // 5):
            hits = sum(rng.random() < daily for _ in range(5))
            share_now += Share(hits, 5)
            if is_limited(share_now, cap, was_limited=False):
                return True
    return False

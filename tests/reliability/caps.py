"""What a cap on a key's upgrades does to honest keys, and what it leaves to an attacker."""

from statistics import mean

from route_switch.domain.intervals import wilson
from tests.reliability.section import Aim, Section
from tests.support.cap_simulation import CappedMonth, capped_month, honest_limits

KEYS, MONTHS = 1000, 100
SHARE, MOVED, CAP = 0.25, 0.9, 0.35
MOST_LIMITED, MOST_ABOVE = 0.01, 0.05
"""Honest keys below their cap that are limited in a quarter; and how far above its cap an attacked
key's share of Tier 3 may be."""


def measure() -> Section:
    limited = {below: honest_limits(KEYS, 20261130, below, 60) for below in (0.0, 0.05)}
    attacked = {per_hour: _months(per_hour) for per_hour in (3, 30, 300)}
    highest = max(month.capped for months in attacked.values() for month in months)
    return Section(
        name="caps",
        title="A cap on a key's upgrades",
        promise="How often a key below its cap is limited, and how often a key whose queries are "
        "crafted to reach Tier 3 reaches it.",
        method="Simulation with the hourly monitor's rule. Honest keys have caps of 15% to 80%, "
        "60 routed requests a day, and weekends 5.6 points below workdays; the test looks after "
        f"every 5 requests of a quarter. Attacked keys have an honest share of {SHARE:.0%} and a "
        f"cap of {CAP:.0%}; a text moves {MOVED:.0%} of the other requests up in every hour of a "
        "month, and the monitor looks every hour (`tests/support/cap_simulation.py`).",
        columns=("key", "n", "ever limited (95%)", "share of Tier 3: without cap, with cap"),
        rows=(
            *(_honest(below, keys) for below, keys in limited.items()),
            *(_attacked(per_hour, months) for per_hour, months in attacked.items()),
        ),
        aims=(
            Aim(
                f"at most {MOST_LIMITED:.0%} of honest keys 5 points below their cap are ever "
                "limited in a quarter",
                f"{limited[0.05]} of {KEYS}",
                limited[0.05] <= MOST_LIMITED * KEYS,
            ),
            Aim(
                "an attacked key's share of Tier 3 is at most "
                f"{MOST_ABOVE * 100:.0f} points above its cap",
                f"{highest:.1%} with a cap of {CAP:.0%}",
                highest <= CAP + MOST_ABOVE,
            ),
        ),
        notes=(
            "The bound for honest keys is 1% per key and quarter, as long as each request goes to "
            "Tier 3 with a probability of at most the cap. A key that is at its cap on average is "
            "above it on workdays.",
            "An owner who sets the cap below a key's honest share limits honest requests: they "
            "then get Tier 2 as often as that share exceeds the cap.",
        ),
    )


def _honest(below: float, limited: int) -> tuple[str, ...]:
    low, high = wilson(limited, KEYS)
    what = "at its cap on average" if below == 0 else f"{below * 100:.0f} points below its cap"
    return (f"honest key {what}, a quarter", str(KEYS), f"{limited} ({low:.1%} to {high:.1%})", "")


def _months(per_hour: int) -> list[CappedMonth]:
    return [capped_month(SHARE, MOVED, CAP, per_hour, seed) for seed in range(MONTHS)]


def _attacked(per_hour: int, months: list[CappedMonth]) -> tuple[str, ...]:
    limited = sum(month.limited_hours > 0 for month in months)
    low, high = wilson(limited, MONTHS)
    return (
        f"attacked key with {per_hour} requests an hour, a month",
        str(MONTHS),
        f"{limited} ({low:.1%} to {high:.1%})",
        _shares(months),
    )


def _shares(months: list[CappedMonth]) -> str:
    without, capped = (mean(m.uncapped for m in months), [m.capped for m in months])
    return f"{without:.1%}, {mean(capped):.1%} (at most {max(capped):.1%})"

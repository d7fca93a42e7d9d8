"""What a cap on a key's upgrades does to honest keys, and what it leaves to an attacker."""

from statistics import mean

from route_switch.domain.intervals import wilson
from tests.reliability.section import Section
from tests.support.cap_simulation import CappedMonth, capped_month, honest_limits

KEYS, MONTHS = 1000, 100
SHARE, MOVED, CAP = 0.25, 0.9, 0.35


def measure() -> Section:
    return Section(
        name="caps",
        title="A cap on a key's upgrades",
        promise="A key below its cap is hardly ever limited, and a key whose queries are crafted "
        "to reach Tier 3 reaches it about as often as its cap allows.",
        method="Simulation with the hourly monitor's rule. Honest keys have caps of 15% to 80%, "
        "60 routed requests a day, and weekends 5.6 points below workdays; the test looks after "
        f"every 5 requests of a quarter. Attacked keys have an honest share of {SHARE:.0%} and a "
        f"cap of {CAP:.0%}; a text moves {MOVED:.0%} of the other requests up in every hour of a "
        "month, and the monitor looks every hour (`tests/support/cap_simulation.py`).",
        columns=("key", "n", "ever limited (95%)", "share of Tier 3: without cap, with cap"),
        rows=(
            *(_honest(below) for below in (0.0, 0.05)),
            *(_attacked(per_hour) for per_hour in (3, 30, 300)),
        ),
        notes=(
            "The bound for honest keys is 1% per key and quarter, as long as each request goes to "
            "Tier 3 with a probability of at most the cap. A key that is at its cap on average is "
            "above it on workdays.",
            "An owner who sets the cap below a key's honest share limits honest requests: they "
            "then get Tier 2 as often as that share exceeds the cap.",
        ),
    )


def _honest(below: float) -> tuple[str, ...]:
    limited = honest_limits(KEYS, seed=20261130, below=below, per_day=60)
    low, high = wilson(limited, KEYS)
    what = "at its cap on average" if below == 0 else f"{below * 100:.0f} points below its cap"
    return (f"honest key {what}, a quarter", str(KEYS), f"{limited} ({low:.1%} to {high:.1%})", "")


def _attacked(per_hour: int) -> tuple[str, ...]:
    months = [capped_month(SHARE, MOVED, CAP, per_hour, seed) for seed in range(MONTHS)]
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

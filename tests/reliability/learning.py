"""What one client key can do to routing and learning without being seen."""

from collections.abc import Sequence
from statistics import median

from route_switch.domain.intervals import wilson
from tests.reliability.section import Aim, Section
from tests.support.key_watch_simulation import honest_alarms, requests_to_alarm

KEYS, ATTACKERS = 1000, 200
MOST_FALSE, FOUND_FROM = 0.01, 0.2
"""Alarms of honest keys in a quarter; and the share of other requests from which a key that moves
them up is always found."""


def measure() -> Section:
    alarms = honest_alarms(KEYS, seed=20261129)
    low, high = wilson(alarms, KEYS)
    honest = ("honest key, a quarter", str(KEYS), f"{alarms} ({low:.1%} to {high:.1%})", "")
    attacked = {moved: _alarms(moved) for moved in (0.1, 0.2, 0.3, 0.5)}
    clear = [n for moved, found in attacked.items() if moved >= FOUND_FROM for n in found]
    caught = sum(n is not None for n in clear)
    return Section(
        name="learning",
        title="What one client key can do",
        promise="How soon a key whose requests are routed up more often than expected is found, "
        "and how often honest keys are.",
        method="Simulation with 60 routed requests a day, shares of 5% to 80%, and weekends 5.6 "
        "points below workdays; the test looks after every 5 requests of a quarter "
        "(`tests/support/key_watch_simulation.py`).",
        columns=("key", "n", "alarms (95%)", "requests to the alarm: median, worst"),
        rows=(honest, *(_attacked(moved, found) for moved, found in attacked.items())),
        aims=(
            Aim(
                f"at most {MOST_FALSE:.0%} of honest keys raise an alarm in a quarter",
                f"{alarms} of {KEYS}",
                alarms <= MOST_FALSE * KEYS,
            ),
            Aim(
                f"a key that moves {FOUND_FROM:.0%} or more of its other requests up is found",
                f"{caught} of {len(clear)}",
                caught == len(clear),
            ),
        ),
        notes=(
            "The bound for honest keys is 1% per key and quarter as long as the true share is at "
            "most the expected one, which is five points above the baseline's upper bound.",
            "A key that raises its share by less than five points a month is not detected.",
        ),
    )


def _alarms(moved: float) -> list[int | None]:
    """Return the requests until the alarm, None without one."""
    return [requests_to_alarm(moved, seed) for seed in range(ATTACKERS)]


def _attacked(moved: float, found: Sequence[int | None]) -> tuple[str, ...]:
    alarms = [n for n in found if n is not None]
    low, high = wilson(len(alarms), ATTACKERS)
    spread = f"{median(alarms):.0f}, {max(alarms)}" if alarms else "none"
    return (
        f"share 25%, moves {moved:.0%} of its other requests up",
        str(ATTACKERS),
        f"{len(alarms)} ({low:.1%} to {high:.1%})",
        spread,
    )

"""What one client key can do to routing and learning without being seen."""

from statistics import median

from route_switch.domain.intervals import wilson
from tests.reliability.section import Section
from tests.support.key_watch_simulation import honest_alarms, requests_to_alarm

KEYS, ATTACKERS = 1000, 200


def measure() -> Section:
    alarms = honest_alarms(KEYS, seed=20261129)
    low, high = wilson(alarms, KEYS)
    honest = ("honest key, a quarter", str(KEYS), f"{alarms} ({low:.1%} to {high:.1%})", "")
    return Section(
        name="learning",
        title="What one client key can do",
        promise="A key whose requests are routed up more often than expected is found, and honest "
        "keys rarely are.",
        method="Simulation with 60 routed requests a day, shares of 5% to 80%, and weekends 5.6 "
        "points below workdays; the test looks after every 5 requests of a quarter "
        "(`tests/support/key_watch_simulation.py`).",
        columns=("key", "n", "alarms (95%)", "requests to the alarm: median, worst"),
        rows=(honest, *(_attacked(moved) for moved in (0.1, 0.2, 0.3, 0.5))),
        notes=(
            "The bound for honest keys is 1% per key and quarter as long as the true share is at "
            "most the expected one, which is five points above the baseline's upper bound.",
            "A key that raises its share by less than five points a month is not found.",
        ),
    )


def _attacked(moved: float) -> tuple[str, ...]:
    found = [requests_to_alarm(moved, seed) for seed in range(ATTACKERS)]
    alarms = [n for n in found if n is not None]
    low, high = wilson(len(alarms), ATTACKERS)
    spread = f"{median(alarms):.0f}, {max(alarms)}" if alarms else "none"
    return (
        f"share 25%, moves {moved:.0%} of its other requests up",
        str(ATTACKERS),
        f"{len(alarms)} ({low:.1%} to {high:.1%})",
        spread,
    )

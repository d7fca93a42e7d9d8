"""How often drift is found in unchanged and in changed traffic. `python -m` prints the tables of
docs/decisions/007-drift.md."""

import sys
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from route_switch.domain.learning.drift import (
    MAX_WINDOW_DAYS,
    Prediction,
    RoutedDay,
    compare_traffic,
)
from route_switch.domain.tiers import Tier

Shares = tuple[float, ...]

MIXES: dict[str, Shares] = {
    "even": (0.34, 0.33, 0.33),
    "middling": (0.5, 0.3, 0.2),
    "small first": (0.6, 0.25, 0.15),
    "mostly small": (0.8, 0.15, 0.05),
    "nearly all small": (0.9, 0.08, 0.02),
    "no large": (0.55, 0.45, 0.0),
}
LENGTHS: Shares = (0.1, 0.35, 0.35, 0.15, 0.05)
A_TOKEN = (4, 20, 64, 256, 1024)
"""One length in each bucket."""
DAYS = 140
SHIFT = 0.1


class Traffic:
    """Requests of one mix, and predictions from samples of it."""

    def __init__(self, mix: Shares, seed: int) -> None:
        self._mix = mix
        self._random = np.random.default_rng(seed)

    def prediction(self, rows: int) -> Prediction:
        tiers, lengths = (self._random.multinomial(rows, of) / rows for of in (self._mix, LENGTHS))
        return Prediction(rows, tuple(tiers.tolist()), tuple(lengths.tolist()))

    def weighted_prediction(self, rows: int) -> Prediction:
        """Rows that stand for 1, 2, 3, … requests, 2 on average, like merged equal requests."""
        random = self._random
        tiers = random.choice(3, rows, p=self._mix)
        lengths = random.choice(5, rows, p=LENGTHS)
        made = Prediction.from_rows(
            (Tier(int(tier) + 1), A_TOKEN[length], float(weight))
            for tier, length, weight in zip(
                tiers, lengths, random.geometric(0.5, rows), strict=True
            )
        )
        assert made is not None
        return made

    def days(self, requests: int, count: int, mix: Shares | None = None) -> list[RoutedDay]:
        random = self._random
        return [
            RoutedDay(
                tuple(random.multinomial(requests, mix or self._mix).tolist()),
                tuple(random.multinomial(requests, LENGTHS).tolist()),
            )
            for _ in range(count)
        ]


def looks(prediction: Prediction, newest_first: Sequence[RoutedDay], count: int) -> list[bool]:
    """Whether drift is found after each of the newest days."""
    found = [
        compare_traffic(prediction, newest_first[day : day + MAX_WINDOW_DAYS])
        for day in range(count)
    ]
    return [drift is not None and drift.is_found for drift in found]


def false_alarms(
    mix: Shares,
    rows: int,
    requests: int,
    version_days: int,
    repeats: int,
    seed: int,
    weighted: bool = False,
) -> tuple[float, float]:
    """Return the averages over 20 weeks of unchanged traffic: days that alarm, and runs that are
    started. A version that is live for `version_days` starts at most one."""
    traffic = Traffic(mix, seed)
    days = runs = 0
    for _ in range(repeats * DAYS // version_days):
        prediction = (traffic.weighted_prediction if weighted else traffic.prediction)(rows)
        alarms = looks(prediction, traffic.days(requests, version_days), version_days)
        days += sum(alarms)
        runs += any(alarms)
    return days / repeats, runs / repeats


def shifts(mix: Shares) -> list[Shares]:
    """Return every way in which ten points of a mix can move from one tier to another."""
    moved = []
    for source, target in permutations(range(3), 2):
        if mix[source] >= SHIFT:
            parts = np.array(mix)
            parts[source] -= SHIFT
            parts[target] += SHIFT
            moved.append(tuple(parts.clip(0).tolist()))
    return moved


def noticed(
    mix: Shares, shifted: Shares, rows: int, requests: int, repeats: int, seed: int
) -> float:
    """Return the probability that a shift is detected within its first 500 requests: by a check on
    any of the days that they take, after a week of the old mix."""
    traffic, found = Traffic(mix, seed), 0
    for _ in range(repeats):
        after = traffic.days(requests, 500 // requests, shifted)
        before = traffic.days(requests, MAX_WINDOW_DAYS)
        found += any(looks(traffic.prediction(rows), after + before, len(after)))
    return found / repeats


def print_false_alarms() -> None:
    _print("| mix | rows | requests a day | a version's days | alarms | runs |")
    _print("|---|---|---|---|---|---|")
    for name, rows, requests in (
        ("even", 1000, 500),
        ("even", 300, 100),
        ("middling", 300, 500),
        ("small first", 1000, 500),
    ):
        _print_rates(name, rows, requests, 7, repeats=1500, seed=99)
    for seed, name in enumerate(MIXES):
        for requests in (500, 20_000):
            _print_rates(name, 300, requests, DAYS, repeats=200, seed=seed)
    _print_rates("even", 600, 500, 7, repeats=200, seed=0, weighted=True)


def _print_rates(
    name: str,
    rows: int,
    requests: int,
    version_days: int,
    repeats: int,
    seed: int,
    weighted: bool = False,
) -> None:
    days, runs = false_alarms(MIXES[name], rows, requests, version_days, repeats, seed, weighted)
    kind = f"{name}, weighted" if weighted else name
    _print(f"| {kind} | {rows} | {requests} | {version_days} | {days:.2f} | {runs:.2f} |")


def print_power(repeats: int = 2000) -> None:
    sizes = (300, 600, 1000, 1500, 2000)
    _print(f"| mix | requests a day | {' | '.join(map(str, sizes))} |\n|---|---|{'---|' * 5}")
    for seed, (name, mix) in enumerate(MIXES.items()):
        for requests in (500, 100):
            cells = []
            for rows in sizes:
                chances = [noticed(mix, s, rows, requests, repeats, seed) for s in shifts(mix)]
                cells.append(f"{min(chances):.2f}–{max(chances):.2f}")
            _print(f"| {name} | {requests} | {' | '.join(cells)} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    print_false_alarms()
    print_power()

"""How often a prompt is rolled back that is rated alike, and one that is rated lower: `python -m`
prints the tables of docs/decisions/011-quality-drop.md."""

import sys
from collections.abc import Callable, Iterator
from random import Random

from route_switch.domain.quality_drop import Scores, compare

Rate = Callable[[Random], float]
GROWTH = 1.03
"""By how much the feedback grows from one look to the next, at least one score."""


def thumbs(share: float) -> Rate:
    """A thumb is up with this probability."""
    return lambda random: float(random.random() < share)


def stars(share: float) -> Rate:
    """One to five stars, as 0 to 1 in quarters; the mean is `share`."""
    return lambda random: sum(random.random() < share for _ in range(4)) / 4


def drawn(rate: Rate, count: int, random: Random) -> Scores:
    scores = [rate(random) for _ in range(count)]
    return Scores(count, sum(scores), sum(score * score for score in scores))


def looks(rate: Rate, most: int, random: Random) -> Iterator[Scores]:
    """What is known at each look of a promotion's life."""
    known = Scores()
    while known.n < most:
        more = min(max(int(known.n * (GROWTH - 1)), 1), most - known.n)
        known += drawn(rate, more, random)
        yield known


def is_rolled_back(before: Scores, now: Rate, most: int, random: Random) -> bool:
    return any(
        found.is_drop for each in looks(now, most, random) if (found := compare(before, each))
    )


def share_rolled_back(
    before: Rate, now: Rate, sizes: tuple[int, int], promotions: int, seed: int
) -> float:
    """Of promotions with so many scores of the version before, and at most so many of the new."""
    random = Random(seed)  # noqa: S311 (a simulation)
    of_before, most = sizes
    return (
        sum(
            is_rolled_back(drawn(before, of_before, random), now, most, random)
            for _ in range(promotions)
        )
        / promotions
    )


def print_false_alarms(promotions: int = 2000) -> None:
    sizes = ((30, 3000), (100, 3000), (1000, 3000), (10_000, 3000))
    _print(f"| scores | mean | {' | '.join(str(of_before) for of_before, _ in sizes)} |")
    _print("|---|---|---|---|---|---|")
    for name, kind in (("thumbs", thumbs), ("stars", stars)):
        for mean in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99):
            rates = [share_rolled_back(kind(mean), kind(mean), s, promotions, 11) for s in sizes]
            _print(f"| {name} | {mean} | {' | '.join(f'{rate:.3f}' for rate in rates)} |")


def print_power(promotions: int = 1000) -> None:
    sizes = (50, 100, 200, 400, 800, 1600)
    _print(f"| scores before | mean before | drop | {' | '.join(map(str, sizes))} |")
    _print(f"|---|---|---|{'---|' * len(sizes)}")
    for of_before in (100, 400, 2000):
        for mean in (0.7, 0.9):
            for drop in (0.1, 0.2, 0.3):
                old, new = thumbs(mean), thumbs(mean - drop)
                rates = [
                    share_rolled_back(old, new, (of_before, most), promotions, 12) for most in sizes
                ]
                cells = " | ".join(f"{rate:.2f}" for rate in rates)
                _print(f"| {of_before} | {mean} | {drop} | {cells} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    print_false_alarms()
    print_power()

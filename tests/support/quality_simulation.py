"""How often an equally rated prompt and a lower rated one are rolled back. `python -m` prints the
tables of docs/decisions/011-quality-drop.md."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random

from route_switch.domain.prompts.quality_drop import Scores, compare_scores, rests_on

Rate = Callable[[Random], float]
GROWTH = 1.05
"""Growth of the feedback from one check to the next, at least one score."""


def thumbs(share: float) -> Rate:
    """A thumb is up with this probability."""
    return lambda random: float(random.random() < share)


def stars(share: float) -> Rate:
    """One to five stars, as 0 to 1 in quarters. The mean is `share`."""
    return lambda random: sum(random.random() < share for _ in range(4)) / 4


def drawn(rate: Rate, count: int, random: Random) -> Scores:
    scores = [rate(random) for _ in range(count)]
    return Scores(count, sum(scores), sum(score * score for score in scores))


def looks(rate: Rate, most: int, random: Random) -> Iterator[Scores]:
    """Return the scores known at each check after a promotion."""
    known = Scores()
    while known.n < most:
        more = min(max(int(known.n * (GROWTH - 1)), 1), most - known.n)
        known += drawn(rate, more, random)
        yield known


def rolled_back_after(before: Scores, now: Rate, most: int, random: Random) -> float:
    """Return how many scores of the new version it took; infinity if it stays."""
    seen = looks(now, most, random)
    return next(
        (each.n for each in seen if (found := compare_scores(before, each)) and found.is_drop),
        math.inf,
    )


def lives(
    before: Rate, now: Rate, sizes: tuple[int, int], promotions: int, seed: int
) -> list[float]:
    """Return `rolled_back_after` of simulated promotions, with this many scores of the previous
    version and at most this many of the new one."""
    random = Random(seed)  # noqa: S311 (a simulation)
    of_before, most = sizes
    return [
        rolled_back_after(drawn(before, of_before, random), now, most, random)
        for _ in range(promotions)
    ]


def share_rolled_back(lives: Sequence[float], within: float) -> float:
    return sum(after <= within for after in lives) / len(lives)


KEYS = 6
"""Honest clients, with equal shares of the honest scores."""
HOSTILE = "key_hostile"


def hostile_lives(
    honest: tuple[float, float], share: float, lies: tuple[float, float], promotions: int, seed: int
) -> tuple[float, float]:
    """Return the shares of promotions that are rolled back by the time the new version has 800
    scores: by all scores together, and as the product does it, without any one client.

    `honest` and `lies` are the chances of a thumb up before the promotion and after it. The hostile
    client gives `share` of all scores. The version before has 400.
    """
    random = Random(seed)  # noqa: S311 (a simulation)
    plain = guarded = 0
    for _ in range(promotions):
        before = _by_client(400, share, honest[0], lies[0], random)
        now: dict[str, Scores] = {}
        seen_plain = seen_guarded = False
        for more in _growth(800):
            for client, scores in _by_client(more, share, honest[1], lies[1], random).items():
                now[client] = now.get(client, Scores()) + scores
            found = compare_scores(sum(before.values(), Scores()), sum(now.values(), Scores()))
            if found is None or not found.is_drop:
                continue
            seen_plain = True
            if rests_on(before, now) is None:
                seen_guarded = True
                break
        plain, guarded = plain + seen_plain, guarded + seen_guarded
    return plain / promotions, guarded / promotions


def _growth(most: int) -> Iterator[int]:
    """Yield how many scores are added before each check."""
    known = 0
    while known < most:
        more = min(max(int(known * (GROWTH - 1)), 10), most - known)
        known += more
        yield more


def _by_client(
    count: int, share: float, honest: float, lie: float, random: Random
) -> dict[str, Scores]:
    scores: dict[str, Scores] = {}
    for _ in range(count):
        lies = random.random() < share
        client = HOSTILE if lies else f"key_{random.randrange(KEYS)}"
        one = float(random.random() < (lie if lies else honest))
        scores[client] = scores.get(client, Scores()) + Scores(1, one, one * one)
    return scores


def print_hostile(promotions: int = 500) -> None:
    _print("| hostile scores | true change | the client rates | by all scores | the product |")
    _print("|---|---|---|---|---|")
    cases = (
        ("none", (0.8, 0.8), "down, and up before", (1.0, 0.0)),
        ("a drop of 0.2", (0.8, 0.6), "up, and down before", (0.0, 1.0)),
    )
    for change, honest, said, lies in cases:
        for share in (0.0, 0.01, 0.05, 0.1, 0.3):
            plain, guarded = hostile_lives(honest, share, lies, promotions, 13)
            _print(f"| {share:.0%} | {change} | {said} | {plain:.3f} | {guarded:.3f} |")


def print_false_alarms(promotions: int = 1000, most: int = 3000) -> None:
    sizes = (30, 100, 300, 1000, 10_000)
    _print(f"| scores | mean | {' | '.join(map(str, sizes))} |\n|---|---|{'---|' * len(sizes)}")
    for name, rate in (
        *((f"thumbs | {mean}", thumbs(mean)) for mean in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)),
        ("stars | 0.8", stars(0.8)),
    ):
        rates = [
            share_rolled_back(lives(rate, rate, (n, most), promotions, 11), most) for n in sizes
        ]
        _print(f"| {name} | {' | '.join(f'{each:.3f}' for each in rates)} |")


def print_power(promotions: int = 500) -> None:
    sizes = (50, 100, 200, 400, 800, 1600)
    _print(f"| scores before | mean before | drop | {' | '.join(map(str, sizes))} |")
    _print(f"|---|---|---|{'---|' * len(sizes)}")
    for of_before in (100, 400, 2000):
        for mean in (0.7, 0.9):
            for drop in (0.1, 0.2, 0.3):
                old, new = thumbs(mean), thumbs(mean - drop)
                found = lives(old, new, (of_before, sizes[-1]), promotions, 12)
                cells = " | ".join(f"{share_rolled_back(found, n):.2f}" for n in sizes)
                _print(f"| {of_before} | {mean} | {drop} | {cells} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    print_false_alarms()
    print_power()
    print_hostile()

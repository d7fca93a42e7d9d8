"""How often a promise is wrong, and how many rows it needs. `python -m` prints the tables of
docs/decisions/017-a-promise.md."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.random import Generator

from route_switch.domain.intervals import wilson
from route_switch.domain.learning.promise import Losses, certifies
from route_switch.domain.learning.promotion import alpha_of_look
from route_switch.optimizer.promise import (
    RankedPolicy,
    in_order_of_the_test,
)

LIMIT = 0.05
BARELY_WORSE = 0.0501
POLICIES = 40
HEAVY, HEAVY_SHARE = 5.0, 0.2
"""A fifth of the weighted rows counts five times, and these rows lose four times as often."""


@dataclass(frozen=True, slots=True)
class World:
    """Policies that lose independently of each other, each with its own true share of losses.

    `rates` are ordered from the most expensive policy to the cheapest.
    """

    rates: tuple[float, ...]
    weighted: bool = False

    def draw(self, random: Generator, n: int) -> list[Losses]:
        """Return the policies' losses on n rows."""
        if not self.weighted:
            lost = random.binomial(n, self.rates)
            return [Losses({(1.0, 1.0): int(k), (1.0, 0.0): n - int(k)}) for k in lost]
        heavy = int(random.binomial(n, HEAVY_SHARE))
        return [_weighted(random, rate, n - heavy, heavy) for rate in self.rates]


def _weighted(random: Generator, rate: float, light: int, heavy: int) -> Losses:
    low, high = rates_by_weight(rate)
    lost = int(random.binomial(light, low)), int(random.binomial(heavy, high))
    return Losses(
        Counter(
            {
                (1.0, 1.0): lost[0],
                (1.0, 0.0): light - lost[0],
                (HEAVY, 1.0): lost[1],
                (HEAVY, 0.0): heavy - lost[1],
            }
        )
    )


def rates_by_weight(rate: float) -> tuple[float, float]:
    """Return the losses of light and heavy rows whose weighted mean is `rate`."""
    share = HEAVY * HEAVY_SHARE / (HEAVY * HEAVY_SHARE + 1 - HEAVY_SHARE)
    light = rate / (1 + 3 * share)
    return light, 4 * light


Procedure = Callable[[Sequence[Losses], Sequence[Losses], float], list[int]]
"""Takes the policies' losses on validation and on held-out rows, dearest first, and the level.
Returns the policies that it certifies."""


def on_the_rows_that_certify(
    _: Sequence[Losses], heldout: Sequence[Losses], alpha: float
) -> list[int]:
    """The mistake: test all policies on the same rows at the full level."""
    return [i for i, losses in enumerate(heldout) if certifies(losses, LIMIT, alpha)]


def in_sequence(validation: Sequence[Losses], heldout: Sequence[Losses], alpha: float) -> list[int]:
    """What the product does: validation rows fix the order, and the first failure ends the test."""
    return list(takewhile(lambda i: certifies(heldout[i], LIMIT, alpha), _order(validation)))


def _order(validation: Sequence[Losses]) -> list[int]:
    ranked = in_order_of_the_test(
        RankedPolicy(str(i), float(len(validation) - i), losses)
        for i, losses in enumerate(validation)
    )
    return [int(each.name) for each in ranked]


def one_chosen(validation: Sequence[Losses], heldout: Sequence[Losses], alpha: float) -> list[int]:
    """Test the cheapest policy that the validation rows themselves certify, and no other."""
    fit = [i for i, losses in enumerate(validation) if certifies(losses, LIMIT, alpha)]
    chosen = max(fit, default=None)
    if chosen is None:
        return []
    return [chosen] if certifies(heldout[chosen], LIMIT, alpha) else []


def bonferroni(_: Sequence[Losses], heldout: Sequence[Losses], alpha: float) -> list[int]:
    level = alpha / len(heldout)
    return [i for i, losses in enumerate(heldout) if certifies(losses, LIMIT, level)]


PROCEDURES: dict[str, Procedure] = {
    "all on the certifying rows": on_the_rows_that_certify,
    "Bonferroni over all": bonferroni,
    "one chosen by validation": one_chosen,
    "fixed sequence": in_sequence,
}
KEYS = 6
"""Honest clients, with equal shares of the honest rows."""
HALF = POLICIES // 2
ALL_BAD = World((BARELY_WORSE,) * POLICIES)
HALF_BAD = World((*(0.005 + 0.045 * i / HALF for i in range(HALF)), *(BARELY_WORSE,) * HALF))
FRONT = World((0.005, 0.01, 0.015, 0.02, 0.03, BARELY_WORSE))
"""What a run has: a few policies, each cheaper and worse than the one before."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`wrong` runs promised a policy that does not keep it. `cheapest` is the mean position of the
    cheapest promised policy among all, from 0 (none) to 1."""

    wrong: int
    cheapest: float
    runs: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the share of wrong runs (Wilson 1927)."""
        return wilson(self.wrong, self.runs)


def simulate(
    world: World, procedure: Procedure, n: int, runs: int, seed: int, alpha: float = 0.05
) -> Tally:
    random = np.random.default_rng(seed)
    wrong, reached = 0, 0.0
    for _ in range(runs):
        certified = procedure(world.draw(random, n), world.draw(random, n), alpha)
        wrong += any(world.rates[i] > LIMIT for i in certified)
        reached += (max(certified, default=-1) + 1) / len(world.rates)
    return Tally(wrong, reached / runs, runs)


def with_a_hostile_client(
    world: World, n: int, share: float, runs: int, seed: int, *, leave_out: bool
) -> Tally:
    """One client has this share of the held-out rows, and they hide every loss. The validation rows
    are honest: they decide nothing but the order. The promise is about the others' rows."""
    random = np.random.default_rng(seed)
    hostile = round(n * share)
    sizes = [len(part) for part in np.array_split(np.arange(n - hostile), KEYS)]
    passes = lru_cache(maxsize=None)(
        lambda rows, lost: certifies(
            Losses({(1.0, 1.0): lost, (1.0, 0.0): rows - lost}), LIMIT, 0.05
        )
    )
    wrong = 0
    for _ in range(runs):
        order = _order(world.draw(random, n))
        lost = [[int(k) for k in random.binomial(size, world.rates)] for size in sizes]
        for i in order:
            parts = [*((size, each[i]) for size, each in zip(sizes, lost, strict=True))]
            if not passes(n, sum(k for _, k in parts)):
                break
            clients = [*parts, (hostile, 0)]
            total = sum(k for _, k in parts)
            if leave_out and not all(passes(n - size, total - k) for size, k in clients):
                break
            if world.rates[i] > LIMIT:
                wrong += 1
                break
    return Tally(wrong, 0.0, runs)


def a_year_of_looks(world: World, n: int, years: int, seed: int, looks: int = 52) -> Tally:
    """Each week tests new policies on n new rows, at the level of its look."""
    random = np.random.default_rng(seed)
    wrong = 0
    for _ in range(years):
        weeks = (
            in_sequence(world.draw(random, n), world.draw(random, n), alpha_of_look(look))
            for look in range(1, looks + 1)
        )
        wrong += any(world.rates[i] > LIMIT for certified in weeks for i in certified)
    return Tally(wrong, 0.0, years)


def power(rate: float, n: int, alpha: float, runs: int, seed: int, *, weighted: bool) -> float:
    """Return the share of runs in which one policy with this true loss is certified."""
    random = np.random.default_rng(seed)
    world = World((rate,), weighted)
    return sum(certifies(world.draw(random, n)[0], LIMIT, alpha) for _ in range(runs)) / runs


def rows_for_power(rate: float, alpha: float, runs: int, seed: int, *, weighted: bool) -> int:
    """Return the smallest number of rows, to the next 10, that certifies in 80% of runs."""
    low, high = 10, 20
    while power(rate, high, alpha, runs, seed, weighted=weighted) < 0.8:
        low, high = high, high * 2
    while high - low > 10:
        middle = (low + high) // 20 * 10
        found = power(rate, middle, alpha, runs, seed, weighted=weighted) >= 0.8
        low, high = (low, middle) if found else (middle, high)
    return high


def print_coverage(runs: int = 2000) -> None:
    _print("| policies | weights | n | procedure | wrong | 95% interval | cheapest |")
    _print("|---|---|---|---|---|---|---|")
    worlds = (
        ("40 at 5.01%", ALL_BAD),
        ("20 at 0.5 to 4.8%, 20 at 5.01%", HALF_BAD),
        ("6 at 0.5, 1, 1.5, 2, 3, 5.01%", FRONT),
    )
    for label, world in worlds:
        for weighted in (False, True):
            for n in (100, 300, 1000):
                drawn = World(world.rates, weighted)
                for name, procedure in PROCEDURES.items():
                    tally = simulate(drawn, procedure, n, runs, 21)
                    low, high = tally.interval
                    kind = "1 and 5" if weighted else "equal"
                    _print(
                        f"| {label} | {kind} | {n} | {name} | {tally.wrong / runs:.4f} | "
                        f"{low:.4f}–{high:.4f} | {tally.cheapest:.2f} |"
                    )


def print_years(years: int = 2000) -> None:
    _print("| weights | n | years with a wrong promise | 95% interval |")
    _print("|---|---|---|---|")
    for weighted in (False, True):
        for n in (100, 300):
            tally = a_year_of_looks(World(ALL_BAD.rates, weighted), n, years, 22)
            low, high = tally.interval
            kind = "1 and 5" if weighted else "equal"
            _print(f"| {kind} | {n} | {tally.wrong / years:.4f} | {low:.4f}–{high:.4f} |")


def print_power(runs: int = 2000) -> None:
    levels = ((1, "1"), (4, "4"), (12, "12"))
    _print("| weights | look | 0% | 1% | 2% | 3% |")
    _print("|---|---|---|---|---|---|")
    for weighted in (False, True):
        for look, name in levels:
            cells = [
                rows_for_power(rate, alpha_of_look(look), runs, 23, weighted=weighted)
                for rate in (0.0, 0.01, 0.02, 0.03)
            ]
            kind = "1 and 5" if weighted else "equal"
            _print(f"| {kind} | {name} | {' | '.join(f'{cell:,}' for cell in cells)} |")


def print_hostile(runs: int = 2000) -> None:
    _print("| hostile rows | n | client left out | wrong | 95% interval |")
    _print("|---|---|---|---|---|")
    for share in (0.01, 0.05, 0.1, 0.3):
        for n in (300, 1000):
            for leave_out in (False, True):
                tally = with_a_hostile_client(ALL_BAD, n, share, runs, 24, leave_out=leave_out)
                low, high = tally.interval
                rule = "each in turn" if leave_out else "none"
                _print(
                    f"| {share:.0%} | {n} | {rule} | {tally.wrong / runs:.4f} | "
                    f"{low:.4f}–{high:.4f} |"
                )


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    print_coverage()
    print_hostile()
    print_years()
    print_power()

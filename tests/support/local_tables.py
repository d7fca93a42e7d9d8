"""Outcome tables with a planted signal, for local models."""

import random
from dataclasses import replace

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import Outcome, OutcomeTable
from route_switch.domain.tiers import Tier
from tests.support.outcomes import outcome

WORDS = {
    0: ("hello", "refund", "parcel", "track"),
    1: ("summarize", "report", "email", "translate"),
    2: ("prove", "theorem", "kernel", "integral"),
}
FILLERS = ("please", "the", "with", "about", "kindly", "today", "for", "my")
USD = (0.001, 0.004, 0.01)


def planted(
    n: int, seed: int, noise: float = 0.1, tiers: tuple[Tier, ...] = tuple(Tier)
) -> OutcomeTable:
    """Return a table in which the words of a query tell the least tier that suffices, except in a
    share of rows, where chance does."""
    draw = random.Random(seed)  # noqa: S311 (test data)
    examples, rows = [], []
    for number in range(n):
        subject = draw.choice((0, 0, 1, 2))
        words = draw.choices(WORDS[subject] + FILLERS, k=draw.randint(6, 25))
        examples.append(Example(query=f"{' '.join(words)} {_letters(seed * 10_000 + number)}"))
        rows.append(_cells(draw.randrange(3) if draw.random() < noise else subject, tiers))
    return OutcomeTable({tier: str(int(tier)) for tier in tiers}, {}, tuple(examples), tuple(rows))


def shuffled(table: OutcomeTable, seed: int) -> OutcomeTable:
    """Return the table with its outcomes dealt out at random."""
    rows = list(table.rows)
    random.Random(seed).shuffle(rows)  # noqa: S311 (test data)
    return replace(table, rows=tuple(rows))


def always(table: OutcomeTable, least: int) -> OutcomeTable:
    """Return the table with one least tier that suffices, for every query."""
    cells = _cells(least, table.tiers)
    return replace(table, rows=tuple(cells for _ in table.rows))


def _cells(least: int, tiers: tuple[Tier, ...]) -> dict[Tier, Outcome]:
    return {tier: outcome(float(tier - 1 >= least), 1.0, USD[tier - 1]) for tier in tiers}


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))

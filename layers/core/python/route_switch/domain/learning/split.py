"""Train, validation, held-out: the side that a query is on, now and in every later run."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.near_duplicates import NearDuplicates


class Side(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    HELDOUT = "heldout"


SHARES = {Side.TRAIN: 0.4, Side.VALIDATION: 0.3, Side.HELDOUT: 0.3}
"""Of all queries. Fixed: other shares would move queries to other sides."""


@dataclass(frozen=True, slots=True)
class Split:
    """The three sides, each in the order of the input, and how many examples are on none.

    `duplicates` repeat a query that is there already. `near_duplicates` are too close to a query
    on another side. `misplaced` are for training only, but their query is on another side.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    heldout: tuple[Example, ...]
    duplicates: int
    near_duplicates: int
    misplaced: int


def side_of(key: str) -> Side:
    """The side of a query's key: of nothing else, so that a query never changes sides.

    Hashed once more: who samples by the key itself does not sample a side.
    """
    place = int(hashlib.sha256(f"side of {key}".encode()).hexdigest()[:16], 16) / 16**16
    if place < SHARES[Side.TRAIN]:
        return Side.TRAIN
    return Side.VALIDATION if place < 1 - SHARES[Side.HELDOUT] else Side.HELDOUT


def split(examples: Iterable[Example]) -> Split:
    """Puts each query on its side once.

    An example for training only whose query is on another side is dropped, even if nobody else
    asked that query: someone may next week, and then a prompt that was trained on it would be
    measured on it. Of two near-duplicates on two sides, the one in train goes, else the one in
    validation: held-out stays as it is.
    """
    sides: dict[Side, list[Example]] = {side: [] for side in Side}
    seen: set[str] = set()
    duplicates = misplaced = 0
    for example in examples:
        key = example.key
        side = side_of(key)
        if example.train_only and side is not Side.TRAIN:
            misplaced += 1
        elif key in seen:
            duplicates += 1
        else:
            seen.add(key)
            sides[side].append(example)
    return _apart(sides, duplicates, misplaced)


def _apart(sides: dict[Side, list[Example]], duplicates: int, misplaced: int) -> Split:
    """From held-out to train: each side keeps what is not near a side before it."""
    order = (Side.HELDOUT, Side.VALIDATION, Side.TRAIN)
    numbered = list(enumerate(example for side in order for example in sides[side]))
    near = NearDuplicates([example.query for _, example in numbered])
    kept: dict[Side, tuple[Example, ...]] = {}
    for side in order:
        rows, numbered = numbered[: len(sides[side])], numbered[len(sides[side]) :]
        apart = [(number, example) for number, example in rows if not near.has(number)]
        for number, _ in apart:
            near.add(number)
        kept[side] = tuple(example for _, example in apart)
    train, validation, heldout = (kept[side] for side in Side)
    removed = sum(map(len, sides.values())) - sum(map(len, kept.values()))
    return Split(train, validation, heldout, duplicates, removed, misplaced)

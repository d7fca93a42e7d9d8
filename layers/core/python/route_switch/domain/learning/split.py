"""Train, validation, held-out: each query has one side, now and in every later run.

Queries of one template (`templates.py`) share their side: a prompt that has seen one of them has
nearly seen the others. So do the turns of one session, by its root (`conversation_key.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from route_switch.domain.learning.conversation_key import ends_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.merging import merge_equal
from route_switch.domain.learning.near_duplicates import NearDuplicates
from route_switch.domain.learning.sides import SHARES as SHARES
from route_switch.domain.learning.sides import Side as Side
from route_switch.domain.learning.sides import side_of as side_of

END_CHARS = 2000
"""The size of each end of a conversation in which near-duplicates are looked for. Comparing all of
it would take minutes, and gigabytes."""


@dataclass(frozen=True, slots=True)
class Split:
    """The three sides, each in the order of the input, and how many examples are on none.

    `duplicates` were merged into an equal query. `near_duplicates` are too close to a query on
    another side. `misplaced` are for training only, but their query belongs to another side.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    heldout: tuple[Example, ...]
    duplicates: int
    near_duplicates: int
    misplaced: int

    @property
    def examples(self) -> tuple[Example, ...]:
        return (*self.train, *self.validation, *self.heldout)


def split(examples: Iterable[Example]) -> Split:
    """Put each query on its side once; equal queries are merged, with the sum of their weights.

    Drop an example for training only whose query belongs to another side, even if that query occurs
    nowhere else: someone may ask it next week, and a prompt trained on it would then be measured on
    it. Of two near-duplicates on two sides, drop the one in train, or else the one in validation;
    held-out stays as it is.
    """
    placed = [(example, side_of(example.template_key)) for example in examples]
    fitting = [e for e, side in placed if not e.train_only or side is Side.TRAIN]
    merged = merge_equal(fitting)
    sides: dict[Side, list[Example]] = {side: [] for side in Side}
    for example in merged:
        sides[side_of(example.template_key)].append(example)
    return _separate(sides, len(fitting) - len(merged), len(placed) - len(fitting))


def _separate(sides: dict[Side, list[Example]], duplicates: int, misplaced: int) -> Split:
    """Go from held-out to train. Each side keeps what is not close to an earlier side."""
    order = (Side.HELDOUT, Side.VALIDATION, Side.TRAIN)
    numbered = list(enumerate(example for side in order for example in sides[side]))
    near = NearDuplicates(
        (ends_of(example.messages, END_CHARS) for _, example in numbered),
        (example.material for _, example in numbered),
    )
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

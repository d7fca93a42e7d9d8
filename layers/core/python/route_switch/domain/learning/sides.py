"""The side of the split that a template belongs to."""

import hashlib
from enum import StrEnum


class Side(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    HELDOUT = "heldout"


SHARES = {Side.TRAIN: 0.4, Side.VALIDATION: 0.3, Side.HELDOUT: 0.3}
"""Shares of all queries. They are fixed: other shares would move queries to other sides."""


def side_of(key: str) -> Side:
    """Return the side of a template's key. It depends on the key alone, so a query never changes
    sides.

    The key is hashed once more, so that sampling by the key itself does not sample a side.
    """
    place = int(hashlib.sha256(f"side of {key}".encode()).hexdigest()[:16], 16) / 16**16
    if place < SHARES[Side.TRAIN]:
        return Side.TRAIN
    return Side.VALIDATION if place < 1 - SHARES[Side.HELDOUT] else Side.HELDOUT

"""A uniform sample of requests, drawn from an index that is sorted by a hash.

Each request lies at a position on a circle, given by a hash of its id. A sample is what lies in an
arc: the start comes from a seed, the length is the wanted share. Over all seeds, each request is
in the sample with the same probability, the share, whatever else was asked; and the same seed on
more days draws the same requests of the days before, so what was learned about them is kept.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

POSITIONS = 2**64


def position_of(request_id: str) -> int:
    """0 to `POSITIONS` - 1, even if ids are not random."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8])


@dataclass(frozen=True, slots=True)
class Arc:
    """`length` positions from `start` on, around the circle's end; at most all."""

    start: int
    length: int

    @classmethod
    def of(cls, seed: int, share: float) -> Self:
        """An arc of this share (0..1) of the circle."""
        return cls(position_of(f"seed {seed}"), min(round(share * POSITIONS), POSITIONS))

    @property
    def probability(self) -> float:
        """With which any request lies in the arc."""
        return self.length / POSITIONS

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First and last position of each stretch without the circle's end in it."""
        if self.length == 0:
            return ()
        last = self.start + self.length - 1
        if last < POSITIONS:
            return ((self.start, last),)
        if self.length == POSITIONS:
            return ((0, POSITIONS - 1),)
        return ((self.start, POSITIONS - 1), (0, last - POSITIONS))

    def offset_of(self, request_id: str) -> int:
        """How far from the start a request lies: an order that says nothing about it."""
        return (position_of(request_id) - self.start) % POSITIONS

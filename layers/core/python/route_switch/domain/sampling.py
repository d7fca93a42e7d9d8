"""A uniform sample of requests, drawn from an index that is sorted by a hash.

A hash of its id places each request on a circle. A sample is an arc: the seed determines its start,
the sampling rate its length. Over all seeds, every request has the same probability of being
sampled, the sampling rate, whatever other requests exist. Sampling more days with the same seed
draws the same requests from the earlier days, so answers paid for them stay useful.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

POSITIONS = 2**64


def position_of(request_id: str) -> int:
    """Return a position from 0 to `POSITIONS` - 1, uniform even if ids are not random."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8])


@dataclass(frozen=True, slots=True)
class Arc:
    """`length` positions starting at `start`, wrapping around the end of the circle."""

    start: int
    length: int

    @classmethod
    def of(cls, seed: int, share: float) -> Self:
        """Return an arc that covers this share (0..1) of the circle."""
        return cls(position_of(f"seed {seed}"), min(round(share * POSITIONS), POSITIONS))

    @property
    def probability(self) -> float:
        """The probability that any given request is in the arc."""
        return self.length / POSITIONS

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First and last position of each stretch that does not wrap around."""
        if self.length == 0:
            return ()
        last = self.start + self.length - 1
        if last < POSITIONS:
            return ((self.start, last),)
        if self.length == POSITIONS:
            return ((0, POSITIONS - 1),)
        return ((self.start, POSITIONS - 1), (0, last - POSITIONS))

    def offset_of(self, request_id: str) -> int:
        """Return a request's distance from the start: an order independent of its content."""
        return (position_of(request_id) - self.start) % POSITIONS

"""Sums of money over requests of which some could not be priced.

Every view follows one rule. Such a sum covers what could be priced, is shown as a figure, and says
how many it leaves out; what was spent is then a lower bound. It is unknown only if it covers
nothing. Hiding a sum because a part is missing would hide what is known, and a figure without a
word would pass for the whole.
"""

from dataclasses import dataclass
from typing import Literal

from route_switch.domain.operations.amounts import count, usd


@dataclass(frozen=True, slots=True)
class PartialSum:
    """`usd` covers all but `unpriced` of `number` requests or answers (`things`): for the others, a
    model has no known price or the provider reported no tokens. It is None if it covers nothing.
    `number` is None if it was not counted.
    """

    usd: float | None
    unpriced: int
    number: int | None
    things: Literal["requests", "answers"] = "answers"

    @property
    def hint(self) -> str | None:
        """Say what the sum leaves out; None if it is complete."""
        if not self.unpriced:
            return None
        if self.number is None:
            return f"{count(self.unpriced)} {self.things} could not be priced"
        return f"{count(self.unpriced)} of {count(self.number)} {self.things} could not be priced"

    @property
    def in_short(self) -> str:
        """Return the sum for a cell of a table: `$1.20 + 3 unpriced`."""
        if self.usd is None or not self.unpriced:
            return usd(self.usd)
        return f"{usd(self.usd)} + {count(self.unpriced)} unpriced"

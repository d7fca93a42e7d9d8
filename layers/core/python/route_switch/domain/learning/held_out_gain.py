"""The rows that the promotion gate decides on, and the clients they belong to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from route_switch.domain.learning.clients import LeftOut, labeler_of, weight_without
from route_switch.domain.learning.outcome import OutcomeTable


@dataclass(frozen=True, slots=True)
class HeldOutGain:
    """The candidate's reward minus the incumbent's on one held-out row.

    `key` is `Example.template_key`: rows with one key are one draw (`by_template`). `moved` is 1 if
    the two prompts choose different tiers, else 0; of a draw, the share of its rows. `asked_by`
    divides the weight between clients, and `labeled_by` is the client whose label graded the row;
    both are empty where the row is the owner's.
    """

    key: str
    gain: float
    weight: float = 1.0
    moved: float = 1.0
    asked_by: Mapping[str, float] = field(default_factory=dict)
    labeled_by: str | None = None

    def without(self, left_out: LeftOut) -> "HeldOutGain | None":
        """Return the row as it is without the client, or None if nothing of it is left."""
        weight = weight_without(left_out, self.weight, self.asked_by, self.labeled_by)
        return replace(self, weight=weight) if weight else None


def by_template(rows: Sequence[HeldOutGain]) -> list[HeldOutGain]:
    """Return one row per key, with the weight of all its rows and their weighted mean gain.

    So a template counts like one question that is asked as often as all its queries: what the gate
    knows is how many different questions gain, not how often one of them was asked.
    """
    groups: dict[str, list[HeldOutGain]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return [_draw(group) for group in groups.values()]


def _draw(group: Sequence[HeldOutGain]) -> HeldOutGain:
    if len(group) == 1:
        return group[0]
    weight = math.fsum(row.weight for row in group)
    return replace(
        group[0],
        gain=math.fsum(row.weight * row.gain for row in group) / weight,
        weight=weight,
        moved=math.fsum(row.weight * row.moved for row in group) / weight,
    )


@dataclass(frozen=True, slots=True)
class Reliance:
    """A client without which *better* does not hold: the mean gain and its lower bound are those of
    the `n` rows that remain. Of a dominant client, only the labels were left out."""

    client: str
    dominant: bool
    n: int
    mean: float
    low: float

    def __str__(self) -> str:
        what = f"the labels of {self.client}" if self.dominant else self.client
        return (
            f"the gain rests on one client: without {what} it is {self.mean:+.4f}, and at least "
            f"{self.low:+.4f}, on {self.n} rows"
        )


def of_clients(gains: Sequence[HeldOutGain], table: OutcomeTable) -> list[HeldOutGain]:
    """Return the gains with the clients of the table's rows."""
    rows = zip(gains, table.examples, table.rows, strict=True)
    return [
        replace(gain, asked_by=example.asked_by, labeled_by=labeler_of(example, row))
        for gain, example, row in rows
    ]

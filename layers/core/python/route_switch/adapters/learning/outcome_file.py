"""The outcome table as a file of gzip JSON lines: first the tiers' models, then one example per
line.

The file contains no queries: the examples come from their own source, and prices are joined when
the table is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from route_switch.adapters.learning.jsonl import gzip_lines, read_rows
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import Outcome, OutcomeTable
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import Tier

REBUILD_HINT = "Delete the file; it will be rebuilt."


class _Line(BaseModel):
    """The first line has `models`, every other one an example's id, key and outcomes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[Tier, str] | None = None
    id: str = ""
    key: str = ""
    outcomes: dict[Tier, Outcome] | None = None

    def as_json(self) -> str:
        return self.model_dump_json(exclude_defaults=True)


def serialize_outcomes(table: OutcomeTable) -> bytes:
    """Return the file's content. Equal tables give equal bytes."""
    return gzip_lines(line.as_json() for line in _lines(table))


def read_outcomes(
    path: Path, examples: Sequence[Example], prices: Mapping[str, Price]
) -> OutcomeTable:
    """Return the table of those `examples` that have outcomes in the file, in the file's order.

    Raise `RouteSwitchError` when the file belongs to other examples.
    """
    by_name = {(example.id, example.key): example for example in examples}
    lines = (line for _, line in read_rows(path, _Line, REBUILD_HINT))
    models = next(lines, _Line()).models
    if models is None:
        raise RouteSwitchError(f"{path} is not an outcome table. {REBUILD_HINT}")
    kept, rows = [], []
    for line in lines:
        example = by_name.get((line.id, line.key))
        if example is None or line.outcomes is None:
            raise RouteSwitchError(
                f"{path} does not match these examples: unknown id '{line.id}'. {REBUILD_HINT}"
            )
        kept.append(example)
        rows.append(line.outcomes)
    return OutcomeTable(models, dict(prices), tuple(kept), tuple(rows))


def _lines(table: OutcomeTable) -> Iterator[_Line]:
    yield _Line(models=dict(sorted(table.models.items())))
    for example, row in zip(table.examples, table.rows, strict=True):
        yield _Line(id=example.id, key=example.key, outcomes=dict(sorted(row.items())))

"""What a run decided for its rows, kept so that the cost–quality curve needs no further call.

The file holds no query, only outcomes and what decides: the tier that the router LLM named, or what
the local model expects of each tier.
"""

import gzip
import zlib
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    ValidationError,
    model_validator,
)

from route_switch.adapters.learning.jsonl import gzip_lines
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.quantities import Lambda
from route_switch.domain.profiles import ProfileTables
from route_switch.domain.reasons import fault, why_invalid
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays

FILE = "decisions.json.gz"
NONE = -1

Column = Annotated[int, Field(ge=NONE)]
"""The index of a tier, or `NONE`."""
Weight = Annotated[FiniteFloat, Field(gt=0, le=1e15)]
Usd = Annotated[FiniteFloat, Field(ge=0, le=1e12)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
RelativeCost = Annotated[FiniteFloat, Field(ge=0, le=1e9)]
Shares = tuple[tuple[Share, ...], ...]


class DecidedRows(BaseModel):
    """n rows of one side, with their outcomes on k tiers (ascending).

    One of three decides a row: `kept`, a tier that no profile changes, such as the bypass's; else
    `named`, the tier that the router LLM named; else the expectations of the local model, [n, k].
    Both are columns, -1 where there is none. Costs are in USD, expected ones relative to the mean
    query on Tier 3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Annotated[tuple[Weight, ...], Field(min_length=1)]
    templates: tuple[NonNegativeInt, ...]
    equivalent: Shares
    score: Shares
    cost_usd: tuple[tuple[Usd, ...], ...]
    router_usd: tuple[Usd, ...]
    kept: tuple[Column, ...]
    named: tuple[Column, ...]
    expected_quality: Shares
    expected_cost: tuple[tuple[RelativeCost, ...], ...]

    def check_shape(self, tiers: int) -> None:
        """Raise `ValueError` unless there are n rows of `tiers` cells, and all indexes are of
        tiers."""
        rows = len(self.weights)
        columns = (self.templates, self.router_usd, self.kept, self.named)
        cells = (
            *(self.equivalent, self.score, self.cost_usd),
            *(self.expected_quality, self.expected_cost),
        )
        if any(len(each) != rows for each in (*columns, *cells)):
            raise ValueError(f"each column needs {rows} rows, as there are weights")
        if any(len(row) != tiers for each in cells for row in each):
            raise ValueError(f"each row needs a cell for each of {tiers} tiers")
        if max(*self.kept, *self.named) >= tiers:
            raise ValueError(f"kept and named are indexes of {tiers} tiers")


class RunDecisions(BaseModel):
    """`version`, `profiles` and `lambda_` are the candidate's. `validation` is None if
    the run fitted no tables: the candidate is the current prompt, or asks no router LLM."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: str
    strategy: str
    lambda_: Lambda = Field(alias="lambda")
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    profiles: ProfileTables | None = None
    validation: DecidedRows | None = None
    heldout: DecidedRows

    @model_validator(mode="after")
    def _has_the_shape_of_its_tiers(self) -> Self:
        if list(self.tiers) != sorted(set(self.tiers)):
            raise ValueError("tiers must be in ascending order")
        for rows in (self.validation, self.heldout):
            if rows is not None:
                rows.check_shape(len(self.tiers))
        return self

    def to_bytes(self) -> bytes:
        """Return the file's content. Equal decisions give equal bytes."""
        return gzip_lines([self.model_dump_json(by_alias=True)])


def decisions_from(content: bytes, name: str) -> RunDecisions:
    """Raise `RouteSwitchError` if the content of the file `name` is not that of a run."""
    try:
        return RunDecisions.model_validate_json(gzip.decompress(content))
    except (ValidationError, OSError, EOFError, zlib.error) as error:
        raise RouteSwitchError(
            f"{name} does not hold the decisions of a run{_where(error)}. Run 'route-switch "
            "optimize' on its folder again: nothing is paid twice."
        ) from error


def _where(error: Exception) -> str:
    """Say what the first error is, without the file's content."""
    if not isinstance(error, ValidationError):
        return ""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f" ({place} {why_invalid(first)})" if place else f" ({fault(first)})"


@dataclass(frozen=True, slots=True)
class SideArrays:
    """The rows as arrays."""

    arrays: OutcomeArrays
    router_usd: Floats
    kept: Ints
    named: Ints
    expected_quality: Floats
    expected_cost: Floats


def side_of(rows: DecidedRows, tiers: tuple[Tier, ...]) -> SideArrays:
    shape = (len(rows.weights), len(tiers))

    def cells(values: tuple[tuple[float, ...], ...]) -> Floats:
        return np.array(values, dtype=np.float64).reshape(shape)

    return SideArrays(
        OutcomeArrays(
            tiers,
            np.array(rows.weights, dtype=np.float64),
            cells(rows.equivalent),
            cells(rows.score),
            cells(rows.cost_usd),
            None,
            np.array(rows.templates, dtype=np.int64),
        ),
        np.array(rows.router_usd, dtype=np.float64),
        np.array(rows.kept, dtype=np.int64),
        np.array(rows.named, dtype=np.int64),
        cells(rows.expected_quality),
        cells(rows.expected_cost),
    )

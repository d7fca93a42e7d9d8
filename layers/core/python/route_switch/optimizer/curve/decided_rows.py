"""What a run decided for its rows, kept so that the cost–quality curve needs no further call.

The file holds no query, only outcomes and what decides: the tier that the router LLM named, or what
the local model expects of each tier.
"""

import gzip
import zlib
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from route_switch.adapters.learning.jsonl import gzip_lines
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.profiles import ProfileTables
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays

FILE = "decisions.json.gz"
NONE = -1


class DecidedRows(BaseModel):
    """n rows of one side, with their outcomes on k tiers (ascending).

    One of three decides a row: `kept`, a tier that no profile changes, such as the bypass's; else
    `named`, the tier that the router LLM named; else the expectations of the local model, [n, k].
    Both are columns, -1 where there is none. Costs are in USD, expected ones relative to the mean
    query on Tier 3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[float, ...]
    templates: tuple[int, ...]
    equivalent: tuple[tuple[float, ...], ...]
    score: tuple[tuple[float, ...], ...]
    cost_usd: tuple[tuple[float, ...], ...]
    router_usd: tuple[float, ...]
    kept: tuple[int, ...]
    named: tuple[int, ...]
    expected_quality: tuple[tuple[float, ...], ...]
    expected_cost: tuple[tuple[float, ...], ...]


class RunDecisions(BaseModel):
    """`version`, `profiles` and `lambda_` are the candidate's. `validation` is None if
    the run fitted no tables: the candidate is the current prompt, or asks no router LLM."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: str
    strategy: str
    lambda_: float = Field(alias="lambda")
    tiers: tuple[Tier, ...]
    profiles: ProfileTables | None = None
    validation: DecidedRows | None = None
    heldout: DecidedRows

    def to_bytes(self) -> bytes:
        """Return the file's content. Equal decisions give equal bytes."""
        return gzip_lines([self.model_dump_json(by_alias=True)])


def decisions_from(content: bytes, name: str) -> RunDecisions:
    """Raise `RouteSwitchError` if the content of the file `name` is not that of a run."""
    try:
        return RunDecisions.model_validate_json(gzip.decompress(content))
    except (ValidationError, OSError, EOFError, zlib.error) as error:
        raise RouteSwitchError(
            f"{name} does not hold the decisions of a run. Run 'route-switch optimize' on its "
            "folder again: nothing is paid twice."
        ) from error


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

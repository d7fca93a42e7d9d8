"""How long Tier 3's answer to a query would be, compared with another model's answer to it.

What a request would have cost on Tier 3 depends on the length of an answer that was never written.
Learning runs measure it: each tier answers the same queries.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, Self

MIN_ROWS = 30
"""Queries below which a measured ratio is not used: its interval would not be reliable."""
MAX_KEPT = 12
MAX_BYTES = 4096
"""Measured ratios that are kept, and the size of the parameter that holds them: a stage needs two,
and names of models with parameters can be long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRatio:
    """Output tokens of Tier 3's model for each output token of another model.

    `low` and `high` bound it: the 95% interval of a measurement, or the range of the prior. Raise
    `ValueError` unless 0 < low <= ratio <= high.
    """

    ratio: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.ratio <= self.high < math.inf:
            raise ValueError("an output ratio must be positive and lie between low and high")


PRIOR = OutputRatio(ratio=1.0, low=0.4, high=2.5)
"""Assumed until a learning run has measured the ratio. `python -m docs.generate.output_ratios`
measures it for pairs of real models on seven benchmarks: 85 of 92 pairs lie in this range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRatio(OutputRatio):
    """The ratio of two models, measured on `rows` queries that both answered, at least 30."""

    model: str
    tier_3_model: str
    rows: int

    def __post_init__(self) -> None:
        OutputRatio.__post_init__(self)  # a class with slots has no super() without arguments
        if self.rows < MIN_ROWS:
            raise ValueError(f"a measured ratio needs {MIN_ROWS} rows")

    @property
    def pair(self) -> tuple[str, str]:
        return self.model, self.tier_3_model


@dataclass(frozen=True, slots=True)
class OutputRatios:
    """The last measured ratio of each pair of models, newest first."""

    measured: tuple[MeasuredRatio, ...] = ()

    @classmethod
    def from_json(cls, document: str) -> Self:
        """Raise `ValueError` for anything but what `to_json` returns."""
        try:
            return cls(tuple(MeasuredRatio(**each) for each in json.loads(document)["measured"]))
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a document with output ratios: {error}") from error

    def to_json(self) -> str:
        return json.dumps({"measured": [asdict(each) for each in self.measured]})

    def of(self, model: str, tier_3_model: str) -> MeasuredRatio | None:
        """Return None for a pair that was not measured: a ratio of other models says nothing."""
        wanted = (model, tier_3_model)
        return next((each for each in self.measured if each.pair == wanted), None)

    def updated(self, newer: Iterable[MeasuredRatio]) -> Self:
        newest = tuple(newer)
        replaced = {each.pair for each in newest}
        older = (each for each in self.measured if each.pair not in replaced)
        kept = type(self)((*newest, *older)[:MAX_KEPT])
        while len(kept.to_json().encode()) > MAX_BYTES:
            kept = type(self)(kept.measured[:-1])
        return kept


NOTHING_MEASURED = OutputRatios()


class OutputRatioStore(Protocol):
    """The store in which the router finds the measured ratios."""

    def keep(self, measured: Sequence[MeasuredRatio]) -> None:
        """Replace the ratios of these models. Raise `StoreError`."""
        ...


def ratio_of_sums(
    model: str, tier_3_model: str, rows: Iterable[tuple[float, int, int]]
) -> MeasuredRatio | None:
    """Measure the ratio from (weight, tokens, Tier 3's tokens) of queries that both answered.

    A saving is a sum of money, so the ratio is one of sums: a mean of the queries' own ratios, even
    a geometric one, would weigh short answers like long ones and miss the total. The interval is
    the usual linearization for ratio estimators (Cochran, Sampling Techniques, 1977, chapter 6), on
    the logarithm, so that it stays positive. None below `MIN_ROWS` rows, or without any tokens.
    """
    kept = list(rows)
    written = math.fsum(weight * tokens for weight, tokens, _ in kept)
    large = math.fsum(weight * tokens for weight, _, tokens in kept)
    if len(kept) < MIN_ROWS or written <= 0 or large <= 0:
        return None
    ratio, n = large / written, len(kept)
    residuals = math.fsum((weight * (y - ratio * x)) ** 2 for weight, x, y in kept)
    error = math.sqrt(residuals * n / (n - 1)) / large
    factor = math.exp(min(1.96 * error, 5.0))
    return MeasuredRatio(
        ratio=ratio,
        low=ratio / factor,
        high=ratio * factor,
        model=model,
        tier_3_model=tier_3_model,
        rows=n,
    )

"""Routing without keys or a network: recorded answers of real models, and an encoder's vocabulary.

docs/data.md describes the sample; NOTICE.md in this folder lists its sources and licenses. Prices
are nominal: the models of every source have the prices of the same three.

The sample is two files. Rows with the answers' texts can be replayed. Rows with results only
(scores and tokens) can be learned from; there are more of them, because they are small.
"""

import gzip
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

OfflineModel = Literal["offline/small", "offline/medium", "offline/large"]
Workload = Literal["customer_support", "code_generation", "research_qa", "math", "general"]

OFFLINE_MODELS: tuple[OfflineModel, ...] = get_args(OfflineModel)
"""Cheapest first: the model at position `i` serves tier `i + 1`."""

USD_PER_MILLION_TOKENS: Mapping[OfflineModel, tuple[float, float]] = MappingProxyType(
    {
        "offline/small": (0.18, 0.18),
        "offline/medium": (0.88, 0.88),
        "offline/large": (2.5, 10.0),
    }
)
"""Input and output price of each model, in USD per million tokens."""

ASSUMED_OUTPUT_TOKENS = 150
"""Where a source kept neither answers nor their lengths; the same for every model."""

SAMPLE = Path(__file__).with_name("sample.jsonl.gz")
RESULTS = Path(__file__).with_name("results.jsonl.gz")
VOCABULARY = Path(__file__).with_name("vocab.txt.gz")
"""The word pieces of bert-base-uncased, one per line; the line number is the token's id."""


class RecordedResult(BaseModel):
    """How a real model did. `score` is the source's own, 0 to 1. Without `output_tokens`,
    `cost_usd` is that of `ASSUMED_OUTPUT_TOKENS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    cost_usd: float
    input_tokens: int
    output_tokens: int | None
    recorded_model: str


class RecordedAnswer(RecordedResult):
    """A real model's answer."""

    output_tokens: int
    answer: str


class ResultRow(BaseModel):
    """A real query with results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    workload: Workload
    query: str
    license: str
    source: str
    models: Mapping[OfflineModel, RecordedResult]


class SampleRow(ResultRow):
    """A real query with recorded answers; `models` is empty if there are none.

    `gold` is None if no reference answer can exist, as in a chat.
    """

    gold: str | None
    models: Mapping[OfflineModel, RecordedAnswer]


Row = TypeVar("Row", bound=ResultRow)


@lru_cache(maxsize=1)
def load_sample() -> tuple[SampleRow, ...]:
    """Return all rows that can be shown, in a fixed order that mixes the workloads."""
    return tuple(_rows_of(SAMPLE, SampleRow))


def load_results() -> tuple[ResultRow, ...]:
    """Return every row with results, in a fixed order that mixes the workloads."""
    recorded: list[ResultRow] = [row for row in load_sample() if row.models]
    return (*recorded, *_rows_of(RESULTS, ResultRow))


def _rows_of(path: Path, form: type[Row]) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(form.model_validate_json, lines)


def tier_3_output_ratio(rows: Iterable[SampleRow]) -> dict[int, float]:
    """Return, per tier, how many tokens the large model writes for each of the tier's tokens."""
    recorded = [row.models for row in rows if row.models]
    written = {
        tier: sum(models[name].output_tokens for models in recorded)
        for tier, name in enumerate(OFFLINE_MODELS, start=1)
    }
    return {tier: written[3] / tokens for tier, tokens in written.items()}

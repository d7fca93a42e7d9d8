"""Routing without keys or a network: recorded answers of real models, and an encoder's vocabulary.

docs/data.md describes the sample; NOTICE.md in this folder lists its sources and licenses. Prices
are nominal: the models of every source have the prices of the same three.
"""

import gzip
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

OfflineModel = Literal["offline/small", "offline/medium", "offline/large"]
Workload = Literal["customer_support", "code_generation", "research_qa", "math"]

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

SAMPLE = Path(__file__).with_name("sample.jsonl.gz")
VOCABULARY = Path(__file__).with_name("vocab.txt.gz")
"""The word pieces of bert-base-uncased, one per line; the line number is the token's id."""


class RecordedAnswer(BaseModel):
    """A real model's answer. `score` is the source's own, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    cost_usd: float
    input_tokens: int
    output_tokens: int
    recorded_model: str
    answer: str


class SampleRow(BaseModel):
    """A real query. `models` is empty if no answers were recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    workload: Workload
    query: str
    gold: str
    license: str
    source: str
    models: dict[OfflineModel, RecordedAnswer]


@lru_cache(maxsize=1)
def load_sample() -> tuple[SampleRow, ...]:
    """Return all rows, in a fixed order that mixes the workloads."""
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        return tuple(SampleRow.model_validate_json(line) for line in lines)


def tier_3_output_ratio(rows: Iterable[SampleRow]) -> dict[int, float]:
    """Return, per tier, how many tokens the large model writes for each of the tier's tokens."""
    recorded = [row.models for row in rows if row.models]
    written = {
        tier: sum(models[name].output_tokens for models in recorded)
        for tier, name in enumerate(OFFLINE_MODELS, start=1)
    }
    return {tier: written[3] / tokens for tier, tokens in written.items()}

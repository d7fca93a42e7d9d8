"""Routing without keys and network: recorded answers of real models, and an encoder's vocabulary.

The sample is described in docs/data.md, its sources and licenses in NOTICE.md beside this file.
Prices are nominal: every source's models are charged as if they were the same three.
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
"""Cheapest first: position `i` serves tier `i + 1`."""

USD_PER_MILLION_TOKENS: Mapping[OfflineModel, tuple[float, float]] = MappingProxyType(
    {
        "offline/small": (0.18, 0.18),
        "offline/medium": (0.88, 0.88),
        "offline/large": (2.5, 10.0),
    }
)
"""Input and output price of each model."""

SAMPLE = Path(__file__).with_name("sample.jsonl.gz")
VOCABULARY = Path(__file__).with_name("vocab.txt.gz")
"""The word pieces of bert-base-uncased, one a line; the line number is the token's id."""


class RecordedAnswer(BaseModel):
    """What a real model answered. `score` is 0..1, as the source judged it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    cost_usd: float
    input_tokens: int
    output_tokens: int
    recorded_model: str
    answer: str


class SampleRow(BaseModel):
    """A real query. `models` is empty where nobody recorded what models answer to it."""

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
    """Every row, in an order that mixes the workloads and never changes."""
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        return tuple(SampleRow.model_validate_json(line) for line in lines)


def tier_3_output_ratio(rows: Iterable[SampleRow]) -> dict[int, float]:
    """Tokens that the large model writes for each token of tier 1, 2 and 3, over recorded rows."""
    recorded = [row.models for row in rows if row.models]
    written = {
        tier: sum(models[name].output_tokens for models in recorded)
        for tier, name in enumerate(OFFLINE_MODELS, start=1)
    }
    return {tier: written[3] / tokens for tier, tokens in written.items()}

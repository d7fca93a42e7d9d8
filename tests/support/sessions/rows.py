"""Questions with the scores and lengths of three real models."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch_offline import OFFLINE_MODELS, load_sample


def right_tier(scores: Mapping[Tier, float]) -> Tier:
    """Return the cheapest tier that scores no worse than the most expensive one."""
    best = scores[max(scores)]
    return next(tier for tier in sorted(scores) if scores[tier] >= best)


@dataclass(frozen=True, slots=True)
class Row:
    """A question with real models' results. `source` is its set."""

    source: str
    query: str
    tokens: int
    scores: Mapping[Tier, float]
    written: Mapping[Tier, int]

    @property
    def right(self) -> Tier:
        return right_tier(self.scores)


class Result(BaseModel):
    model_config = ConfigDict(frozen=True)

    score: float
    input_tokens: int | None = None
    output_tokens: int | None = None


class FileRow(BaseModel):
    """A line of a file of examples; see docs/data.md."""

    model_config = ConfigDict(frozen=True)

    id: str
    query: str
    models: dict[str, Result]
    meta: dict[str, object] = {}


SETS: Mapping[str, tuple[str, str, str]] = {
    "mmlu_pro": ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-05-13"),
    "crux_output": ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-08-06"),
    "livecodebench": (
        "gpt-4o-mini-2024-07-18",
        "claude-3-5-sonnet-20241022",
        "o4-mini-medium",
    ),
    "banking77": ("gpt-5-mini", "gpt-5.2", "claude-sonnet-4-5"),
}
"""Small, medium and large model of each set that is paired."""
ONE_LENGTH = "livecodebench"
"""This set has the visible answers of one model only: the same length for all."""


def read_rows(folder: Path, name: str) -> list[FileRow]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [FileRow.model_validate_json(line) for line in lines]


def rows_of(folder: Path) -> dict[str, list[Row]]:
    """Return the rows that can be paired, by set."""
    found = {}
    for name, models in SETS.items():
        by_tier = dict(zip(ALL_TIERS, models, strict=True))
        found[name] = [_row(name, row, by_tier) for row in read_rows(folder, name)]
    return found


def _row(source: str, row: FileRow, models: Mapping[Tier, str]) -> Row:
    results = {tier: row.models[model] for tier, model in models.items()}
    written = {tier: result.output_tokens or 1 for tier, result in results.items()}
    if source == ONE_LENGTH:
        written = dict.fromkeys(written, min(written.values()))
    scores = {tier: result.score for tier, result in results.items()}
    return Row(source, row.query, estimate_tokens(row.query), scores, written)


def packaged_rows() -> dict[str, list[Row]]:
    """Return the rows of the packaged sample, by set, without chats: their scores are marks."""
    found: dict[str, list[Row]] = {}
    for row in load_sample():
        source = row.id.partition("/")[0]
        if row.models and source in PACKAGED:
            results = dict(zip(ALL_TIERS, (row.models[m] for m in OFFLINE_MODELS), strict=True))
            name = PACKAGED[source]
            scores = {tier: result.score for tier, result in results.items()}
            written = {tier: result.output_tokens for tier, result in results.items()}
            paired = Row(name, row.query, estimate_tokens(row.query), scores, written)
            found.setdefault(name, []).append(paired)
    return found


PACKAGED = {"mmlu-pro": "mmlu_pro", "crux": "crux_output", "banking77": "banking77"}


def half_of(rows: Mapping[str, Sequence[Row]], half: int) -> dict[str, list[Row]]:
    """Return every other row of each set."""
    return {name: list(found[half::2]) for name, found in rows.items()}

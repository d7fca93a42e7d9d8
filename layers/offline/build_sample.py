"""Build the project's sample of real queries and recorded answers from a folder of benchmarks.

Usage: python layers/offline/build_sample.py SOURCE_FOLDER

SOURCE_FOLDER holds gzipped JSON lines: one file of rows per dataset (`mmlu_pro.jsonl.gz`, …), and
`answers.jsonl.gz` with the recorded texts. docs/data.md names their origin. The same folder always
gives the same bytes.
"""

import gzip
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field

from route_switch_offline import (
    OFFLINE_MODELS,
    SAMPLE,
    USD_PER_MILLION_TOKENS,
    OfflineModel,
    RecordedAnswer,
    SampleRow,
    Workload,
)

SEED = "route-switch sample 1"
QUERIES_WITHOUT_ANSWERS = 60

Row = TypeVar("Row", bound=BaseModel)
Texts = Mapping[tuple[str, str], dict[str, str]]


@dataclass(frozen=True)
class Source:
    """One dataset of benchmark rows. `models` are the recorded models, cheapest first."""

    name: str
    license: str
    origin: str
    models: tuple[str, ...] = ()


SOURCES = (
    Source(
        "mmlu_pro",
        "Apache-2.0",
        "github.com/TIGER-AI-Lab/MMLU-Pro@f418b11",
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-05-13"),
    ),
    Source(
        "crux_output",
        "Apache-2.0",
        "github.com/yuchenlin/ZeroEval@570c626",
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-08-06"),
    ),
    Source(
        "banking77",
        "MIT AND CC-BY-4.0",
        "github.com/Dinesh0401/Evaluating-LLM-on-Banking77-Intent-Classification@d550d06",
        ("gpt-5-mini", "gpt-5.2", "claude-sonnet-4-5"),
    ),
    Source(
        "banking77_queries",
        "CC-BY-4.0",
        "github.com/PolyAI-LDN/task-specific-datasets@57ec275",
    ),
)


class SourceAnswer(BaseModel):
    score: float
    input_tokens: int
    output_tokens: int


class SourceRow(BaseModel):
    id: str
    workload: Workload
    query: str
    gold: str
    models: dict[str, SourceAnswer]
    meta: dict[str, str] = Field(default_factory=dict)


class SourceTexts(BaseModel):
    """The recorded texts of one row, by model."""

    id: str
    dataset: str
    answers: dict[str, str]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    texts = {
        (row.dataset, row.id): row.answers
        for row in read(folder / "answers.jsonl.gz", SourceTexts)
        if row.dataset in {source.name for source in SOURCES}
    }
    rows = [row for source in SOURCES for row in sample_of(source, folder, texts)]
    rows.sort(key=lambda row: draw("order", row.id))
    write(rows, SAMPLE)


def sample_of(source: Source, folder: Path, texts: Texts) -> list[SampleRow]:
    """Return the rows with recorded texts, or a random few if the source has no recordings."""
    rows = read(folder / f"{source.name}.jsonl.gz", SourceRow)
    if not source.models:
        chosen = sorted(rows, key=lambda row: draw("choice", row.id))[:QUERIES_WITHOUT_ANSWERS]
        return [convert(row, source, {}) for row in chosen]
    recorded = ((row, texts.get((source.name, row.id))) for row in rows)
    return [convert(row, source, answers) for row, answers in recorded if answers is not None]


def convert(row: SourceRow, source: Source, answers: dict[str, str]) -> SampleRow:
    recordings = dict(zip(OFFLINE_MODELS, source.models, strict=False))
    return SampleRow(
        id=row.id,
        workload="math" if row.meta.get("category") == "math" else row.workload,
        query=row.query,
        gold=row.gold,
        license=source.license,
        source=source.origin,
        models={
            name: record(name, model, row.models[model], answers[model])
            for name, model in recordings.items()
        },
    )


def record(name: OfflineModel, model: str, answer: SourceAnswer, text: str) -> RecordedAnswer:
    input_price, output_price = USD_PER_MILLION_TOKENS[name]
    cost = answer.input_tokens * input_price + answer.output_tokens * output_price
    return RecordedAnswer(
        score=answer.score,
        cost_usd=cost / 1_000_000,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        recorded_model=model,
        answer=text,
    )


def draw(purpose: str, row_id: str) -> str:
    """Return a pseudorandom string that depends only on the purpose and the row."""
    return hashlib.sha256(f"{SEED}/{purpose}/{row_id}".encode()).hexdigest()


def read(path: Path, model: type[Row]) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield model.model_validate_json(line)


def write(rows: list[SampleRow], path: Path) -> None:
    """Write the rows without the file's name or time, so that equal rows give equal bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as compressed,
    ):
        compressed.write("".join(f"{row.model_dump_json()}\n" for row in rows).encode())


if __name__ == "__main__":
    main()

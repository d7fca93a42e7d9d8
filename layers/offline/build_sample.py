"""Build the project's sample of real queries and recorded answers from a folder of benchmarks.

Usage: python layers/offline/build_sample.py SOURCE_FOLDER

SOURCE_FOLDER holds gzipped JSON lines: one file of rows per dataset (`mmlu_pro.jsonl.gz`, …), which
may have the recorded texts, and `answers.jsonl.gz` with the texts of other datasets. docs/data.md
names their origin. The same folder always gives the same bytes.
"""

import gzip
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

from pydantic import BaseModel, Field

from layers.offline.sample_sources import SOURCES, Source
from route_switch_offline import (
    ASSUMED_OUTPUT_TOKENS,
    OFFLINE_MODELS,
    RESULTS,
    SAMPLE,
    USD_PER_MILLION_TOKENS,
    OfflineModel,
    RecordedAnswer,
    RecordedResult,
    ResultRow,
    SampleRow,
    Workload,
)

SEED = "route-switch sample 1"
QUERIES_WITHOUT_RESULTS = 60
MAX_QUERY_CHARACTERS = 1000
"""Of rows without texts, so that `make learn` stays quick: the encoder reads a longer text several
times. Rows with texts were chosen below 2,000 characters, except chat, which is all here."""

Row = TypeVar("Row", bound=BaseModel)
Texts = Mapping[str, dict[str, str]]
"""Texts by model, by the row's id."""


class SourceResult(BaseModel):
    score: float
    input_tokens: int
    output_tokens: int | None
    answer: str | None = None


class SourceRow(BaseModel):
    id: str
    workload: Workload
    query: str
    gold: str | None
    models: dict[str, SourceResult]
    meta: dict[str, str] = Field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """The texts that the row itself has."""
        found = ((model, result.answer) for model, result in self.models.items())
        return {model: answer for model, answer in found if answer is not None}


class SourceTexts(BaseModel):
    """The recorded texts of one row, by model."""

    id: str
    dataset: str
    answers: dict[str, str]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]), SAMPLE, RESULTS)


def build(folder: Path, sample: Path, results: Path) -> None:
    """Write both files of the sample."""
    texts: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in read(folder / "answers.jsonl.gz", SourceTexts):
        texts[row.dataset][row.id] = row.answers
    shown: list[SampleRow] = []
    others: list[ResultRow] = []
    for source in SOURCES:
        rows = rows_of(source, folder)
        found = texts[source.name] | {row.id: row.texts for row in rows if row.texts}
        shown += rows_to_show(source, rows, found)
        others += rows_with_results(source, rows, found)
    write(shown, sample)
    write(others, results)


def rows_of(source: Source, folder: Path) -> list[SourceRow]:
    rows = read(folder / f"{source.name}.jsonl.gz", SourceRow)
    return [row for row in rows if source.task in (None, row.meta.get("task"))]


def rows_to_show(source: Source, rows: Sequence[SourceRow], texts: Texts) -> Iterator[SampleRow]:
    """Yield the rows with recorded texts, or a random few if the source has no results."""
    if not source.models:
        for row in drawn(rows)[:QUERIES_WITHOUT_RESULTS]:
            yield SampleRow(**provenance(row, source), gold=row.gold, models={})
        return
    for row in rows:
        if row.id in texts:
            models = {
                name: answer_of(name, model, row.models[model], texts[row.id][model])
                for name, model in zip(OFFLINE_MODELS, source.models, strict=True)
            }
            yield SampleRow(**provenance(row, source), gold=row.gold, models=models)


def rows_with_results(
    source: Source, rows: Sequence[SourceRow], texts: Texts
) -> Iterator[ResultRow]:
    """Yield random rows that have results but no texts."""
    if not source.models:
        return
    short = [row for row in rows[source.skip :] if len(row.query) < MAX_QUERY_CHARACTERS]
    for row in drawn(row for row in short if row.id not in texts)[: source.results]:
        models = {
            name: result_of(name, model, row.models[model])
            for name, model in zip(OFFLINE_MODELS, source.models, strict=True)
        }
        yield ResultRow(**provenance(row, source), models=models)


def drawn(rows: Iterable[SourceRow]) -> list[SourceRow]:
    """Return the rows in a random order that depends only on their ids."""
    return sorted(rows, key=lambda row: draw("choice", row.id))


class Provenance(TypedDict):
    """What a row is, without its results."""

    id: str
    workload: Workload
    query: str
    license: str
    source: str


def provenance(row: SourceRow, source: Source) -> Provenance:
    return Provenance(
        id=row.id if "/" in row.id else f"{source.name.replace('_', '-')}/{row.id}",
        workload="math" if row.meta.get("category") == "math" else row.workload,
        query=row.query,
        license=source.license,
        source=source.origin,
    )


def result_of(name: OfflineModel, model: str, result: SourceResult) -> RecordedResult:
    input_price, output_price = USD_PER_MILLION_TOKENS[name]
    output_tokens = result.output_tokens
    written = ASSUMED_OUTPUT_TOKENS if output_tokens is None else output_tokens
    cost = result.input_tokens * input_price + written * output_price
    return RecordedResult(
        score=result.score,
        cost_usd=cost / 1_000_000,
        input_tokens=result.input_tokens,
        output_tokens=output_tokens,
        recorded_model=model,
    )


def answer_of(name: OfflineModel, model: str, result: SourceResult, text: str) -> RecordedAnswer:
    return RecordedAnswer(**result_of(name, model, result).model_dump(), answer=text)


def draw(purpose: str, row_id: str) -> str:
    """Return a pseudorandom string that depends only on the purpose and the row."""
    return hashlib.sha256(f"{SEED}/{purpose}/{row_id}".encode()).hexdigest()


def read(path: Path, model: type[Row]) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield model.model_validate_json(line)


def write(rows: Iterable[ResultRow], path: Path) -> None:
    """Write the rows in a random order that mixes the sources, without the file's name or time, so
    that equal rows give equal bytes."""
    mixed = sorted(rows, key=lambda row: draw("order", row.id))
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as compressed,
    ):
        compressed.write("".join(f"{row.model_dump_json()}\n" for row in mixed).encode())


if __name__ == "__main__":
    main()

"""`layers/offline/build_sample.py`: equal folders give equal bytes, and only rows with results."""

import gzip
import json
from pathlib import Path

import pytest

from layers.offline.build_sample import MAX_QUERY_CHARACTERS, build
from layers.offline.sample_sources import SOURCES, Source
from route_switch_offline import ResultRow, SampleRow

LONG = "a long question " * MAX_QUERY_CHARACTERS


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.write("".join(json.dumps(row) + "\n" for row in rows))


def source_row(source: Source, number: int, **fields: object) -> dict[str, object]:
    models = {
        model: {"score": 0.5, "input_tokens": 10, "output_tokens": 20 if number else None}
        for model in source.models
    }
    name = source.task or source.name
    return {
        "id": f"{name}/{number}",
        "workload": "general",
        "query": f"Question {number} of {name}",
        "gold": "4",
        "models": models,
        "meta": {"task": source.task} if source.task else {},
        **fields,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every source with four rows. The first has no lengths, the second has texts in another file,
    the third in its own row, and the last is too long to be one of the rows without texts."""
    folder = tmp_path_factory.mktemp("benchmarks")
    texts: list[dict[str, object]] = []
    by_file: dict[str, list[dict[str, object]]] = {}
    for source in SOURCES:
        rows = [source_row(source, number) for number in range(3)]
        shown = {model: f"{model} says 4" for model in source.models}
        texts.append({"id": rows[1]["id"], "dataset": source.name, "answers": shown})
        with_texts = {
            model: {"score": 0.5, "input_tokens": 10, "output_tokens": 20, "answer": text}
            for model, text in shown.items()
        }
        rows[2]["models"] = with_texts
        by_file.setdefault(source.name, []).extend([*rows, source_row(source, 3, query=LONG)])
    for name, rows in by_file.items():
        write_rows(folder / f"{name}.jsonl.gz", rows)
    write_rows(folder / "answers.jsonl.gz", texts)
    return folder


def built(folder: Path, out: Path) -> tuple[bytes, bytes]:
    build(folder, out / "sample.jsonl.gz", out / "results.jsonl.gz")
    return (out / "sample.jsonl.gz").read_bytes(), (out / "results.jsonl.gz").read_bytes()


def lines_of(content: bytes) -> list[bytes]:
    return gzip.decompress(content).splitlines()


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert built(folder, tmp_path) == built(folder, tmp_path)


def test_rows_with_texts_can_be_asked_wherever_the_source_keeps_its_texts(
    folder: Path, tmp_path: Path
) -> None:
    rows = [SampleRow.model_validate_json(line) for line in lines_of(built(folder, tmp_path)[0])]
    with_models = [source for source in SOURCES if source.models]
    recorded = [row for row in rows if row.models]
    assert len(recorded) == 2 * len(with_models)
    for row in recorded:
        assert all(a.answer == f"{a.recorded_model} says 4" for a in row.models.values())
        assert row.gold == "4"


def test_short_rows_without_texts_keep_results_and_unknown_lengths(
    folder: Path, tmp_path: Path
) -> None:
    rows = [ResultRow.model_validate_json(line) for line in lines_of(built(folder, tmp_path)[1])]
    unskipped = [source for source in SOURCES if source.models and not source.skip]
    assert sorted(row.id for row in rows) == sorted(f"{s.task or s.name}/0" for s in unskipped)
    for row in rows:
        assert all(result.output_tokens is None for result in row.models.values())
        assert all(result.cost_usd > 0 for result in row.models.values())

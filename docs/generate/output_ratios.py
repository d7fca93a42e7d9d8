"""Measure the output ratios of real models on benchmarks, as a source for the prior.

    python -m docs.generate.output_ratios FOLDER

`FOLDER` holds files of examples (`*.jsonl.gz`) with the models' recorded tokens and costs. Each
pair of models in which one costs at least twice as much as the other is a pair of tiers that a
stage might have. Files without recorded answer lengths are left out: models that answer in one
token, and lengths that were assumed (the same for all models).
"""

import gzip
import json
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from statistics import mean, median
from typing import Any

from route_switch.domain.output_ratio import PRIOR, MeasuredRatio, ratio_of_sums

MORE_EXPENSIVE = 2.0
ONE_TOKEN = 10.0
"""Mean answer length, in tokens, below which a file holds labels and not answers."""

Answers = dict[str, dict[str, Any]]  # by row: JSON is data, not a model


def main(folder: Path) -> None:
    found = {path.name: [*ratios(path)] for path in sorted(folder.glob("*.jsonl.gz"))}
    found = {name: measured for name, measured in found.items() if measured}
    lines = ["file                          pairs   lowest   median  highest"]
    for name, measured in found.items():
        values = [each.ratio for each in measured]
        figures = f"{min(values):9.2f}{median(values):9.2f}{max(values):9.2f}"
        lines.append(f"{name:28}{len(values):7}{figures}")
    pairs = [each.ratio for measured in found.values() for each in measured]
    inside = sum(PRIOR.low <= ratio <= PRIOR.high for ratio in pairs)
    lines.append(f"median of {len(pairs)} pairs: {median(pairs):.2f}")
    lines.append(f"between {PRIOR.low} and {PRIOR.high}: {inside}")
    sys.stdout.write("\n".join(lines) + "\n")


def ratios(path: Path) -> Iterator[MeasuredRatio]:
    """Yield the ratio of each pair in which the second model costs at least twice as much."""
    answers = _answers(path)
    usd = {
        model: mean(each["cost_usd"] for each in rows.values()) for model, rows in answers.items()
    }
    for small, large in permutations(answers, 2):
        both = [
            (1.0, answers[small][row]["output_tokens"], answers[large][row]["output_tokens"])
            for row in answers[small].keys() & answers[large].keys()
        ]
        measured = ratio_of_sums(small, large, both)
        assumed = all(one == other for _, one, other in both)
        if measured is not None and not assumed and usd[large] >= MORE_EXPENSIVE * usd[small]:
            yield measured


def _answers(path: Path) -> dict[str, Answers]:
    """Return the answers whose length was recorded, by model and row."""
    answers: dict[str, Answers] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for model, answer in (row.get("models") or {}).items():
                known = answer.get("output_tokens") and answer.get("cost_usd") is not None
                if known and not answer.get("cost_assumed"):
                    answers.setdefault(model, {})[row["id"]] = answer
    return {model: rows for model, rows in answers.items() if _are_lengths(rows)}


def _are_lengths(rows: Answers) -> bool:
    return mean(float(each["output_tokens"]) for each in rows.values()) >= ONE_TOKEN


if __name__ == "__main__":
    main(Path(sys.argv[1]))

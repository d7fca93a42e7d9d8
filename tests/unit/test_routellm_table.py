"""RouteLLM's measures next to the published figures."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from layers.offline import routellm_measures
from layers.offline.routellm_measures import GapMeasures, RouteLlmMeasures
from layers.offline.routellm_sets import MODELS, routers_on_sets
from layers.offline.routellm_table import (
    MMLU,
    PUBLISHED,
    RouterOnSet,
    routellm_table,
)
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.optimizer.neighbors import Vectors
from route_switch.optimizer.report.figures import Interval

WORDS = ("apples", "bridges", "candles", "dolphins", "engines")


def around(mean: float) -> Interval:
    return Interval(mean=mean, low=mean - 0.1, high=mean + 0.1, n=850)


def test_published_figures_follow_those_of_the_same_set() -> None:
    kind = GapMeasures(around(0.65), around(0.3), around(0.6))
    measured = RouterOnSet(MMLU, "knn", "1,482 rows", RouteLlmMeasures(kind, kind))
    (first, *others) = routellm_table([measured]).rows
    figures = ("0.650 (0.55–0.75)", "30.0% (20–40)", "60.0% (50–70)")
    assert first == (MMLU, "knn", "1,482 rows", *figures, *figures, "850")
    assert [row[1] for row in others] == [f"published: {of.router}" for of in PUBLISHED[MMLU]]
    assert others[1][3:6] == ("0.603", "35.4%", "71.6%")


def test_published_random_routing_is_near_one_half() -> None:
    for figures in PUBLISHED.values():
        assert figures[0].router == "random"
        assert abs(figures[0].apgr - 0.5) < 0.01
        assert all(of.cpt50 < of.cpt80 for of in figures)


def write(data: Path, name: str, n: int) -> None:
    """Write questions about hard and easy things: the weak model fails the hard ones."""
    weak, strong = MODELS.values()
    with gzip.open(data / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        for number in range(n):
            hard = number % 3 == 0
            word = f"{WORDS[number % 5]}{'abcdefghij'[number // 5 % 10]}{'klmnop'[number // 50]}"
            results = {
                weak: {"score": 0.0 if hard else 1.0, "cost_usd": 1.0},
                strong: {"score": 1.0, "cost_usd": 20.0},
            }
            query = f"{'Prove this hard theorem' if hard else 'Count the easy things'} about {word}"
            file.write(json.dumps({"query": f"{name}: {query}?", "models": results}) + "\n")


def see(texts: Sequence[str]) -> Vectors:
    return np.array([[1, 0] if "hard" in text else [0, 1] for text in texts], dtype=np.float32)


def test_learners_are_measured_on_rows_that_did_not_teach_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routellm_measures, "RESAMPLES", 50)
    for name, n in (("routellm_mmlu", 120), ("routellm_gsm8k", 90), ("routellm_mtbench", 20)):
        write(tmp_path, name, n)
    found = routers_on_sets(tmp_path, see, {"prompt": packaged_prompt()})
    sets = {router.questions: router.measures.calls.apgr.n for router in found}
    assert list(sets) == ["MT-Bench", "MMLU", "GSM8K"]
    assert sets["MT-Bench"] == 20
    assert 0 < sets["MMLU"] < 120 / 2
    best = {router.router: router.measures.calls.apgr.mean for router in found}
    assert best["linear"] > 0.75
    assert best["local"] > 0.75
    assert set(best) == {"prompt", "local", "linear", "knn", "clusters", "length"}

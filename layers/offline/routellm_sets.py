"""RouteLLM's measures on RouteLLM's own sets.

Usage: python layers/offline/routellm_sets.py FOLDER

FOLDER holds `routellm_mmlu.jsonl.gz`, `routellm_gsm8k.jsonl.gz` and `routellm_mtbench.jsonl.gz`
(docs/data.md names their origin).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.cli.model_options import optimizer_extra
from route_switch.cli.route import router_config
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.split import split
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, OutcomeArrays, numbered
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.learners import LEARNERS
from route_switch.optimizer.neighbors import EmbedTexts, embed_all
from route_switch.optimizer.query_features import QueryFeatures, features_of
from route_switch.optimizer.report.markdown_page import table_of
from route_switch.optimizer.report.routellm_table import (
    COMPARABLE,
    GSM8K,
    MMLU,
    MT_BENCH,
    RouterOnSet,
    routellm_table,
)
from route_switch.optimizer.routellm_measures import measure, wish
from route_switch.services.learning.pace import Pace

MODELS = ("mixtral-8x7b-instruct", "gpt-4-1106-preview")
MMLU_ROWS = 3000
"""The first rows of MMLU: all 8,480 would take five minutes to embed."""
MEMO = Path(".local/learn/routellm-vectors.jsonl")
SEED = 0


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a set, what is known about them, and how the two models did."""

    features: QueryFeatures
    arrays: OutcomeArrays


def routellm_chapter(data: Path) -> str:
    """Return a chapter for docs/results.md."""
    table = routellm_table(routers_on_sets(data, _embed_with_memo()))
    return "\n\n".join(
        ["## RouteLLM's measures", COMPARABLE, f"*{table.caption}.*", table_of(table)]
    )


def routers_on_sets(data: Path, embed: EmbedTexts) -> list[RouterOnSet]:
    """Measure each learner. All are taught with the train rows of MMLU and GSM8K together, and
    measured on the held-out rows of each, and on all of MT-Bench."""
    rows = {
        MMLU: _read(data, "routellm_mmlu")[:MMLU_ROWS],
        GSM8K: _read(data, "routellm_gsm8k"),
    }
    sides = {name: split(examples) for name, examples in rows.items()}
    train = _questions([e for side in sides.values() for e in side.train], embed)
    measured: Mapping[str, Sequence[Example]] = {
        MT_BENCH: _read(data, "routellm_mtbench"),
        **{name: side.heldout for name, side in sides.items()},
    }
    return [
        RouterOnSet(name, router, f"{len(train.arrays):,} rows", measure(on.arrays, wants, SEED))
        for name, examples in measured.items()
        for on in (_questions(examples, embed),)
        for router, wants in _wishes(train, on).items()
    ]


def _wishes(train: Questions, on: Questions) -> dict[str, Floats]:
    """Return how much each router wants the strong model for each question. Scores teach them, not
    rewards: the measures know no λ.

    Without a price, cuts of the length send every range to the strong model. So `length` is the
    length itself: the longest questions get the strong model first.
    """
    learned = {
        name: wish(learn(train.features, on.features)(train.arrays.score))
        for name, learn in LEARNERS.items()
    }
    return {**learned, "length": on.features.tokens}


def _read(data: Path, name: str) -> list[Example]:
    rows = read_examples(data / f"{name}.jsonl.gz")
    return [row for row in rows if all(model in row.models for model in MODELS)]


def _questions(examples: Sequence[Example], embed: EmbedTexts) -> Questions:
    limit = router_config("local/encoder").router_max_input_tokens
    score, usd = (
        np.array([[getattr(e.models[m], of) for m in MODELS] for e in examples], dtype=np.float64)
        for of in ("score", "cost_usd")
    )
    arrays = OutcomeArrays(
        tiers=(Tier.SMALL, Tier.LARGE),
        weights=np.array([example.weight for example in examples], dtype=np.float64),
        equivalent=(score >= score[:, 1:]).astype(np.float64),
        score=score,
        cost_usd=usd,
        latency_ms=None,
        templates=numbered([example.template_key for example in examples]),
    )
    return Questions(features_of(examples, embed_all(examples, embed, limit)), arrays)


def _embed_with_memo() -> EmbedTexts:
    return RememberedEmbeddings(EncoderClient().embed, MemoFile(MEMO), Pace())


def main(data: Annotated[Path, typer.Argument(help="Folder with RouteLLM's sets.")]) -> None:
    typer.echo(routellm_chapter(data))


if __name__ == "__main__":
    with optimizer_extra():
        typer.run(main)

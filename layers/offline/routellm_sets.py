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

from layers.offline.routellm_measures import measure, wish
from layers.offline.routellm_table import (
    COMPARABLE,
    GSM8K,
    MMLU,
    MT_BENCH,
    RouterOnSet,
    routellm_table,
)
from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.adapters.models.encoder import EncoderClient, read_messages, scores_of
from route_switch.adapters.models.encoder import split as split_query
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import optimizer_extra
from route_switch.cli.route import router_config
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.learning.split import split
from route_switch.domain.local_model import expect
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, OutcomeArrays, arrays_of
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.learners import LEARNERS
from route_switch.optimizer.local_training import TrainedLocal, train_local
from route_switch.optimizer.neighbors import EmbedTexts, embed_all
from route_switch.optimizer.query_features import QueryFeatures, query_features
from route_switch.optimizer.report.markdown_page import table_of
from route_switch.services.learning.pace import Pace

MODELS = {Tier.SMALL: "mixtral-8x7b-instruct", Tier.LARGE: "gpt-4-1106-preview"}
MMLU_ROWS = 3000
"""The first rows of MMLU: all 8,480 would take five minutes to embed."""
MEMO = Path(".local/learn/routellm-vectors.jsonl")
SEED = 0
LAMBDA = 0.2
"""Only the local model needs one, to decide whether words are worth anything to it."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a set with the two models' results."""

    table: OutcomeTable
    arrays: OutcomeArrays
    features: QueryFeatures


def routellm_chapter(data: Path) -> str:
    """Return a chapter for docs/results.md."""
    prompts = {"packaged prompt": packaged_prompt()}
    table = routellm_table(routers_on_sets(data, _embed_with_memo(), prompts))
    return "\n\n".join(
        ["## RouteLLM's measures", COMPARABLE, f"*{table.caption}.*", table_of(table)]
    )


def routers_on_sets(
    data: Path, embed: EmbedTexts, prompts: Mapping[str, RoutingPrompt] | None = None
) -> list[RouterOnSet]:
    """Measure `prompts` with `local/encoder`, the strategy `local`, and each learner.

    What learns is taught with the train rows of MMLU and GSM8K together, and `local` with the
    validation rows too. All are measured on the held-out rows of each, and on all of MT-Bench.
    """
    sides = {
        MMLU: split(_read(data, "routellm_mmlu")[:MMLU_ROWS]),
        GSM8K: split(_read(data, "routellm_gsm8k")),
    }
    train = _questions([row for side in sides.values() for row in side.train], embed)
    validation = _table([row for side in sides.values() for row in side.validation])
    local = train_local(train.table, validation, "full", LAMBDA)
    measured: Mapping[str, Sequence[Example]] = {
        MT_BENCH: _read(data, "routellm_mtbench"),
        **{name: side.heldout for name, side in sides.items()},
    }
    return [
        RouterOnSet(
            name, router, f"{rows:,} rows" if rows else "nothing", measure(on.arrays, wants, SEED)
        )
        for name, examples in measured.items()
        for on in (_questions(examples, embed),)
        for router, (rows, wants) in {
            **_prompted(prompts or {}, on),
            **_local(local, on),
            **_learned(train, on),
        }.items()
    ]


def _prompted(prompts: Mapping[str, RoutingPrompt], on: Questions) -> dict[str, tuple[int, Floats]]:
    """Return how much the encoder wants the strong model for each question: the score of Tier 3's
    criteria and demos minus that of Tier 1's."""
    limit = router_config("local/encoder").router_max_input_tokens

    def wants(prompt: RoutingPrompt, query: Query) -> float:
        scores = scores_of(*split_query(read_messages(prompt.render(query, limit))))
        return scores[Tier.LARGE] - scores[Tier.SMALL]

    queries = [example.as_query for example in on.table.examples]
    return {
        name: (0, np.array([wants(prompt, query) for query in queries], dtype=np.float64))
        for name, prompt in prompts.items()
    }


def _local(trained: TrainedLocal | None, on: Questions) -> dict[str, tuple[int, Floats]]:
    """Return the number of rows that taught the local model, and how much it wants the strong model
    for each question: the less likely the weak model's answer is good enough, the more."""
    if trained is None:
        return {}
    queries = (example.as_query for example in on.table.examples)
    wants = [-expect(trained.numbers, query)[Tier.SMALL].quality for query in queries]
    return {"local": (trained.rows, np.array(wants, dtype=np.float64))}


def _learned(train: Questions, on: Questions) -> dict[str, tuple[int, Floats]]:
    """Return the same for each learner. Scores teach them, not rewards: the measures know no λ.

    Without a price, cuts of the length send every range to the strong model. So `length` is the
    length itself, which learns nothing: the longest questions get the strong model first.
    """
    learned = {
        name: (len(train.arrays), wish(learn(train.features, on.features)(train.arrays.score)))
        for name, learn in LEARNERS.items()
    }
    return {**learned, "length": (0, on.features.tokens)}


def _read(data: Path, name: str) -> list[Example]:
    rows = read_examples(data / f"{name}.jsonl.gz")
    return [row for row in rows if all(model in row.models for model in MODELS.values())]


def _table(examples: Sequence[Example]) -> OutcomeTable:
    return OutcomeTable(MODELS, {}, tuple(examples), tuple(map(_outcomes, examples)))


def _outcomes(example: Example) -> dict[Tier, Outcome]:
    scores = {tier: example.models[model].score or 0.0 for tier, model in MODELS.items()}
    return {
        tier: Outcome(
            score=score,
            equivalent=score >= scores[Tier.LARGE],
            graded_by=GradedBy.RECORDED,
            recorded_cost_usd=example.models[MODELS[tier]].cost_usd,
        )
        for tier, score in scores.items()
    }


def _questions(examples: Sequence[Example], embed: EmbedTexts) -> Questions:
    limit = router_config("local/encoder").router_max_input_tokens
    table = _table(examples)
    features = query_features(examples, embed_all(examples, embed, limit))
    return Questions(table, arrays_of(table), features)


def _embed_with_memo() -> EmbedTexts:
    return RememberedEmbeddings(EncoderClient().embed, MemoFile(MEMO), Pace())


def main(data: Annotated[Path, typer.Argument(help="Folder with RouteLLM's sets.")]) -> None:
    typer.echo(routellm_chapter(data))


if __name__ == "__main__":
    with optimizer_extra():
        typer.run(main)

"""The input of the search: queries with their rewards and, in train, their best tier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.text_policy import LearnFromText, as_demo, text_for_learning
from route_switch.domain.router_config import RouterConfig
from route_switch.optimizer.arrays import Floats, arrays_of
from route_switch.optimizer.labels import best_tiers
from route_switch.optimizer.neighbors import EmbedTexts, embed_all


@dataclass(frozen=True, slots=True)
class LabeledQuery:
    """A query as the router LLM sees it.

    `rewards` is in the order of the tiers, and `best` is the column of the best tier. `weight` is
    relative: 1 on average.
    """

    text: str
    best: int
    rewards: tuple[float, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """`train` has the queries whose best tier is certain enough to teach from.

    Queries that bypass the router are on neither side: no prompt changes their tier. `withheld`
    counts the train rows whose text must not be shown, by policy or because it is unsafe.
    """

    train: list[LabeledQuery]
    validation: list[LabeledQuery]
    withheld: int


def training_set(
    train: OutcomeTable,
    validation: OutcomeTable,
    config: RouterConfig,
    embed: EmbedTexts,
    policy: LearnFromText,
    lambda_: float,
) -> TrainingSet:
    """Return what to learn from. Raise `ConfigurationError` if nothing is left."""
    rewards = arrays_of(train, lambda_).rewards(lambda_)
    vectors = embed_all(train.examples, embed, config.router_max_input_tokens)
    best, trusted = best_tiers(rewards, vectors.astype(np.float64))
    taught = []
    withheld = 0
    for i, example in enumerate(train.examples):
        text = text_for_learning(example, policy)
        if text is None:
            withheld += 1
        elif trusted[i] and not config.bypasses(example.as_query):
            shown = as_demo(example.as_query, text)
            taught.append(LabeledQuery(shown, int(best[i]), tuple(rewards[i].tolist())))
    measured = _measured(
        validation.examples, arrays_of(validation, lambda_).rewards(lambda_), config
    )
    if not taught or not measured:
        raise ConfigurationError(
            f"Nothing is left to learn from: {len(taught)} train and {len(measured)} validation "
            f"queries are usable, and {withheld} may not be shown with learn_from_text={policy}. "
            "Add examples to the file."
        )
    return TrainingSet(taught, measured, withheld)


def _measured(
    examples: Sequence[Example], rewards: Floats, config: RouterConfig
) -> list[LabeledQuery]:
    routed = [
        (example, row)
        for example, row in zip(examples, rewards, strict=True)
        if not config.bypasses(example.as_query)
    ]
    mean = sum(example.weight for example, _ in routed) / max(len(routed), 1)
    return [
        LabeledQuery(
            example.as_query.for_router(config.router_max_input_tokens),
            int(row.argmax()),
            tuple(row.tolist()),
            example.weight / mean,
        )
        for example, row in routed
    ]

"""The simple learners that every learned policy is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.cluster_table import cluster_table
from route_switch.optimizer.length_rule import length_rule
from route_switch.optimizer.linear_rewards import linear_rewards
from route_switch.optimizer.local_rows import FOLDS, folds_of
from route_switch.optimizer.neighbors import EmbedTexts, embed_all, neighbors
from route_switch.optimizer.query_features import Learner, QueryFeatures, query_features

LEARNERS: dict[str, Callable[[QueryFeatures, QueryFeatures], Learner]] = {
    "linear": linear_rewards,
    "knn": neighbors,
    "clusters": cluster_table,
    "length": length_rule,
}
"""The learners by policy name. Each gets the train rows and the rows to predict."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Numbers of the rows that teach, and of the rows that are predicted from them."""

    train: Ints
    rows: Ints


def learners_on(
    table: OutcomeTable, train: OutcomeTable | None, embed: EmbedTexts, max_tokens: int
) -> dict[str, Learner]:
    """Return learners that predict the rewards of `table` from those of `train`.

    Without `train`, each row is predicted from the other folds of the table.
    """
    rows = query_features(table.examples, embed_all(table.examples, embed, max_tokens))
    if train is None:
        return made(rows, rows, across_folds(table.examples))
    teachers = query_features(train.examples, embed_all(train.examples, embed, max_tokens))
    return made(teachers, rows, [Lesson(np.arange(len(teachers)), np.arange(len(rows)))])


def made(
    train: QueryFeatures, rows: QueryFeatures, lessons: Sequence[Lesson]
) -> dict[str, Learner]:
    """Return all `LEARNERS`, each with one part for each lesson."""
    taught = [lesson for lesson in lessons if len(lesson.train) and len(lesson.rows)]
    sides = [(train.take(lesson.train), rows.take(lesson.rows)) for lesson in taught]
    return {
        name: _joined(len(rows), taught, [learn(*side) for side in sides])
        for name, learn in LEARNERS.items()
    }


def across_folds(examples: Sequence[Example]) -> list[Lesson]:
    """Return a lesson for each fold, taught by the others. A row's template determines its fold, so
    that no row is predicted from itself or from another row of its template."""
    folds = folds_of([example.template_key for example in examples])
    return [
        Lesson(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        for fold in range(FOLDS)
    ]


def _joined(n: int, lessons: Sequence[Lesson], parts: Sequence[Learner]) -> Learner:
    """Join the learners of the lessons. A row that nothing was learned for is predicted as 0 for
    each tier, and so goes to the smallest one."""

    def predict(train_rewards: Floats) -> Floats:
        predicted = np.zeros((n, train_rewards.shape[1]))
        for lesson, part in zip(lessons, parts, strict=True):
            predicted[lesson.rows] = part(train_rewards[lesson.train])
        return predicted

    return predict

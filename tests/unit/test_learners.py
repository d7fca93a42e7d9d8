"""The simple learners, on planted data where it is known what there is to learn."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays
from route_switch.optimizer.baselines import Measurement, best_tier, shuffled_controls
from route_switch.optimizer.cluster_table import k_means, nearest
from route_switch.optimizer.learners import LEARNERS, Lesson, across_folds, learners_on, made
from route_switch.optimizer.query_features import Learner, QueryFeatures
from route_switch.optimizer.statistics import Estimate
from tests.support.outcomes import table_of

KINDS = np.array([[0.9, 0.5, 0.1], [0.1, 0.5, 0.9], [0.2, 0.8, 0.6]])
"""The rewards of three kinds of queries: Tier 1, Tier 3 and Tier 2 are best."""


def queries(kinds: Ints, tokens: Floats, seed: int) -> QueryFeatures:
    """Return queries whose vectors show their kind."""
    noise = 0.05 * np.random.default_rng(seed).standard_normal((len(kinds), 8))
    return QueryFeatures(np.eye(3, 8)[kinds] + noise, tokens, np.ones(len(kinds)))


def planted(n: int, seed: int) -> tuple[QueryFeatures, Floats]:
    """Return queries of two kinds whose length says nothing, and their rewards."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 2, n)
    return queries(kinds, random.integers(5, 500, n).astype(float), seed), KINDS[kinds]


def by_length(n: int, seed: int) -> tuple[QueryFeatures, Floats]:
    """Return queries whose length alone says what is best: Tier 1, then Tier 3, then Tier 2."""
    random = np.random.default_rng(seed)
    tokens = random.integers(1, 300, n).astype(float)
    kinds = np.digitize(tokens, [60, 180])
    return queries(random.integers(0, 2, n), tokens, seed), KINDS[kinds]


def chosen(name: str, train: QueryFeatures, rewards: Floats, rows: QueryFeatures) -> list[int]:
    tiers: list[int] = LEARNERS[name](train, rows)(rewards).argmax(axis=1).tolist()
    return tiers


@pytest.mark.parametrize("name", ["linear", "knn", "clusters"])
def test_planted_clusters_are_found(name: str) -> None:
    (train, train_rewards), (rows, rewards) = planted(100, 1), planted(40, 2)
    assert chosen(name, train, train_rewards, rows) == rewards.argmax(axis=1).tolist()


def test_planted_thresholds_on_length_are_found() -> None:
    (train, train_rewards), (rows, rewards) = by_length(400, 1), by_length(400, 2)
    right = np.equal(chosen("length", train, train_rewards, rows), rewards.argmax(axis=1))
    assert right.mean() > 0.9  # each of the two cuts is off by less than a 20th of the rows
    assert np.mean(np.equal(chosen("linear", train, train_rewards, rows), rewards.argmax(1))) < 0.7


def test_length_uses_no_more_ranges_than_there_are_tiers() -> None:
    (train, rewards), (rows, _) = by_length(400, 1), by_length(50, 2)
    two = LEARNERS["length"](train, rows)(rewards[:, [0, 2]])
    assert len(np.unique(two, axis=0)) <= 2


def test_weights_count_as_copies_of_a_row() -> None:
    train, rewards = planted(60, 1)
    rows, _ = planted(20, 2)
    times = np.arange(60) % 3 + 1
    copies = np.repeat(np.arange(60), times)
    weighted = QueryFeatures(train.vectors, train.tokens, times.astype(np.float64))
    one, other = (
        LEARNERS["linear"](side, rows)(of)
        for side, of in ((weighted, rewards), (train.take(copies), rewards[copies]))
    )
    assert one == pytest.approx(other)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_learner_works_on_few_and_equal_rows(name: str, n: int) -> None:
    equal = QueryFeatures(np.ones((n, 4)), np.full(n, 7.0), np.ones(n))
    rewards = np.tile([[0.2, 0.7]], (n, 1))
    assert chosen(name, equal, rewards, equal) == [1] * n


@given(k=st.integers(1, 8), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_each_row_belongs_to_the_nearest_center(k: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((40, 3))
    centers = k_means(vectors, k, seed)
    distances = ((vectors[:, None] - centers[None]) ** 2).sum(axis=2)
    assert centers.shape == (k, 3)
    assert (nearest(vectors, centers) == distances.argmin(axis=1)).all()
    assert (k_means(vectors, k, seed) == centers).all(), "the same seed gives the same centers"


def learners_of(n: int, seed: int) -> tuple[dict[str, Learner], Floats, list[Lesson]]:
    """Return learners that predict rows from the other folds of the same rows."""
    features, rewards = planted(n, seed)
    lessons = across_folds(table_of(*[(1, 1, 1)] * n).examples)
    return made(features, features, lessons), rewards, lessons


@pytest.mark.parametrize("name", LEARNERS)
def test_no_row_learns_from_its_own_fold(name: str) -> None:
    learners, rewards, lessons = learners_of(60, 3)
    predicted = learners[name](rewards)
    assert (predicted != 0).any(axis=1).all()
    for lesson in lessons:
        other = rewards.copy()
        other[lesson.rows] = 1 - other[lesson.rows]
        assert (learners[name](other)[lesson.rows] == predicted[lesson.rows]).all()


def test_every_row_is_predicted_once_from_the_rows_of_other_templates() -> None:
    templates = tuple(f"t{number % 7}" for number in range(40))
    examples = table_of(*[(1, 1, 1)] * 40, templates=templates).examples
    lessons = across_folds(examples)
    assert sorted(np.concatenate([lesson.rows for lesson in lessons]).tolist()) == list(range(40))
    for lesson in lessons:
        teaching, taught = (
            {examples[row].template_key for row in side} for side in (lesson.train, lesson.rows)
        )
        assert not teaching & taught


def test_a_row_that_nothing_teaches_goes_to_the_smallest_tier() -> None:
    only = table_of((0, 0, 1))
    learners = learners_on(only, None, lambda texts: np.ones((len(texts), 3), np.float32), 100)
    for learner in learners.values():
        assert best_tier(learner(np.ones((1, 3)))).tolist() == [[1, 0, 0]]


def controls(learners: Mapping[str, Learner], rewards: Floats) -> dict[str, Estimate]:
    n = len(rewards)
    ones = np.ones((n, 3))
    arrays = OutcomeArrays(tuple(Tier), np.ones(n), rewards, rewards, ones, None)
    examples = table_of(*[(1, 1, 1)] * n).examples
    mix = np.full(3, 1 / 3)
    return shuffled_controls(Measurement(examples, arrays, 0.0, mix, rewards, learners), 0)


def test_shuffled_labels_do_not_beat_random_but_leaked_labels_do() -> None:
    """Similar queries have the same best tier here, so a random policy that treats them alike gains
    or loses a lot by chance."""
    learners, rewards, _ = learners_of(200, 4)
    honest = controls(learners, rewards)
    assert list(honest) == list(LEARNERS)
    for control in honest.values():
        assert control.low < 0 < control.high
        assert abs(control.mean) < 0.1
    assert controls({"leaking": lambda _: rewards}, rewards)["leaking"].low > 0.3

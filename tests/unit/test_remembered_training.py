"""Local models are trained once for the same rows."""

from dataclasses import replace

import pytest

from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.optimizer import remembered_training
from route_switch.optimizer.local_training import TrainedLocal, train_local
from route_switch.optimizer.remembered_training import MOST, train_once
from tests.support.local_tables import planted

LAMBDA = 0.2
TRAIN, VALIDATION = planted(12, seed=1), planted(8, seed=2)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The λ of each training, in order. Nothing was trained before."""
    made: list[float] = []

    def training(
        train: OutcomeTable, validation: OutcomeTable, policy: LearnFromText, lambda_: float
    ) -> TrainedLocal:
        made.append(lambda_)
        return train_local(train, validation, policy, lambda_)

    monkeypatch.setattr(remembered_training, "train_local", training)
    monkeypatch.setattr(remembered_training, "_trained", {})
    return made


def test_the_same_rows_are_trained_on_once(trainings: list[float]) -> None:
    first = train_once(TRAIN, VALIDATION, "redacted", LAMBDA)
    assert train_once(planted(12, seed=1), VALIDATION, "redacted", LAMBDA) is first
    assert len(trainings) == 1


def test_any_difference_leads_to_new_training(trainings: list[float]) -> None:
    weighed = TRAIN.examples[0].model_copy(update={"weight": 2.0})
    train_once(TRAIN, VALIDATION, "redacted", LAMBDA)
    train_once(
        replace(TRAIN, examples=(weighed, *TRAIN.examples[1:])), VALIDATION, "redacted", LAMBDA
    )
    train_once(replace(TRAIN, rows=TRAIN.rows[::-1]), VALIDATION, "redacted", LAMBDA)
    train_once(TRAIN, planted(8, seed=3), "redacted", LAMBDA)
    train_once(TRAIN, VALIDATION, "full", LAMBDA)
    train_once(TRAIN, VALIDATION, "redacted", LAMBDA / 2)
    assert len(trainings) == 6


def test_only_the_models_used_last_are_kept(trainings: list[float]) -> None:
    for number in range(MOST):
        train_once(TRAIN, VALIDATION, "redacted", number)
    train_once(TRAIN, VALIDATION, "redacted", 0)
    train_once(TRAIN, VALIDATION, "redacted", MOST)
    train_once(TRAIN, VALIDATION, "redacted", 0)
    train_once(TRAIN, VALIDATION, "redacted", 1)
    assert trainings == [*range(MOST + 1), 1]

"""Train a local model from the outcome table (docs/decisions/026).

Cross-validation on train rows chooses the regularization, and decides whether features count at
all. Validation rows get predictions from models that were trained without their fold, so nothing
that decided about the model has seen them. The model that is kept is trained on train and
validation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.domain.local_model import LocalNumbers, StrongFeature
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.calibration_figures import CalibrationFigures, calibration_of
from route_switch.optimizer.expectations import Expectations
from route_switch.optimizer.linear_models import (
    CONSTANT,
    Features,
    Linear,
    constant,
    fit_log_cost,
    fit_log_odds,
    probability,
)
from route_switch.optimizer.local_numbers import as_numbers
from route_switch.optimizer.local_rows import FOLDS, LocalRows, Mask, local_rows
from route_switch.optimizer.statistics import mean_and_error
from route_switch.optimizer.strong_features import strong_features

QUALITY_STRENGTHS = (CONSTANT, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
COST_STRENGTHS = (CONSTANT, 0.1, 0.3, 1.0, 3.0, 10.0)
MOST_COST = 20.0
"""The largest logarithm of a cost, as in serving."""
CERTAIN = 30.0
"""The log-odds that Tier 3's answer is no worse than itself."""
CLEAR_ERRORS = 2.0
WITHIN_ERRORS = 0.5
"""How much worse than the least loss a weaker strength may be, in standard errors."""

Fit = Callable[[Mask], Linear]


@dataclass(frozen=True, slots=True)
class TrainedLocal:
    """`numbers` are trained on train and validation, and `validation` is what models that were
    trained without a validation row expect of it. `constant` is the tier that the model sends every
    query to, if features predict nothing. `rows` are the rows whose text was read, and `withheld`
    those whose text may not be."""

    numbers: LocalNumbers
    strongest: tuple[StrongFeature, ...]
    validation: Expectations
    calibration: CalibrationFigures
    constant: Tier | None
    rows: int
    withheld: int


@dataclass(frozen=True, slots=True)
class Strengths:
    """How much features count: for the quality of each tier below Tier 3, and each tier's cost."""

    quality: tuple[float, ...]
    cost: tuple[float, ...]

    @property
    def are_constant(self) -> bool:
        return not any((*self.quality, *self.cost))

    @property
    def without_features(self) -> "Strengths":
        return Strengths((CONSTANT,) * len(self.quality), (CONSTANT,) * len(self.cost))


def train_local(
    train: OutcomeTable, validation: OutcomeTable, policy: LearnFromText, lambda_: float
) -> TrainedLocal:
    """Train on the rows whose text may be learned from. Some must be in train."""
    rows = local_rows(train, validation, policy, lambda_)
    strengths = _chosen(rows)
    on_train = _of_readings(rows, strengths, rows.in_train)
    chosen, whole = on_train.decisive(rows.row_of, lambda_), on_train.take(rows.is_whole)
    reads_stretches = not _is_clearly_better(whole, chosen, rows, lambda_)
    if not reads_stretches:
        rows, chosen = rows.read_whole, whole
    if not _pays(rows, chosen, lambda_):
        strengths = strengths.without_features
    everywhere = _of_readings(rows, strengths, np.ones_like(rows.in_train))
    expected = everywhere.decisive(rows.row_of, lambda_)
    quality, cost = _fitted(rows, strengths, rows.usable)
    constant_tier = _constant(rows, quality, cost, lambda_) if strengths.are_constant else None
    held = expected.take(~rows.in_train)
    return TrainedLocal(
        numbers=as_numbers(
            rows.arrays.tiers,
            quality,
            cost,
            lambda_,
            rows.longest,
            reads_stretches=reads_stretches,
        ),
        strongest=strong_features(rows, quality),
        validation=held,
        calibration=calibration_of(held.quality, rows.arrays.take(~rows.in_train)),
        constant=constant_tier,
        rows=int(rows.usable.sum()),
        withheld=int((~rows.usable).sum()),
    )


def _chosen(rows: LocalRows) -> Strengths:
    """Choose each regression's strength by cross-validation on the train rows."""
    tiers = range(len(rows.arrays.tiers))
    return Strengths(
        tuple(_best_for_quality(rows, column) for column in tiers[:-1]),
        tuple(_best_for_cost(rows, column) for column in tiers),
    )


def _best_for_quality(rows: LocalRows, column: int) -> float:
    labels = rows.arrays.equivalent[:, column]

    def loss(strength: float) -> Floats:
        said = probability(_predictions(rows, _quality(rows, column, strength), rows.in_train))
        losses: Floats = -np.log(np.clip(np.where(labels > 0, said, 1 - said), 1e-9, 1.0))
        return losses

    return _weakest(rows, loss, QUALITY_STRENGTHS)


def _best_for_cost(rows: LocalRows, column: int) -> float:
    costs = rows.relative_cost[:, column]

    def loss(strength: float) -> Floats:
        said = np.exp(_predictions(rows, _cost(rows, column, strength), rows.in_train))
        losses: Floats = np.abs(said - costs)
        return losses

    return _weakest(rows, loss, COST_STRENGTHS)


def _weakest(rows: LocalRows, loss: Callable[[float], Floats], strengths: Sequence[float]) -> float:
    """Return the weakest strength whose mean loss is nearly the least, as Breiman et al. (1984)
    choose: the differences between the best ones are mostly noise."""
    counted = rows.in_train & rows.usable
    arrays = rows.arrays.take(counted)
    losses = [loss(strength)[counted] for strength in strengths]
    least = min(losses, key=lambda each: float(np.average(each, weights=arrays.weights)))
    for strength, each in zip(strengths, losses, strict=True):
        more = mean_and_error(each - least, arrays.weights, arrays.templates)
        if each is least or more.mean <= WITHIN_ERRORS * more.error:
            return strength
    raise AssertionError("one of the losses is the least")


def _quality(rows: LocalRows, column: int, strength: float) -> Fit:
    if column == len(rows.arrays.tiers) - 1:
        return lambda _: constant(CERTAIN)
    labels, weights = rows.arrays.equivalent[:, column], rows.arrays.weights
    return lambda of: fit_log_odds(rows.learned.take(of), labels[of], weights[of], strength)


def _cost(rows: LocalRows, column: int, strength: float) -> Fit:
    costs, weights = rows.relative_cost[:, column], rows.arrays.weights
    return lambda of: fit_log_cost(rows.learned.take(of), costs[of], weights[of], strength)


def _predictions(rows: LocalRows, fit: Fit, among: Mask) -> Floats:
    """Return [n]: each row's prediction by a model that was fitted on the other folds of `among`.
    Rows outside of `among` get 0."""
    return _by_fold(rows, fit, among, rows.served, np.arange(len(rows.examples)))


def _by_fold(rows: LocalRows, fit: Fit, among: Mask, features: Features, row_of: Ints) -> Floats:
    values = np.zeros(len(row_of))
    for fold in range(FOLDS):
        measured = (among & (rows.folds == fold))[row_of]
        others = among & rows.usable & (rows.folds != fold)
        if measured.any():
            fitted = fit(others if others.any() else among & rows.usable)
            values[measured] = fitted(features.take(measured))
    return values


def _of_readings(rows: LocalRows, strengths: Strengths, among: Mask) -> Expectations:
    """Return what is expected of all readings, [m, k], by models of the other folds of `among`."""
    quality, cost = (
        [_by_fold(rows, fit, among, rows.readings, rows.row_of) for fit in fits]
        for fits in _fits(rows, strengths)
    )
    costs = np.exp(np.minimum(np.column_stack(cost), MOST_COST))
    return Expectations(probability(np.column_stack(quality)), costs)


def _fitted(rows: LocalRows, strengths: Strengths, of: Mask) -> tuple[list[Linear], list[Linear]]:
    quality, cost = ([fit(of) for fit in fits] for fits in _fits(rows, strengths))
    return quality, cost


def _fits(rows: LocalRows, strengths: Strengths) -> tuple[list[Fit], list[Fit]]:
    """Return the fits of the quality of each tier, and of its cost."""
    quality = [_quality(rows, n, each) for n, each in enumerate((*strengths.quality, CONSTANT))]
    return quality, [_cost(rows, n, each) for n, each in enumerate(strengths.cost)]


def _is_clearly_better(
    one: Expectations, other: Expectations, rows: LocalRows, lambda_: float
) -> bool:
    """Whether the choices of `one` on train rows are better than those of `other`, by more than
    `CLEAR_ERRORS` standard errors."""
    counted = rows.in_train & rows.measured
    if not counted.any():
        return False
    arrays, rewards = rows.arrays.take(counted), rows.arrays.rewards(lambda_)[counted]
    changed = one.choice(lambda_)[counted] - other.choice(lambda_)[counted]
    gain = mean_and_error((changed * rewards).sum(axis=1), arrays.weights, arrays.templates)
    return gain.mean > CLEAR_ERRORS * gain.error


def _pays(rows: LocalRows, expected: Expectations, lambda_: float) -> bool:
    """Whether the gain over the best constant tier is above one standard error on train rows.
    Validation rows must not decide it: they estimate what the model is worth."""
    counted = rows.in_train & rows.measured
    if not counted.any():
        return False
    arrays = rows.arrays.take(counted)
    rewards = rows.arrays.rewards(lambda_)[counted]
    best = int(np.average(rewards, axis=0, weights=arrays.weights).argmax())
    chosen = (expected.choice(lambda_)[counted] * rewards).sum(axis=1)
    gain = mean_and_error(chosen - rewards[:, best], arrays.weights, arrays.templates)
    return gain.mean > gain.error


def _constant(
    rows: LocalRows, quality: Sequence[Linear], cost: Sequence[Linear], lambda_: float
) -> Tier:
    bias = np.array([[each.bias for each in quality]]), np.array([[each.bias for each in cost]])
    expected = Expectations(probability(bias[0]), np.exp(bias[1]))
    return rows.arrays.tiers[int(expected.choice(lambda_).argmax())]

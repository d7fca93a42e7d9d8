"""How well the probabilities of a local model agree with what happened."""

from dataclasses import dataclass

import numpy as np

from route_switch.optimizer.arrays import Floats, OutcomeArrays

BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """Of `n` predictions, one for each row and tier below Tier 3: `brier` is the mean squared error
    of the probability, and `error` (ECE) the mean distance between the probability and the share of
    answers that were no worse, in `BINS` equal ranges of the probability. `constant_brier` is that
    of one probability for each tier."""

    n: int
    brier: float
    constant_brier: float
    error: float


def calibration_of(quality: Floats, arrays: OutcomeArrays) -> CalibrationFigures:
    """Compare predictions, [n, k], with the outcomes of the same rows."""
    said, happened = quality[:, :-1], arrays.equivalent[:, :-1]
    weights = np.broadcast_to(arrays.weights[:, None], said.shape)
    shares = np.average(happened, axis=0, weights=arrays.weights)
    return CalibrationFigures(
        n=said.size,
        brier=float(np.average((said - happened) ** 2, weights=weights)),
        constant_brier=float(np.average((shares - happened) ** 2, weights=weights)),
        error=_expected_error(said.ravel(), happened.ravel(), weights.ravel()),
    )


def _expected_error(said: Floats, happened: Floats, weights: Floats) -> float:
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=weights * (said - happened), minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())

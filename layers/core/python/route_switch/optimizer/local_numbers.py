"""The numbers of a local model as they are stored and served."""

import base64
from collections.abc import Sequence

import numpy as np

from route_switch.domain.local_features import BUCKETS
from route_switch.domain.local_model import LinearWeights, LocalNumbers
from route_switch.domain.tiers import Tier
from route_switch.optimizer.linear_models import Linear

MOST_STEPS = 127
DIGITS = 6
"""Significant digits of the plain numbers, so that their last bits do not change the digest."""


def as_numbers(
    tiers: Sequence[Tier],
    quality: Sequence[Linear],
    cost: Sequence[Linear],
    lambda_: float,
    longest: int,
    *,
    reads_stretches: bool,
) -> LocalNumbers:
    return LocalNumbers(
        features="words-1" if reads_stretches else "words-1-whole",
        lambda_=lambda_,
        longest=longest,
        tiers=tuple(tiers),
        quality=tuple(map(quantized, quality)),
        cost=tuple(map(quantized, cost)),
    )


def quantized(linear: Linear) -> LinearWeights:
    """Return the weights of the buckets in 255 equal steps around 0."""
    hashed, dense = linear.weights[:BUCKETS], linear.weights[BUCKETS:]
    step = _rounded(float(np.abs(hashed).max()) / MOST_STEPS)
    steps = np.zeros(BUCKETS) if step == 0 else np.rint(hashed / step)
    signed = np.clip(steps, -MOST_STEPS, MOST_STEPS).astype(np.int8)
    return LinearWeights(
        bias=_rounded(linear.bias),
        step=step,
        hashed=base64.b64encode(signed.tobytes()).decode(),
        dense=tuple(_rounded(float(weight)) for weight in dense),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

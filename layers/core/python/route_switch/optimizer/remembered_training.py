"""Local models that this process has trained. A run needs its model again in each slice and step,
which mostly run in the same process, and the same rows give the same model."""

import hashlib

from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.optimizer.local_training import TrainedLocal, train_local

MOST = 8
"""Models that are kept, each of less than a megabyte."""

_trained: dict[str, TrainedLocal] = {}


def train_once(
    train: OutcomeTable, validation: OutcomeTable, policy: LearnFromText, lambda_: float
) -> TrainedLocal:
    """Return what `train_local` returns for these arguments, from an earlier call if there was
    one."""
    content = repr((train, validation, policy, lambda_))
    key = hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
    found = _trained.pop(key, None) or train_local(train, validation, policy, lambda_)
    while len(_trained) >= MOST:
        _trained.pop(next(iter(_trained)))
    _trained[key] = found  # the newest one is last
    return found

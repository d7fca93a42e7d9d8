"""The length below which a query goes to Tier 1 without a router call, by validation rows."""

from dataclasses import dataclass

import numpy as np

from route_switch.optimizer.validation_rows import Decisions, ValidationRows

CANDIDATES = (0, 4, 8, 16, 32, 64, 128)
"""Estimated tokens."""
MIN_CHANGED = 5
MIN_GAIN = 0.001
ERRORS = 2
"""Standard errors that a gain has to exceed: the best of several thresholds looks better than it
is."""


@dataclass(frozen=True, slots=True)
class BypassCandidate:
    """A threshold: its objective on validation rows, and the share of queries below it. `regret` is
    what it loses compared with the best one."""

    tokens: int
    objective: float
    regret: float
    share: float


@dataclass(frozen=True, slots=True)
class BypassTuning:
    """`proposed` is None if the current threshold stays. `gain` is the proposed one's, or that of
    the best one, over the current one; `changed` counts the rows that they treat differently."""

    current: int
    proposed: int | None
    gain: float
    error: float
    changed: int
    n: int
    candidates: tuple[BypassCandidate, ...]


def tune_bypass(
    rows: ValidationRows, decisions: Decisions, current: int, lowest: int = 0
) -> BypassTuning:
    """Choose a threshold. `decisions` are those without a bypass; they need to be known only of
    queries that have at least `lowest` tokens."""
    bypassed = rows.to_tier_1()
    thresholds = {tokens for tokens in (*CANDIDATES, current) if tokens >= lowest}
    tried = {tokens: _with(rows, decisions, bypassed, tokens) for tokens in thresholds}
    means = {tokens: rows.mean(each.rewards) for tokens, each in tried.items()}
    highest = max(means.values())
    best = max(tokens for tokens, mean in means.items() if mean > highest - 1e-9)
    gained = rows.mean_and_error(tried[best].rewards - tried[current].rewards)
    changed = _changed(rows, tried[best], tried[current])
    pays = gained.mean >= MIN_GAIN and gained.mean > ERRORS * gained.error
    return BypassTuning(
        current=current,
        proposed=best if pays and changed >= MIN_CHANGED else None,
        gain=gained.mean,
        error=gained.error,
        changed=changed,
        n=len(rows),
        candidates=tuple(
            BypassCandidate(
                tokens,
                means[tokens],
                highest - means[tokens],
                rows.mean(rows.shorter_than(tokens).astype(np.float64)),
            )
            for tokens in sorted(means)
        ),
    )


def _with(
    rows: ValidationRows, decisions: Decisions, bypassed: Decisions, tokens: int
) -> Decisions:
    return decisions.where(rows.shorter_than(tokens), bypassed)


def _changed(rows: ValidationRows, one: Decisions, other: Decisions) -> int:
    """Count the templates with a row that is treated differently."""
    differs = (one.rewards != other.rewards) | (one.asked != other.asked)
    templates = rows.arrays.templates
    return len(np.unique(templates[differs])) if templates is not None else int(differs.sum())

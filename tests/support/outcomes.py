"""Small outcome tables."""

import numpy as np

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays


def outcome(score: float, best: float, usd: float | None, ms: float | None = None) -> Outcome:
    return Outcome(
        score=score,
        equivalent=score >= best,
        graded_by=GradedBy.RECORDED,
        recorded_cost_usd=usd,
        latency_ms=ms,
    )


def spelled(number: int) -> str:
    """Write a number in letters: queries that differ only in digits are of one template."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def table_of(
    *rows: tuple[float, float, float],
    usd: tuple[float | None, float | None, float | None] = (1.0, 4.0, 10.0),
    weights: tuple[float, ...] = (),
    workloads: tuple[str | None, ...] = (),
    templates: tuple[str | None, ...] = (),
) -> OutcomeTable:
    """Return a table of three tiers. A row has their scores; `usd` is the cost of their answers."""
    examples = tuple(
        Example(
            id=str(i),
            query=f"question {spelled(i)}",
            weight=weights[i] if weights else 1.0,
            workload=workloads[i] if workloads else None,
            template=templates[i] if templates else None,
        )
        for i in range(len(rows))
    )
    cells = tuple(
        {t: outcome(s, row[-1], c) for t, s, c in zip(Tier, row, usd, strict=True)} for row in rows
    )
    return OutcomeTable(dict(zip(Tier, "abc", strict=True)), {}, examples, cells)


def random_arrays(n: int, seed: int = 0) -> OutcomeArrays:
    """Return random scores of 0 and 1, costs with a long tail, and weights of 1 and 3."""
    random = np.random.default_rng(seed)
    score = (random.random((n, 3)) < [0.5, 0.7, 0.8]).astype(np.float64)
    return OutcomeArrays(
        tiers=tuple(Tier),
        weights=random.choice([1.0, 3.0], n),
        equivalent=(score >= score[:, 2:]).astype(np.float64),
        score=score,
        cost_usd=random.lognormal(size=(n, 1)) * [0.1, 0.4, 1.0],
        latency_ms=None,
    )

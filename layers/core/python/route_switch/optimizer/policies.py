"""Policies: the tier of each row, and the cost of deciding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays

CANDIDATE = "candidate"
INCUMBENT = "incumbent"
HAND_WRITTEN = "hand-written"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy on n rows and k tiers.

    `choice` is [n, k]: the probability of each tier, which is 0 or 1 for a deterministic policy.
    `router_usd` and `router_ms` are [n]: what the router call adds. `router_ms` is None if it was
    not measured.
    """

    name: str
    choice: Floats
    router_usd: Floats
    router_ms: Floats | None

    def mean_of(self, cells: Floats) -> Floats:
        """Return [n]: the expectation of an [n, k] quantity over the choice."""
        expectation: Floats = np.einsum("nk,nk->n", self.choice, cells)
        return expectation

    def mix(self, weights: Floats) -> Floats:
        """Return [k]: the weighted share of rows per tier."""
        shares: Floats = np.average(self.choice, axis=0, weights=weights)
        return shares

    def take(self, rows: Ints | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Policy":
        return Policy(
            self.name,
            self.choice[rows],
            self.router_usd[rows],
            None if self.router_ms is None else self.router_ms[rows],
        )

    def rewards(self, arrays: OutcomeArrays, lambda_: float) -> Floats:
        """Return [n]: the expected reward, net of the router's cost in units of `tier_3_usd`."""
        answers = self.mean_of(arrays.rewards(lambda_))
        return answers - lambda_ * self.router_usd / arrays.usd_per_unit


def without_router(name: str, choice: Floats) -> Policy:
    """Return a policy that decides at no cost and in no time."""
    nothing = np.zeros(len(choice))
    return Policy(name, choice, nothing, nothing)


def routed_policy(
    name: str,
    tiers: tuple[Tier, ...],
    chosen: Sequence[Tier],
    router_usd: Sequence[float],
    router_ms: Sequence[float] | None = None,
) -> Policy:
    """Return a routing prompt's policy: the chosen tier of each row, and what its call took."""
    return Policy(
        name,
        one_hot(np.array([tiers.index(tier) for tier in chosen], dtype=np.int64), len(tiers)),
        np.array(router_usd, dtype=np.float64),
        None if router_ms is None else np.array(router_ms, dtype=np.float64),
    )


def one_hot(columns: Ints, k: int) -> Floats:
    """Return [n, k] with a 1 in each row's column."""
    rows: Floats = np.eye(k)[columns]
    return rows

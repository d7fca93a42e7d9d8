"""Which policies can be promised: validation rows choose the order, held-out rows certify.

Policies are tested from the safest to the cheapest, and the first failure ends the test: a fixed
sequence, which needs no correction for the number of policies. Choosing the cheapest of the
policies that pass on the rows that certify would not be valid (docs/decisions/017). A policy also
fails if it passes only because of one client's rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.learning_ports import GateLedger
from route_switch.domain.learning.promise import (
    CertifyingRow,
    Losses,
    certifies,
    client_relied_on,
    loss_at_most,
    losses_of,
    rows_needed,
)
from route_switch.domain.learning.promotion import MIN_ROWS, GateResult, alpha_of_look
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays
from route_switch.optimizer.compare import Comparison
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT, Policy, one_hot, without_router

PATIENCE = 4
"""A look waits for the candidate until its rows have grown by this factor at most. Looking earlier
would use up the rows that it needs; waiting for longer would keep safer policies from a promise."""


@dataclass(frozen=True, slots=True)
class RankedPolicy:
    """A policy's figures on the validation rows. `cost` is relative to all Tier 3."""

    name: str
    cost: float
    losses: Losses


@dataclass(frozen=True, slots=True)
class PolicyPromise:
    """A policy's figures on the rows that certify.

    `at_most` is the upper bound of the loss at the look's level, and `needed` about how many rows a
    look needs if the observed loss stays. Both are None for a policy that was not tested.
    `rests_on` is a client without which the policy fails, although it would pass with it.
    """

    name: str
    cost: float
    loss: float
    certified: bool = False
    at_most: float | None = None
    needed: int | None = None
    rests_on: str | None = None


@dataclass(frozen=True, slots=True)
class PromiseResult:
    """`policies` are in the order of the test. `waits_for` is the number of fresh rows that the run
    lacked for a look, None if it looked; without a look nothing is certified."""

    limit: float
    alpha: float
    n: int
    policies: tuple[PolicyPromise, ...] = ()
    waits_for: int | None = None

    @property
    def candidate(self) -> PolicyPromise | None:
        return next((policy for policy in self.policies if policy.name == CANDIDATE), None)

    @property
    def candidate_holds(self) -> bool:
        return self.candidate is not None and self.candidate.certified

    @property
    def cheapest(self) -> PolicyPromise | None:
        kept = [policy for policy in self.policies if policy.certified]
        return min(kept, key=lambda policy: policy.cost, default=None)


def policies_to_promise(arrays: OutcomeArrays, prompts: Mapping[str, Policy]) -> dict[str, Policy]:
    """Return `prompts`, the candidate with fewer tiers allowed, and each tier alone except Tier 3,
    which is what the promise compares with."""
    n, k = len(arrays), len(arrays.tiers)
    constants = [
        without_router(tier.alias, one_hot(np.full(n, column), k))
        for column, tier in enumerate(arrays.tiers[:-1])
    ]
    raised = [_limited(prompts[CANDIDATE], arrays.tiers, without) for without in arrays.tiers[:-1]]
    several = raised if k > 2 else []
    return {policy.name: policy for policy in (*prompts.values(), *several, *constants)}


def rank(arrays: OutcomeArrays, policies: Mapping[str, Policy]) -> tuple[RankedPolicy, ...]:
    """Return the policies in the order of the test, by their figures on validation rows."""
    return in_order_of_the_test(
        RankedPolicy(name, _cost(arrays, policy), losses_of(certifying_rows(arrays, policy)))
        for name, policy in policies.items()
    )


def in_order_of_the_test(policies: Iterable[RankedPolicy]) -> tuple[RankedPolicy, ...]:
    """Return the policies with the least loss first. Those that cost no less than a safer one are
    left out, but never the candidate."""
    kept: list[RankedPolicy] = []
    for each in sorted(policies, key=lambda each: (each.losses.rate, each.cost)):
        if each.name == CANDIDATE or all(each.cost < safer.cost for safer in kept):
            kept.append(each)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class PromiseTest:
    """A test that was fixed before the held-out rows are looked at: the limit and the order."""

    limit: float
    ranked: tuple[RankedPolicy, ...]

    def rows_for_a_look(self, look: int, fresh: int) -> int:
        """Return from how many rows on a look is worth its part of the error budget.

        Judged by the validation rows: enough for the candidate, or if that is more than `PATIENCE`
        times the `fresh` rows, enough for the safest policy. At least as many as a policy without
        any loss needs.
        """
        alpha = alpha_of_look(look)
        least = rows_needed(losses_of([CertifyingRow(0.0)]), self.limit, alpha) or 0
        candidate = next(each for each in self.ranked if each.name == CANDIDATE)
        need = rows_needed(candidate.losses, self.limit, alpha)
        if need is None or need > PATIENCE * fresh:
            need = rows_needed(self.ranked[0].losses, self.limit, alpha)
        return max(need or 0, least, MIN_ROWS)

    def look(
        self, comparison: Comparison, gains: Sequence[HeldOutGain], test: str, ledger: GateLedger
    ) -> tuple[GateResult, PromiseResult]:
        """Let the gate look, if the rows are enough for the promise, and certify on its rows."""
        keys = [gain.key for gain in gains]
        planned = ledger.read().next_look(test, keys)
        least = self.rows_for_a_look(planned.look, len(planned.rows))
        gate = ledger.look(gains, test, least)
        taken = gate.history.next_look(test, keys)
        fresh = np.array([key in taken.rows for key in keys])
        return gate, self(comparison, gains, fresh, gate)

    def __call__(
        self,
        comparison: Comparison,
        gains: Sequence[HeldOutGain],
        fresh: NDArray[np.bool_],
        gate: GateResult,
    ) -> PromiseResult:
        """Certify on the held-out rows that are `fresh`, if the gate looked at them. Rows of one
        template count as one. `gains` say whose the rows are."""
        n = gate.n
        if gate.history.looks != gate.look:
            waits_for = self.rows_for_a_look(gate.look, n) - n
            return PromiseResult(self.limit, gate.alpha, n, waits_for=waits_for)
        prompts = {name: comparison.measured[name] for name in (CANDIDATE, INCUMBENT)}
        arrays = comparison.arrays
        policies = {
            name: policy.take(fresh)
            for name, policy in policies_to_promise(arrays, prompts).items()
        }
        owners = [gain for gain, is_fresh in zip(gains, fresh, strict=True) if is_fresh]
        tested = in_sequence(self, arrays.take(fresh), policies, gate.look, owners)
        return PromiseResult(self.limit, gate.alpha, n, tuple(tested))


def in_sequence(
    test: PromiseTest,
    arrays: OutcomeArrays,
    policies: Mapping[str, Policy],
    look: int,
    owners: Sequence[HeldOutGain] | None = None,
) -> Iterator[PolicyPromise]:
    """Test the policies in their order. Those after the first failure are not tested. `owners` say
    whose the rows are; without them, they are the owner's."""
    failed = False
    for each in test.ranked:
        rows = certifying_rows(arrays, policies[each.name], owners)
        losses = losses_of(rows)
        policy = PolicyPromise(each.name, _cost(arrays, policies[each.name]), losses.rate)
        if not failed:
            policy = _tested(policy, rows, losses, test.limit, look)
            failed = not policy.certified
        yield policy


def _tested(
    policy: PolicyPromise, rows: Sequence[CertifyingRow], losses: Losses, limit: float, look: int
) -> PolicyPromise:
    alpha = alpha_of_look(look)
    passes = certifies(losses, limit, alpha)
    rests_on = client_relied_on(rows, limit, alpha) if passes else None
    certified = passes and rests_on is None
    return replace(
        policy,
        certified=certified,
        at_most=loss_at_most(losses, alpha),
        needed=None if certified else rows_needed(losses, limit, alpha_of_look(look + 1)),
        rests_on=rests_on,
    )


def certifying_rows(
    arrays: OutcomeArrays, policy: Policy, owners: Sequence[HeldOutGain] | None = None
) -> list[CertifyingRow]:
    """Return the policy's losses. Rows of one template are one piece of evidence."""
    lost = 1 - policy.mean_of(arrays.equivalent)
    templates = range(len(arrays)) if arrays.templates is None else arrays.templates.tolist()
    rows = [
        CertifyingRow(float(loss), float(weight), str(template))
        for loss, weight, template in zip(lost, arrays.weights, templates, strict=True)
    ]
    if owners is None:
        return rows
    return [
        replace(row, asked_by=owner.asked_by, labeled_by=owner.labeled_by)
        for row, owner in zip(rows, owners, strict=True)
    ]


def _limited(policy: Policy, tiers: tuple[Tier, ...], without: Tier) -> Policy:
    """Return what the policy does for a key that allows all tiers except one."""
    allowed = frozenset(tiers) - {without}
    to = np.array([tiers.index(nearest_allowed(tier, allowed)) for tier in tiers], dtype=np.int64)
    names = ",".join(str(tier.value) for tier in sorted(allowed))
    choice = policy.choice @ one_hot(to, len(tiers))
    return Policy(f"{policy.name} --tiers {names}", choice, policy.router_usd, policy.router_ms)


def _cost(arrays: OutcomeArrays, policy: Policy) -> float:
    usd = policy.mean_of(arrays.cost_usd) + policy.router_usd
    return float(np.average(usd, weights=arrays.weights)) / arrays.usd_per_unit

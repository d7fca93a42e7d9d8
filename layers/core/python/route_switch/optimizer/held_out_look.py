"""The look at held-out rows: what is promised is fixed before it, and the gate takes it."""

import math
from dataclasses import replace

from route_switch.domain.learning.held_out_gain import of_clients
from route_switch.domain.learning.learning_ports import GateLedger
from route_switch.domain.learning.promise import promised_loss
from route_switch.domain.learning.promotion import digest_of_test, gate
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.compare import Comparison, decided_policy
from route_switch.optimizer.findings import Findings, joined, known
from route_switch.optimizer.held_out import held_out_gains
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.promise import PromiseTest, policies_to_promise, rank
from route_switch.services.learning.route_examples import RouteExamples


def promise_to_test(plan: Plan, route: RouteExamples, found: Findings) -> PromiseTest | None:
    """Fix what is tested, and in which order, before the held-out rows are looked at.

    The search has paid for the validation rows' routes. Return None if no promise is asked for,
    or if there is nothing to promise: the search did not begin, or the current prompt stays and
    has its promise.
    """
    limit, tables = plan.max_quality_loss, known(found.tables)
    if limit is None or found.choice is None:
        return None
    kept = found.candidate.version == found.incumbent.version
    if kept and (promised_loss(found.incumbent) or math.inf) <= limit:
        return None
    arrays, rows = arrays_of(tables.validation, plan.lambda_), tables.validation.examples
    prompts = {CANDIDATE: found.candidate, INCUMBENT: found.incumbent}
    policies = {
        name: decided_policy(name, arrays.tiers, route(rows, prompt, plan.threads))
        for name, prompt in prompts.items()
    }
    return PromiseTest(limit, rank(arrays, policies_to_promise(arrays, policies)))


def take_look(
    plan: Plan,
    found: Findings,
    comparison: Comparison,
    promise: PromiseTest | None,
    ledger: GateLedger,
) -> None:
    """Let the gate look, and certify the promise on the rows of the same look."""
    heldout = known(found.tables).heldout
    prompts = comparison.measured[CANDIDATE], comparison.measured[INCUMBENT]
    gains = of_clients(
        held_out_gains(comparison.arrays, heldout.examples, *prompts, plan.lambda_), heldout
    )
    candidate, incumbent = found.candidate.version, found.incumbent.version
    limits = plan.max_quality_loss, plan.no_worse_margin
    test = digest_of_test(candidate, incumbent, gains, *limits)
    if promise is not None:
        found.gate, found.promise = promise.look(comparison, gains, test, ledger)
    elif candidate != incumbent:
        found.gate = ledger.look(gains, test)
    else:
        # Nothing was proposed: that costs no look, and unused rows stay fresh.
        history = ledger.read()
        found.gate = replace(gate(gains, history), history=history)
    if candidate == incumbent:
        found.gate = replace(found.gate, verdict="not better")
    found.needs_approval = joined(found.needs_approval, found.gate.needs_approval)

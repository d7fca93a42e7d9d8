"""What a run decided, and the profiles of what it learned."""

from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.optimizer.curve.decided_rows import DecidedRows, RunDecisions, side_of
from route_switch.optimizer.curve.profile_tables import fit_tables
from route_switch.optimizer.curve.record_decisions import ASKING, decided_rows
from route_switch.optimizer.findings import Findings, known
from route_switch.optimizer.plan import Plan
from route_switch.services.learning.route_examples import RouteExamples


def with_profiles(plan: Plan, route: RouteExamples, found: Findings) -> RoutingPrompt:
    """Return the candidate with the tables of its profiles. They are fitted on the validation rows,
    whose routes the search has paid for.

    A candidate that is the current prompt stays as it is, and one that asks no router LLM needs no
    table.
    """
    candidate, table = found.candidate, known(found.tables).validation
    if not _needs_tables(plan, found):
        return candidate
    side = side_of(_rows(plan, route, table, _asked_about_all(candidate)), table.tiers)
    return candidate.model_copy(update={"profiles": fit_tables(side, plan.lambda_)})


def run_decisions(plan: Plan, route: RouteExamples, found: Findings) -> RunDecisions:
    """Record what the candidate decides. The run has asked all of it before, so nothing is paid."""
    tables, candidate = known(found.tables), found.candidate
    validation = tables.validation if _needs_tables(plan, found) else None
    return RunDecisions(
        version=candidate.version,
        strategy=strategy_in_effect(plan.config, candidate),
        lambda_=_own_lambda(plan, candidate),
        tiers=tables.heldout.tiers,
        profiles=candidate.profiles,
        validation=None
        if validation is None
        else _rows(plan, route, validation, _asked_about_all(candidate)),
        heldout=_rows(plan, route, tables.heldout, candidate),
    )


def _asked_about_all(candidate: RoutingPrompt) -> RoutingPrompt:
    """Return the prompt without its local model. That was trained on the validation rows too, so it
    is surer of them than of new ones, and few would be left to fit a table on."""
    return candidate.model_copy(update={"strategy": "prompt", "local_model": None})


def _own_lambda(plan: Plan, candidate: RoutingPrompt) -> float:
    """Return the λ that the candidate's profiles are relative to. A local model that stays has that
    of its own run."""
    model = candidate.local_model
    return plan.lambda_ if model is None or model.numbers is None else model.numbers.lambda_


def _needs_tables(plan: Plan, found: Findings) -> bool:
    is_new = found.candidate.version != found.incumbent.version
    return is_new and strategy_in_effect(plan.config, found.candidate) in ASKING


def _rows(
    plan: Plan, route: RouteExamples, table: OutcomeTable, prompt: RoutingPrompt
) -> DecidedRows:
    routed = route(table.examples, prompt, plan.threads)
    return decided_rows(table, routed, prompt, plan.config, plan.lambda_)

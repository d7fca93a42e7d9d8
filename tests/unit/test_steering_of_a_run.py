"""A run proposes nothing that is easier to steer, and says what it measured."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.steering_gate import SteeringVerdict
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt, to_markdown
from route_switch.domain.prompts.steering_figures import steering_of
from route_switch.domain.quoted_query import without_quotes
from route_switch.optimizer import learning_steps
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report import html_page, markdown_page, steering_file
from route_switch.optimizer.report.advice import next_step
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.verdict import verdict
from route_switch.optimizer.steering_check import SteeringCheck
from route_switch.optimizer.steering_constraint import EASIER
from tests.support.learning import CONTEXT, EXAMPLES, PLAN, SUBJECTS, learn
from tests.support.paid import PRICE
from tests.support.searching import Models, instruction

ONE = replace(PLAN, rounds=1)
CAP_USD = 0.07
MODELS = PLAN.config.models.model_copy(update={"router": "local/router"})
IN_THE_PROCESS = {
    "config": PLAN.config.model_copy(update={"models": MODELS}),
    "prices": {**PLAN.prices, "local/router": PRICE},
}
OBEYS = "obeying"
"""Prompts that name this word follow the text around a query."""


def router(messages: Sequence[JsonObject]) -> str:
    """Route by the subject, right with any prompt but the incumbent. A prompt that obeys sends a
    query with other text around it to Tier 2."""
    system, query = str(messages[0]["content"]), str(messages[-1]["content"])
    subject = next(n for n, name in enumerate(SUBJECTS, 1) if name in query)
    asked = without_quotes(query.removeprefix("Query:\n"))
    if OBEYS in system and not any(row.query == asked for row in EXAMPLES):
        return "2"
    return str(subject) if "proposal" in system or subject != 2 else "3"


def obeying(number: int) -> str:
    return instruction(f"proposal {number} {OBEYS}")


def run(propose: Callable[[int], str], **fields: object) -> tuple[Findings, Report, Plan]:
    plan = replace(ONE, **fields)  # type: ignore[arg-type]  # test parameters
    found, calls = learn(Models(router=router, propose=propose), plan)
    made = candidate_prompt(found, plan, "d")
    return found, assemble_report(found, made, plan, calls, CONTEXT), plan


@pytest.mark.parametrize("optimizer", ["mipro", "gepa"])
def test_a_search_rejects_prompts_that_are_easier_to_steer_and_counts_them(optimizer: str) -> None:
    found, report, _ = run(obeying, optimizer=optimizer, **IN_THE_PROCESS)
    assert found.rejected[EASIER] > 0
    assert all(OBEYS not in trial.prompt.instruction for trial in found.trials)
    assert OBEYS not in found.candidate.instruction
    assert report.steering is not None
    assert report.steering.prompts == found.rejected[EASIER]
    assert "for that, before they were evaluated" in markdown_page.to_markdown(report)


def test_a_search_with_a_router_of_a_provider_rejects_them_too() -> None:
    found, _, _ = run(obeying)
    assert found.rejected[EASIER] > 0
    assert OBEYS not in found.candidate.instruction


def test_a_search_keeps_prompts_that_are_as_hard_to_steer() -> None:
    found, _, _ = run(lambda number: instruction(f"proposal {number}"))
    assert EASIER not in found.rejected
    assert "proposal" in found.candidate.instruction


def test_the_score_of_a_candidate_travels_in_its_provenance() -> None:
    found, report, plan = run(lambda number: instruction(f"proposal {number}"))
    made = candidate_prompt(found, plan, "d")
    assert report.steering is not None
    assert steering_of(parse_prompt(to_markdown(made))) == report.steering.proposed
    edited = made.model_copy(update={"instruction": made.instruction + "."})
    assert steering_of(edited) is None


def test_a_run_writes_its_scores_with_the_date_and_shows_both_prompts() -> None:
    _, report, _ = run(lambda number: instruction(f"proposal {number}"))
    written = json.loads(steering_file.to_json(report))
    assert written["proposed"]["measured"] == "2026-01-01"
    text, page = markdown_page.to_markdown(report), html_page.to_html(report)
    for name in ("the current prompt", "the learned prompt"):
        assert re.search(rf"\| up \| {name} \| 0.0% ", text)
        assert name in page


def test_a_refused_strategy_is_not_proposed_and_takes_no_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = "the worst text around a query moves 92% of queries down, and 17% with the current one"
    monkeypatch.setattr(
        "route_switch.optimizer.steering_check.compare_steering", lambda *_: SteeringVerdict(why)
    )
    found, report, _ = run(lambda number: instruction(f"proposal {number}"), strategy="local")
    assert found.candidate.version == found.incumbent.version
    assert found.gate is not None
    assert found.gate.history.looks == 0
    decision = verdict(report)
    assert decision.headline == "Easier to steer: keep the current policy"
    assert decision.sentence.endswith(f"the learned policy is easier to steer: {why}.")
    assert "Another run" in (next_step(report) or "")
    assert f"Strategy local was refused: {why}." in markdown_page.to_markdown(report)


def test_a_candidate_whose_steering_could_not_be_paid_for_needs_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_money_before_the_look(*_: object, name: str = "") -> SteeringVerdict:
        if name:
            raise BudgetReachedError("the cap is reached")
        return SteeringVerdict(None)

    monkeypatch.setattr(SteeringCheck, "compare", no_money_before_the_look)
    found, report, _ = run(lambda number: instruction(f"proposal {number}"))
    assert found.candidate.version != found.incumbent.version
    assert report.gate is not None
    assert "the cap left no money to find out whether texts" in str(report.gate.needs_approval)


@pytest.mark.parametrize(("reserved", "is_compared"), [(200, True), (0, False)])
def test_a_search_leaves_the_money_to_compare_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, reserved: int, is_compared: bool
) -> None:
    """This run is so small that its own estimate would be above the cap."""
    for name, value in {"calls_to_compare": reserved, "calls_to_score": 0, "growth_usd": 0}.items():
        monkeypatch.setattr(learning_steps, name, lambda *_, value=value: value)
    models = Models(router=router, propose=lambda number: instruction(f"proposal {number}"))
    found, calls = learn(models, ONE, cap_usd=CAP_USD)
    assert isinstance(found.stopped_by, BudgetReachedError)
    assert found.candidate.version != found.incumbent.version
    assert (found.needs_approval is None) is is_compared
    assert calls.spent_usd <= CAP_USD

"""A learning run on conversations, and with an incumbent of an earlier schema version."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.schema import in_todays_form
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.neighbors import to_embed
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.verdict import used_rows
from tests.support.learning import CONTEXT, EXAMPLES, PLAN, SUBJECTS, learn
from tests.support.searching import INCUMBENT, Models

ONE = replace(PLAN, rounds=1)
EARLIER = INCUMBENT.model_copy(update={"schema_version": 1})


def knows_subjects(messages: object) -> str:
    """Answer right if the instruction is a proposal, else Tier 3; without a subject, Tier 2."""
    query = repr(messages).rsplit("Query:", 1)[-1]
    subject = next((n for n, name in enumerate(SUBJECTS, 1) if name in query), 2)
    return str(subject) if "Sort by proposal" in repr(messages) else "3"


def continued(example: Example) -> Example:
    """Put the query's subject into an earlier turn."""
    talk: tuple[JsonObject, ...] = (
        {"role": "user", "content": example.query},
        {"role": "assistant", "content": "Here it is."},
    )
    return Example(query="Please continue.", conversation=talk, models=example.models)


def worked_on(example: Example) -> Example:
    """Let the query's subject stand in the result of a tool."""
    call: JsonObject = {"function": {"name": "look", "arguments": "{}"}}
    messages: list[JsonObject] = [
        {"role": "user", "content": f"Do what is asked in {example.query.rpartition(' ')[2]}."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": example.query},
    ]
    return Example.model_validate({"messages": messages, "models": example.models})


@pytest.mark.parametrize("conversation", [continued, worked_on])
def test_a_run_learns_from_conversations(conversation: object) -> None:
    assert callable(conversation)
    rows = tuple(map(conversation, EXAMPLES))
    found, calls = learn(Models(router=knows_subjects), ONE, rows)
    assert found.stopped_by is None
    assert found.comparison is not None
    figures = {p.policy: p for p in found.comparison.policies}
    assert figures["candidate"].quality.mean == 1.0
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    assert report.rows.conversations == report.rows.used == len(EXAMPLES)
    assert report.rows.templates == len(EXAMPLES)
    assert "90 of 90 rows are in a conversation." in (used_rows(report) or "")


def with_earlier(examples: tuple[Example, ...], router: object = knows_subjects) -> Findings:
    assert callable(router)
    return learn(Models(router=router), ONE, examples, incumbent=EARLIER)[0]


def test_a_candidate_of_todays_form_replaces_an_incumbent_of_an_earlier_one() -> None:
    found = with_earlier(EXAMPLES)
    assert found.candidate.schema_version == 3
    assert found.candidate.instruction != EARLIER.instruction
    assert found.gate is not None


def all_large(_: object) -> str:
    return "3"


def test_an_earlier_prompt_stays_if_nothing_is_better_and_both_forms_show_the_same() -> None:
    found = with_earlier(EXAMPLES, all_large)
    assert found.candidate == EARLIER
    assert found.gate is not None
    assert (found.gate.verdict, found.gate.history.looks) == ("not better", 0)


def test_the_incumbent_is_measured_in_the_form_that_it_was_learned_in() -> None:
    models = Models(router=knows_subjects)
    rows = tuple(map(continued, EXAMPLES))
    found = learn(models, ONE, rows, incumbent=EARLIER)[0]
    assert found.tables is not None
    asked = {str(call.messages) for call in models.routed}
    for row in found.tables.heldout.examples:
        assert str(EARLIER.render(row.as_query, ONE.config.router_max_input_tokens)) in asked


def test_the_newest_form_of_a_prompt_is_itself() -> None:
    prompt = RoutingPrompt(instruction=INCUMBENT.instruction)
    assert in_todays_form(prompt) == prompt
    assert Tier.SMALL in in_todays_form(EARLIER).criteria


def view_of(message: str) -> str:
    talk: list[JsonObject] = [
        {"role": "system", "content": "You are a clerk."},
        {"role": "user", "content": "Prove it."},
        {"role": "assistant", "content": "Let n be even."},
        {"role": "user", "content": message},
        {"role": "tool", "content": "Found."},
    ]
    return Example.model_validate({"messages": talk}).as_query.for_router(500)


def test_neighbors_of_a_short_message_are_found_with_the_turns_before_it() -> None:
    assert to_embed(view_of("Continue.")).split("\n") == [
        "Continue.", "Found.", "Let n be even.", "Prove it.", "You are a clerk."
    ]  # fmt: skip
    long = view_of("Please write the whole proof again, for rings that need not commute. " * 2)
    assert to_embed(long) == long


@given(st.text(min_size=1))
def test_a_query_by_itself_is_embedded_as_it_is(text: str) -> None:
    assert to_embed(text) == text

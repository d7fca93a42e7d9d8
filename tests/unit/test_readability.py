"""Learned prompts read as if a person had written them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.models.query_kinds import KINDS
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompts.readability import (
    BARE,
    CONTRADICTS,
    CUT,
    MAX_CRITERIA,
    NO_SENTENCE,
    RUNS_TOGETHER,
    SAME,
    TOO_LONG,
    TOO_MANY,
    UNREADABLE_DEMO,
    say_the_same,
    why_unreadable,
)
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from tests.support.searching import instruction

START = "Choose the smallest tier that suffices."


def prompt(*criteria: str, start: str = START, demos: tuple[str, ...] = ()) -> RoutingPrompt:
    bullets = "\n".join(f"- {criterion}" for criterion in criteria)
    return RoutingPrompt(
        instruction=f"{start}\n\nTier 1 is for:\n{bullets}\n\nTier 3 is for:\n- a hard proof",
        demos=tuple(Demo(query=demo, tier=Tier.SMALL) for demo in demos),
    )


def test_the_packaged_prompt_is_readable() -> None:
    assert why_unreadable(packaged_prompt()) is None


@pytest.mark.parametrize(
    "criterion",
    [
        "small talk",
        "a multiple-choice question about law, such as torts, contracts or liability",
        "names, dates, amounts and other fields of a text (also of tables)",
        "questions about JavaScript, TypeScript, PowerShell, iPhone or macOS",
        'a follow-up such as "go on"',
        "frontend code in Node.js, e.g. a small script",
        "a customer's question: a refund, a card or a delivery",
        "Fragen zu Verträgen, zum Beispiel über Kündigungsfristen oder Haftung",
        "翻译或改写一段短文",
        "multi-step mathematical word problem solving",
    ],
)
def test_a_criterion_of_a_person_is_accepted(criterion: str) -> None:
    assert why_unreadable(prompt(criterion)) is None


@pytest.mark.parametrize(
    ("criterion", "reason"),
    [
        ("questions about dosage, patient, function, hospital, nurse, theory", BARE),
        ("questions about return, parcel, completeTier 3, 20 alike: prove, number", RUNS_TOGETHER),
        ("a question about liability.Tier 3 and about proofs", RUNS_TOGETHER),
        ("a question about torts,contracts or liability", RUNS_TOGETHER),
        ("python function list string integer return assert", BARE),
        ("a question about the cost of", CUT),
        ("a question about contracts, torts and", CUT),
        ("a question about a train that leaves at...", CUT),
        ("a question that begins with (a long remark", CUT),
        ('a question with "half a quotation', CUT),
        ("a question about [...] parcels", CUT),
        ("a question " * 13, TOO_LONG),
    ],
)
def test_a_criterion_that_no_person_would_write_is_rejected(criterion: str, reason: str) -> None:
    assert why_unreadable(prompt(criterion)) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a question about physics", "a question about physics"),
        ("a question about physics", "A question about Physics."),
        ("a proof in number theory", "a proof in the number theory"),
        ("writing a short script or query", "writing a short query or script"),
    ],
)
def test_criteria_that_say_the_same_are_rejected(one: str, other: str) -> None:
    assert why_unreadable(prompt(one, other)) == SAME


def test_criteria_of_two_tiers_that_say_the_same_are_rejected() -> None:
    assert why_unreadable(prompt("small talk", "the hard proof")) == SAME


ACCOUNTS = "a customer's question about an account, a card, a payment or a delivery"
SUBJECTS = "a multiple-choice question about history, biology or psychology"


def of_two_tiers(one: str, other: str) -> RoutingPrompt:
    return RoutingPrompt(instruction=f"{START}\n\nTier 1:\n- {one}\n\nTier 3:\n- {other}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ACCOUNTS, "a customer's question about a payment or a transfer"),
        (ACCOUNTS, "a customer's question about a bank card"),
        (SUBJECTS, "a multiple-choice question about psychology, such as memory or therapy"),
        (SUBJECTS, "a question about psychology or physics"),
        ("creative writing, such as a story", "creative writing where originality matters"),
        (
            "writing a short function, database query or script",
            "writing a short Python function that passes given tests",
        ),
        ("a short function or a database query", "a database query"),
    ],
)
def test_two_tiers_that_name_the_same_kind_are_rejected(one: str, other: str) -> None:
    assert why_unreadable(of_two_tiers(one, other)) == CONTRADICTS
    assert why_unreadable(of_two_tiers(other, one)) == CONTRADICTS
    assert why_unreadable(prompt(one, other)) is None, "one tier may name a kind twice"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a short function", "a larger piece of software"),
        ("a question about physics", "a hard question about physics"),
        ("a simple proof by induction", "a demanding proof by induction"),
        ("a customer's question about a card", "a customer's question about a delivery"),
        (ACCOUNTS, "a customer's question about a card that takes several steps"),
        (
            "predicting what a function that changes strings returns",
            "predicting what a function that changes lists returns",
        ),
        ("a trivia question about sports", "a question about physics, such as motion"),
    ],
)
def test_two_tiers_may_have_criteria_that_contrast(one: str, other: str) -> None:
    assert why_unreadable(of_two_tiers(one, other)) is None


def test_criteria_that_people_wrote_are_not_compared_with_each_other() -> None:
    cards = "a customer's question about a bank card"
    written = of_two_tiers(ACCOUNTS, cards)
    assert why_unreadable(written, (ACCOUNTS, cards)) is None
    assert why_unreadable(written, (ACCOUNTS,)) == CONTRADICTS


def test_criteria_of_one_form_about_two_subjects_differ() -> None:
    law = "a multiple-choice question about law, such as torts, contracts or liability"
    logic = "a multiple-choice question about logic, such as arguments, fallacies or formulas"
    assert not say_the_same(law, logic)


@pytest.mark.parametrize("start", ["", "# Routing", "Tiers", "- choose well", "Tier 2 is for:"])
def test_a_prompt_begins_with_a_sentence(start: str) -> None:
    assert why_unreadable(prompt("small talk", start=start)) == NO_SENTENCE


def test_a_tier_has_a_limited_number_of_criteria() -> None:
    kinds = [f"a question about topic {number}" for number in range(MAX_CRITERIA + 1)]
    assert why_unreadable(prompt(*kinds[:MAX_CRITERIA])) is None
    assert why_unreadable(prompt(*kinds)) == TOO_MANY


@pytest.mark.parametrize("demo", ["Where is it? [...] Thanks.", "word " * 61])
def test_a_demo_is_short_and_whole(demo: str) -> None:
    assert why_unreadable(prompt("small talk", demos=(demo,))) == UNREADABLE_DEMO
    assert why_unreadable(prompt("small talk", demos=("word " * 60,))) is None


def test_a_reason_quotes_nothing() -> None:
    secret = "Mister Whiskers"
    reason = why_unreadable(prompt(f"{secret} [...] {secret}"))
    assert reason is not None
    assert secret not in reason


@given(st.sampled_from(KINDS))
def test_every_kind_that_the_simulated_proposer_knows_is_a_readable_criterion(kind: str) -> None:
    assert why_unreadable(prompt(kind)) is None


@given(st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_two_criteria_joined_without_a_blank_are_noticed(one: str, other: str) -> None:
    assert why_unreadable(prompt(f"{one}.{other.capitalize()}")) in (RUNS_TOGETHER, TOO_LONG)
    assert why_unreadable(prompt(f"{one}Tier 3, {other}")) in (RUNS_TOGETHER, TOO_LONG)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_judged_without_an_error(start: str, criterion: str) -> None:
    text = " ".join(criterion.split()) or "x"
    why_unreadable(RoutingPrompt(instruction=f"{start}\nTier 1:\n- {text}"))


def test_scripted_instructions_of_other_tests_are_readable() -> None:
    assert why_unreadable(RoutingPrompt(instruction=instruction("subject"))) is None

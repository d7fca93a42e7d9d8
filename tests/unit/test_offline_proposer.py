"""The simulated proposer: a function of its messages, whose answers DSPy can parse."""

import dspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_switch.adapters.models.offline_proposer import ANSWERS, propose
from route_switch.adapters.models.query_kinds import KINDS, MULTIPLE_CHOICE, OPEN
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.text_policy import UserText
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.readability import why_unreadable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.proposals import Screening

QUERIES = [
    ("How do I return the parcel that arrived yesterday?", "1"),
    ("Can I return a parcel without the receipt?", "1"),
    ("Prove that the square root of two is irrational.", "3"),
    ("Prove that there are infinitely many prime numbers.", "3"),
    ("Summarize the quarterly report of the sales team.", "2"),
]
EXAMPLES = [dspy.Example(query=q, tier=t).with_inputs("query") for q, t in QUERIES]
ORDERS = "a customer's question about an order, a delivery or a refund"
CUSTOMERS = "a customer's question about "
PROOFS = "a mathematical proof"
LAW = "a multiple-choice question about law, such as torts, contracts or criminal liability"
BIOLOGY = (
    "a multiple-choice question about biology, such as evolution, plants, animals or ecosystems"
)
COUNTS = f"Tier 1, 4 examples: {ORDERS}.\nTier 3, 7 examples: {PROOFS}."
PACKAGED = packaged_prompt().instruction


def asked(field: str, **sections: str) -> list[JsonObject]:
    """A question as DSPy's chat adapter formats it."""
    inputs = "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in sections.items())
    closing = (
        f"Respond with the corresponding output fields, starting with the field "
        f"`[[ ## {field} ## ]]`, and then ending with the marker for `[[ ## completed ## ]]`."
    )
    return [
        {"role": "system", "content": "Your input fields are: …"},
        {"role": "user", "content": inputs + closing},
    ]


def answer(field: str, **sections: str) -> str:
    signature = dspy.Signature(f"anything -> {field}")
    parsed = dspy.ChatAdapter().parse(signature, propose(asked(field, **sections)))
    text = parsed[field]
    assert isinstance(text, str)
    return text


def instruction(
    tip: str = "None", groups: str = COUNTS, demos: str = "", before: str = PACKAGED
) -> str:
    return answer(
        "proposed_instruction",
        dataset_description=groups,
        task_demos=demos,
        basic_instruction=before,
        tip=tip,
    )


@pytest.mark.parametrize("field", ANSWERS)
def test_dspys_chat_adapter_parses_each_answer(field: str) -> None:
    assert answer(field, examples=repr(EXAMPLES), observations=COUNTS, dataset_description=COUNTS)


@pytest.mark.parametrize("field", ANSWERS)
def test_it_answers_even_without_examples(field: str) -> None:
    assert answer(field)


def test_observations_count_the_examples_of_each_tier_by_kind() -> None:
    lines = answer("observations", examples=repr(EXAMPLES)).splitlines()
    assert f"Tier 1, 2 examples: {ORDERS}." in lines
    assert f"Tier 3, 1 example: {PROOFS}." in lines
    assert "Tier 2, 1 example: summarizing a given text." in lines


@given(st.lists(st.tuples(st.sampled_from(QUERIES), st.integers(1, 3)), max_size=6))
def test_observations_hold_no_word_of_a_query_that_is_not_in_a_known_kind(
    labeled: list[tuple[tuple[str, str], int]],
) -> None:
    examples = [dspy.Example(query=query, tier=str(tier)) for (query, _), tier in labeled]
    for line in answer("observations", examples=repr(examples)).splitlines():
        assert line == "Nothing stands out." or line.split(": ", 1)[1].rstrip(".") in KINDS


def test_a_query_that_looks_like_an_example_is_harmless() -> None:
    odd = dspy.Example(query="Example({'query': x, 'tier': '1'}) is what?", tier="2")
    assert PROOFS in answer("observations", examples=repr([*EXAMPLES, odd, *EXAMPLES]))


@pytest.mark.parametrize("between", ["\n", "", " "])
def test_the_summary_adds_up_the_observations_of_all_batches(between: str) -> None:
    """DSPy joins the batches without a line end."""
    batches = [
        f"Tier 1, 2 examples: {ORDERS}.\nTier 3, 5 examples: {ORDERS}.",
        f"Tier 1, 3 examples: {ORDERS}.\nTier 1, 1 example: {PROOFS}.",
    ]
    assert answer("summary", observations=between.join(batches)).splitlines() == [
        f"Tier 1, 5 examples: {ORDERS}.",
        f"Tier 3, 5 examples: {ORDERS}.",
        f"Tier 1, 1 example: {PROOFS}.",
    ]


@pytest.mark.parametrize("tip", ["None", "Be concise.", "Be very descriptive.", "Be creative!"])
def test_its_instruction_may_become_a_prompt(tip: str) -> None:
    screening = Screening(packaged_prompt(), tuple(Tier), UserText(q for q, _ in QUERIES))
    assert screening(instruction(tip)) is None


evidence = st.dictionaries(
    st.tuples(st.integers(1, 3), st.sampled_from(KINDS)), st.integers(1, 30), max_size=40
)


@settings(max_examples=50, deadline=None)
@given(evidence, st.sampled_from(["None", "concise", "descriptive", "creative"]), st.text())
def test_every_proposal_is_readable_and_quotes_nothing(
    counts: dict[tuple[int, str], int], tip: str, demos: str
) -> None:
    groups = "".join(f"Tier {t}, {n} examples: {kind}." for (t, kind), n in counts.items())
    proposed = RoutingPrompt(instruction=instruction(tip, groups, demos))
    assert why_unreadable(proposed) is None
    known = {*KINDS, *(c for own in packaged_prompt().criteria.values() for c in own)}
    for own in proposed.criteria.values():
        assert all(c in known or c.startswith((MULTIPLE_CHOICE, OPEN, CUSTOMERS)) for c in own)


def test_a_kind_of_one_tier_becomes_its_criterion() -> None:
    criteria = RoutingPrompt(instruction=instruction()).criteria
    assert ORDERS in criteria[Tier.SMALL]


def test_a_kind_that_its_tier_names_already_is_not_added() -> None:
    criteria = RoutingPrompt(instruction=instruction()).criteria
    assert PROOFS not in criteria[Tier.LARGE]
    assert criteria[Tier.LARGE] == packaged_prompt().criteria[Tier.LARGE]


def test_a_kind_that_does_not_distinguish_the_tiers_becomes_no_criterion() -> None:
    groups = f"{COUNTS}\nTier 1, 5 examples: {LAW}.\nTier 3, 5 examples: {LAW}."
    assert LAW not in instruction("descriptive", groups)


@pytest.mark.parametrize("tip", ["None", "Be concise.", "Be descriptive.", "Be creative!"])
def test_criteria_that_the_examples_say_nothing_about_stay(tip: str) -> None:
    proposed = RoutingPrompt(instruction=instruction(tip, f"Tier 1, 4 examples: {ORDERS}."))
    for tier in (Tier.MEDIUM, Tier.LARGE):
        assert proposed.criteria[tier] == packaged_prompt().criteria[tier]


def test_a_fresh_start_drops_a_present_criterion_that_no_majority_supports() -> None:
    groups = f"Tier 1, 4 examples: {PROOFS}.\nTier 3, 4 examples: {PROOFS}."
    old = packaged_prompt().criteria[Tier.LARGE][0]
    for tip, stays in (("None", True), ("Be creative!", False)):
        criteria = RoutingPrompt(instruction=instruction(tip, groups)).criteria[Tier.LARGE]
        assert (old in criteria) is stays


def test_a_present_criterion_that_the_examples_contradict_is_dropped() -> None:
    before = f"Choose a tier.\n\nTier 1:\n- {PROOFS}\n\nTier 3:\n- creative writing"
    groups = f"Tier 3, 9 examples: {PROOFS}."
    criteria = RoutingPrompt(instruction=instruction("None", groups, before=before)).criteria
    assert PROOFS not in criteria[Tier.SMALL]
    assert PROOFS in criteria[Tier.LARGE]


def test_a_broad_criterion_loses_the_subject_that_belongs_elsewhere() -> None:
    broad = "a multiple-choice question about history, biology or business"
    before = f"Choose a tier.\n\nTier 2:\n- {broad}\n\nTier 3:\n- a hard proof"
    groups = f"Tier 3, 9 examples: {BIOLOGY}."
    proposed = instruction("None", groups, before=before)
    assert "- a multiple-choice question about history or business\n" in proposed
    assert f"- {BIOLOGY}" in proposed


TRANSFERS = "a customer's question about a payment or a transfer"
SHORT_FUNCTIONS = "writing a short Python function that passes given tests"


def test_a_list_of_another_tier_loses_what_moves() -> None:
    groups = f"Tier 3, 9 examples: {TRANSFERS}."
    criteria = RoutingPrompt(instruction=instruction("None", groups)).criteria
    assert TRANSFERS in criteria[Tier.LARGE]
    left = "a customer's question about an account, a card, an order, a delivery or a refund"
    assert left in criteria[Tier.SMALL]


def test_a_criterion_moves_only_if_the_examples_of_what_it_names_speak_for_that() -> None:
    old = "writing a short function, database query, script or regular expression"
    query = "writing a database query or a script"
    few = f"Tier 3, 3 examples: {SHORT_FUNCTIONS}."
    many = f"{few}\nTier 2, 9 examples: {query}."
    moved = RoutingPrompt(instruction=instruction("None", few)).criteria
    stays = RoutingPrompt(instruction=instruction("None", many)).criteria
    assert SHORT_FUNCTIONS in moved[Tier.LARGE]
    assert old not in moved[Tier.MEDIUM]
    assert SHORT_FUNCTIONS not in stays[Tier.LARGE]
    assert old in stays[Tier.MEDIUM]


def test_a_concise_prompt_merges_subjects_of_one_form() -> None:
    groups = f"Tier 2, 9 examples: {BIOLOGY}.\nTier 2, 9 examples: {LAW}."
    proposed = instruction("Be concise.", groups)
    assert proposed.count("about biology or law") + proposed.count("about law or biology") == 1


def test_what_the_prompt_says_before_its_lists_stays() -> None:
    assert instruction().startswith(PACKAGED.split("Tier 1")[0])


def test_other_demos_give_another_draw_and_the_same_ones_the_same() -> None:
    counts = "\n".join(f"Tier 2, {n} examples: {kind}." for n, kind in enumerate(KINDS, 3))
    drawn = {instruction("None", counts, demos) for demos in "abcdef"}
    assert len(drawn) > 3
    assert instruction("None", counts, "a") == instruction("None", counts, "a")


def test_it_depends_only_on_its_messages() -> None:
    one = asked("observations", examples=repr(EXAMPLES))
    first = propose(one)
    propose(asked("observations", examples=repr(EXAMPLES[:2])))
    assert propose(one) == first


def test_swapping_the_labels_swaps_the_criteria() -> None:
    swapped = {"1": "3", "2": "2", "3": "1"}
    other = [dspy.Example(query=q, tier=swapped[t]) for q, t in QUERIES]
    here = answer("observations", examples=repr(EXAMPLES)).splitlines()
    there = answer("observations", examples=repr(other)).splitlines()
    assert [swapped[line[5]] + line[6:] for line in here] == [line[5:] for line in there]

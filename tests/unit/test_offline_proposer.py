"""The simulated proposer: a function of its messages, whose answers DSPy can parse."""

import dspy
import pytest

from route_switch.adapters.models.offline_proposer import ANSWERS, propose
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.text_policy import UserText
from route_switch.domain.ports import JsonObject
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
GROUPS = "Tier 1, 4 alike: return, parcel, receipt\nTier 3, 7 alike: prove, number, square"


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


def instruction(tip: str = "None", groups: str = GROUPS, demos: str = "") -> str:
    before = packaged_prompt().instruction
    return answer(
        "proposed_instruction",
        dataset_description=groups,
        task_demos=demos,
        basic_instruction=before,
        tip=tip,
    )


@pytest.mark.parametrize("field", ANSWERS)
def test_dspys_chat_adapter_parses_each_answer(field: str) -> None:
    assert answer(field, examples=repr(EXAMPLES), observations=GROUPS, dataset_description=GROUPS)


@pytest.mark.parametrize("field", ANSWERS)
def test_it_answers_even_without_examples(field: str) -> None:
    assert answer(field)


def test_observations_name_similar_queries_of_a_tier_by_their_words() -> None:
    lines = answer("observations", examples=repr(EXAMPLES)).splitlines()
    by_tier = {line[:7]: line for line in lines}
    assert "return" in by_tier["Tier 1,"]
    assert "prove" in by_tier["Tier 3,"]
    assert "quarterly" in by_tier["Tier 2,"]


def test_a_query_that_looks_like_an_example_is_harmless() -> None:
    odd = dspy.Example(query="Example({'query': x, 'tier': '1'}) is what?", tier="2")
    assert "prove" in answer("observations", examples=repr([*EXAMPLES, odd, *EXAMPLES]))


def test_the_summary_merges_groups_of_a_tier_that_share_two_words() -> None:
    observations = "\n".join(
        [
            "Tier 1, 2 alike: return, parcel, shop",
            "Tier 3, 5 alike: return, parcel, law",
            "Tier 1, 3 alike: parcel, receipt, return",
            "Tier 1, 1 alike: parcel, stamp, letter",
        ]
    )
    assert answer("summary", observations=observations).splitlines() == [
        "Tier 1, 5 alike: return, parcel, shop",
        "Tier 3, 5 alike: return, parcel, law",
        "Tier 1, 1 alike: parcel, stamp, letter",
    ]


@pytest.mark.parametrize("tip", ["None", "Be concise.", "Be very descriptive.", "Be creative!"])
def test_its_instruction_may_become_a_prompt(tip: str) -> None:
    screening = Screening(packaged_prompt(), tuple(Tier), UserText(q for q, _ in QUERIES))
    assert screening(instruction(tip)) is None


def test_present_criteria_stay_unless_the_tip_asks_for_concise_or_creative() -> None:
    old = packaged_prompt().criteria[Tier.LARGE][0]
    new = "questions about prove, number, square"
    for tip, stays in (("None", True), ("Be concise.", False), ("Be creative!", False)):
        criteria = RoutingPrompt(instruction=instruction(tip)).criteria[Tier.LARGE]
        assert (old in criteria) is stays
        assert new in criteria


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

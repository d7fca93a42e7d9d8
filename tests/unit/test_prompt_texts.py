"""The texts of a prompt that can speak for a tier, and the prompt without one of them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.criteria import parse_criteria
from route_switch.domain.prompt_texts import PromptText, texts_of, without_text
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier

PROMPT = RoutingPrompt(
    instruction=(
        "Choose a tier.\n\nTier 1:\n- a greeting\n- a question about a card\n  or an account\n\n"
        "Tier 3:\n- a proof\n\n- a greeting\n\nAnswer with a digit."
    ),
    demos=(Demo(query="hello\n", tier=Tier.SMALL), Demo(query="Prove it.", tier=Tier.LARGE)),
)

lines = st.sampled_from(
    ["Tier 1:", "## Tier 2", "Tier 3 is for", "- a", "* b", "  - c", "    more", "", "text", "• d"]
)
prompts = st.builds(
    lambda parts, demos: RoutingPrompt(instruction="\n".join(["x", *parts]), demos=demos),
    st.lists(lines, max_size=20),
    st.lists(
        st.builds(Demo, query=st.sampled_from(["q", "r", " q "]), tier=st.sampled_from(Tier)),
        max_size=4,
    ).map(tuple),
)


def test_texts_are_numbered_by_tier_and_kind() -> None:
    assert [(text.name, text.text) for text in texts_of(PROMPT)] == [
        ("criterion 1 of Tier 1", "a greeting"),
        ("criterion 2 of Tier 1", "a question about a card or an account"),
        ("criterion 1 of Tier 3", "a proof"),
        ("criterion 2 of Tier 3", "a greeting"),
        ("demo 1 of Tier 1", "hello"),
        ("demo 1 of Tier 3", "Prove it."),
    ]


def test_a_criterion_is_left_out_with_all_of_its_lines() -> None:
    shorter = without_text(PROMPT, texts_of(PROMPT)[1])
    assert shorter is not None
    assert shorter.instruction == PROMPT.instruction.replace(
        "- a question about a card\n  or an account\n", ""
    )
    assert shorter.demos == PROMPT.demos


def test_a_demo_is_left_out_alone() -> None:
    shorter = without_text(PROMPT, texts_of(PROMPT)[4])
    assert shorter is not None
    assert shorter == PROMPT.model_copy(update={"demos": PROMPT.demos[1:]})


def test_a_text_that_the_prompt_does_not_have_cannot_be_left_out() -> None:
    assert without_text(PROMPT, PromptText("criterion", 1, Tier.MEDIUM, "a greeting")) is None


def test_a_criterion_whose_list_gives_others_their_meaning_cannot_be_left_out() -> None:
    prompt = RoutingPrompt(instruction="Tier 1:\n- a\nThat is all.\n- not a criterion")
    [text] = texts_of(prompt)
    assert without_text(prompt, text) is None


@given(prompts)
def test_leaving_a_text_out_keeps_all_others(prompt: RoutingPrompt) -> None:
    def of(any_prompt: RoutingPrompt) -> Counter[tuple[str, Tier, str]]:
        return Counter((text.kind, text.tier, text.text) for text in texts_of(any_prompt))

    for text in texts_of(prompt):
        shorter = without_text(prompt, text)
        if shorter is None:
            continue
        left_out = (text.kind, text.tier, text.text)
        assert of(shorter) == {each: n for each, n in of(prompt).items() if each != left_out}


@given(prompts)
def test_criteria_are_those_that_the_encoder_reads(prompt: RoutingPrompt) -> None:
    criteria = [(t.tier, t.text) for t in texts_of(prompt) if t.kind == "criterion"]
    assert criteria == parse_criteria(prompt.instruction)

"""The grammar of criteria, which the check before publishing and `local/encoder` share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.models.encoder import tier_texts
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.criteria import parse_criteria
from route_switch.domain.errors import PromptError
from route_switch.domain.prompts.going_live import check_may_go_live
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

HEADINGS = st.sampled_from(["Tier {}:", "## tier {}", "tier-{}:", "Route to TIER_{} if:", "tier{}"])
BULLETS = st.sampled_from("-*•")
WORDS = st.text(st.sampled_from("abcdef gh"), min_size=1).map(str.strip).filter(bool)
LINES = st.one_of(
    st.builds(str.format, HEADINGS, st.sampled_from("1234")),
    st.builds("{} {}".format, BULLETS, WORDS),
    st.builds("  {}".format, WORDS),
    WORDS,
)


def encoder_sees(prompt: RoutingPrompt) -> dict[int, list[str]]:
    messages = prompt.render(Query("a question"), 100)[:-1]
    return tier_texts(tuple((str(m["role"]), str(m["content"])) for m in messages))


@given(HEADINGS, BULLETS)
def test_every_prompt_that_may_go_live_has_criteria_for_the_encoder(
    heading: str, bullet: str
) -> None:
    lists = (f"{heading.format(n)}\n{bullet} kind {n}\n" for n in (1, 2, 3))
    prompt = RoutingPrompt(instruction="\n".join(lists))
    check_may_go_live(prompt, "a document")
    assert encoder_sees(prompt) == {n: [f"kind {n}"] for n in (1, 2, 3)}


@given(st.lists(LINES, min_size=1, max_size=20).map("\n".join))
def test_the_check_and_the_encoder_read_the_same_criteria(instruction: str) -> None:
    prompt = RoutingPrompt(instruction=instruction)
    expected = {tier.value: list(found) for tier, found in prompt.criteria.items()}
    assert encoder_sees(prompt) == expected


def test_the_packaged_prompt_has_criteria_for_every_tier() -> None:
    assert set(packaged_prompt().criteria) == set(Tier)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tier 1:\n- a\n  more\n- b", [(1, "a more"), (1, "b")]),
        ("Tier 1 or Tier 2:\n- a", []),
        ("Tier 1:\n- a\nNotes\n- b", [(1, "a")]),
        ("Tier 1:\nsuch as\n- a", [(1, "a")]),
        ("- a\nTier 1:\n- b", [(1, "b")]),
    ],
)
def test_criteria_belong_to_the_heading_above(text: str, found: list[tuple[int, str]]) -> None:
    assert [(tier.value, criterion) for tier, criterion in parse_criteria(text)] == found


def test_a_prompt_without_criteria_for_a_tier_may_not_go_live() -> None:
    prompt = RoutingPrompt(instruction="Tier 1:\n- a\n\nTier 2:\n- b")
    with pytest.raises(PromptError, match="no bulleted list of criteria for tier 3"):
        check_may_go_live(prompt, "a document")

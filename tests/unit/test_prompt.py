"""What is sent to the router LLM."""

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import PromptError
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.going_live import check_may_go_live
from route_switch.domain.query import Query
from route_switch.domain.quoted_query import CLOSING
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier


def test_the_packaged_prompt_has_criteria_for_each_tier_and_may_go_live() -> None:
    prompt = packaged_prompt()
    assert all(len(prompt.criteria[tier]) >= 5 for tier in Tier)
    check_may_go_live(prompt, to_markdown(prompt))


def test_criteria_are_the_bullets_below_a_line_that_names_the_tier() -> None:
    prompt = RoutingPrompt(
        instruction="- not a criterion\nRoute to Tier 1 (small):\n- a\n* b\n\n## tier 3\n  - c\n"
    )
    assert prompt.criteria == {Tier.SMALL: ("a", "b"), Tier.LARGE: ("c",)}


def test_messages_are_the_instruction_then_the_demos_then_the_query() -> None:
    prompt = RoutingPrompt(instruction="Choose.", demos=(Demo(query="hi {tier}", tier=Tier.SMALL),))
    messages = prompt.render(Query("why {query}?"), 1000)
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert str(messages[0]["content"]).startswith("Choose.\n\nAnswer with the number")
    assert [m["content"] for m in messages[1:]] == [
        "Query:\n> hi {tier}\n" + CLOSING,
        "1",
        "Query:\n> why {query}?\n" + CLOSING,
    ]


def test_an_edited_copy_is_not_served_with_the_messages_of_the_original() -> None:
    prompt = packaged_prompt()
    assert prompt.frozen_messages
    edited = prompt.model_copy(update={"instruction": "Other."})
    assert "Other." in str(edited.frozen_messages[0]["content"])


@pytest.mark.parametrize(
    ("instruction", "demo", "reason"),
    [
        ("Tier 1:\n- a\nTier 2:\n- b", "q", "tier 3"),
        ("Tier 1:\n- a\nTier 2:\n- b\nTier 3:\n- c", "x" * 9000, "8192"),
        ("Tier 1:\n- a\nTier 2:\n- b\nTier 3:\n- c", "{{ mustache }}", "refuses as a reference"),
    ],
    ids=["no-list", "too-long", "braces"],
)
def test_a_prompt_that_must_not_go_live_is_refused(
    instruction: str, demo: str, reason: str
) -> None:
    prompt = RoutingPrompt(instruction=instruction, demos=(Demo(query=demo, tier=Tier.SMALL),))
    with pytest.raises(PromptError, match=reason):
        check_may_go_live(prompt, to_markdown(prompt))

"""Static rules do what a careful engineer would expect."""

import pytest

from route_switch.domain.conversation import Conversation
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier
from route_switch.optimizer.static_rules import static_tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("Where is my refund?", Tier.SMALL),
        ("What is the capital of France?", Tier.SMALL),
        ("Write a function that reverses a list in Python", Tier.MEDIUM),
        ("Explain why the sky is blue.", Tier.MEDIUM),
        ("word " * 200, Tier.MEDIUM),
        ("Debug this race condition:\n```\nlock()\n```", Tier.LARGE),
        ("Prove that there are infinitely many primes.", Tier.LARGE),
        ("Analyze the trade-offs of moving to microservices.", Tier.LARGE),
        ("word " * 800, Tier.LARGE),
        ("", Tier.SMALL),
    ],
)
def test_a_query_goes_to_the_tier_of_its_first_matching_rule(text: str, tier: Tier) -> None:
    assert static_tier(Query(text)) is tier


def test_attachments_and_tools_count_too() -> None:
    assert static_tier(Query("Do it.", Conversation(has_attachments=True))) is Tier.LARGE
    assert static_tier(Query("Do it.", Conversation(tools=("search",)))) is Tier.MEDIUM

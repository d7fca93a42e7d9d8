"""The tier is allowed for every reply of a router LLM."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.decision import nearest_allowed, order_of_descent, parse_tier
from route_switch.domain.tiers import Tier


@pytest.mark.parametrize(
    ("reply", "tier"),
    [
        ("2", 2),
        (" 3\n", 3),
        ("Tier 1", 1),
        ("tier-3", 3),
        ("**Tier 2**.", 2),
        ('{"tier": 1}', 1),
        ("(3)", 3),
        ("3. Because it needs a proof.", 3),
        ("It could be Tier 1, but the answer is Tier 2.", 2),
        ("The answer is 2, clearly 2", 2),
        ("tier: 3", 3),
    ],
)
def test_a_reply_that_names_a_tier_is_understood(reply: str, tier: int) -> None:
    assert parse_tier(reply) == tier


@pytest.mark.parametrize(
    "reply",
    ["", "banana", "4", "0", "12", "Tier 12", "1.5", "2,5", "tiers 1 to 3", "1/2", "v2", "1 or 2"],
)
def test_nonsense_names_no_tier(reply: str) -> None:
    assert parse_tier(reply) is None


@given(st.text(st.sampled_from("tier TIER 0123456789.,:-*()\n"), max_size=30) | st.text())
def test_any_reply_gives_a_tier_or_none(reply: str) -> None:
    assert parse_tier(reply) in (*Tier, None)


@given(st.sampled_from(Tier), st.frozensets(st.sampled_from(Tier), min_size=1))
def test_the_order_contains_exactly_the_allowed_tiers(tier: Tier, allowed: frozenset[Tier]) -> None:
    order = order_of_descent(tier, allowed)
    assert frozenset(order) == allowed
    assert len(order) == len(allowed)
    assert nearest_allowed(tier, allowed) in allowed
    assert nearest_allowed(tier, frozenset(Tier)) is tier


def test_a_failing_tier_goes_up_before_it_goes_down() -> None:
    every = frozenset(Tier)
    assert order_of_descent(Tier.MEDIUM, every) == (Tier.MEDIUM, Tier.LARGE, Tier.SMALL)
    assert order_of_descent(Tier.LARGE, every) == (Tier.LARGE, Tier.MEDIUM, Tier.SMALL)

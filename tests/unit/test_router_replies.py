"""For every reply of the router LLM, a query gets a tier that its key may use, in bounded time."""

from time import process_time

import pytest

from route_switch.domain.tiers import ALL_TIERS, Tier
from tests.support.attacks.doors import choice_by, try_replies


def test_any_reply_leads_to_an_allowed_tier() -> None:
    found = try_replies(2_400).values()
    assert sum(routed.n for routed in found) == 2_400
    assert [(routed.beyond, routed.broken) for routed in found] == [(0, 0)] * len(found)
    assert sum(routed.unread for routed in found) > 500, "most of these replies name no tier"


@pytest.mark.parametrize("piece", ["3 ", "Tier ", "tier1tier", "\n", "<think>", "{", "1,", "((((2"])
@pytest.mark.parametrize("cut_off", [False, True])
def test_ten_megabytes_of_reply_cost_nothing_and_lead_to_the_safe_tier(
    piece: str, cut_off: bool
) -> None:
    reply = piece * (10_000_000 // len(piece))
    start = process_time()
    choice = choice_by(reply, ALL_TIERS, cut_off=cut_off)
    assert process_time() - start < 0.5
    assert choice is not None
    assert choice.suggestion.tier is None


def test_no_reply_reaches_a_tier_above_the_keys() -> None:
    small_only = frozenset({Tier.SMALL})
    for reply in ("3", "Tier 3", "Tier 3, override", "max_tier=3", '{"tier": 3}'):
        choice = choice_by(reply, small_only, cut_off=False)
        assert choice is not None
        assert choice.tier is Tier.SMALL

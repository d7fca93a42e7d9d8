"""The regret of a choice, as a number and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.tiers import Tier
from route_switch.optimizer.regret import Regret
from route_switch.optimizer.training import LabeledQuery

TIERS = tuple(Tier)
TEXT = "Zebra: what did Mrs. Doe's contract say?"
numbers = st.floats(-1, 1, allow_nan=False)
queries = st.builds(
    LabeledQuery,
    text=st.just(TEXT),
    best=st.integers(0, 2),
    rewards=st.tuples(numbers, numbers, numbers),
    as_good=st.one_of(st.just(()), st.tuples(st.booleans(), st.booleans(), st.booleans())),
)


def in_words(tier: str, rewards: tuple[float, ...], as_good: tuple[bool, ...], best: int) -> str:
    query = LabeledQuery(TEXT, best, rewards, as_good=as_good)
    return Regret([query], TIERS).in_words(TEXT, tier)


@pytest.mark.parametrize(
    ("tier", "rewards", "as_good", "best", "words"),
    [
        (
            "1",
            (-0.02, -0.08, 0.8),
            (False, False, True),
            2,
            "Tier 1 was chosen. Tier 3 would have been worth 0.82 more: Tier 1's answer was rated "
            "worse than Tier 3's.",
        ),
        (
            "1",
            (-0.02, 0.92, 0.8),
            (False, True, True),
            1,
            "Tier 1 was chosen. Tier 2 would have been worth 0.94 more: Tier 1's answer was rated "
            "worse than Tier 3's, Tier 2's was not.",
        ),
        (
            "3",
            (0.98, 0.92, 0.8),
            (True, True, True),
            0,
            "Tier 3 was chosen. Tier 1 would have been worth 0.18 more: Tier 1's answer was rated "
            "no worse and cost less.",
        ),
        (
            "2",
            (-0.02, -0.3, -0.9),
            (False, False, True),
            0,
            "Tier 2 was chosen. Tier 1 would have been worth 0.28 more: both answers were rated "
            "worse than Tier 3's, and Tier 1's cost less.",
        ),
        (
            "3",
            (-0.02, -0.3, -0.9),
            (False, False, True),
            0,
            "Tier 3 was chosen. Tier 1 would have been worth 0.88 more: Tier 3's answer was rated "
            "better, but it cost more than that is worth.",
        ),
        ("2", (0.9, 0.9, 0.9), (), 1, "Tier 2 was chosen, and it is the best tier for this query."),
        ("1", (0.1, 0.9, 0.2), (), 1, "Tier 1 was chosen. Tier 2 would have been worth 0.80 more."),
        (
            "1",
            (0.9, 0.1, 0.2),
            (),
            1,
            "Tier 1 was chosen, and no other choice is known to be better.",
        ),
    ],
)
def test_the_words_say_what_another_tier_was_worth_and_why(
    tier: str, rewards: tuple[float, ...], as_good: tuple[bool, ...], best: int, words: str
) -> None:
    assert in_words(tier, rewards, as_good, best) == words


def test_with_two_tiers_the_largest_is_the_one_to_compare_with() -> None:
    query = LabeledQuery(TEXT, 1, (-0.02, 0.8), as_good=(False, True))
    said = Regret([query], (Tier.SMALL, Tier.MEDIUM)).in_words(TEXT, "1")
    assert said.endswith("Tier 1's answer was rated worse than Tier 2's.")


@given(query=queries, tier=st.sampled_from(TIERS))
def test_regret_is_the_loss_against_the_label_and_never_negative(
    query: LabeledQuery, tier: Tier
) -> None:
    regret = Regret([query], TIERS).of(TEXT, str(tier.value))
    loss = query.rewards[query.best] - query.rewards[tier.value - 1]
    assert regret == max(loss, 0.0)


@given(query=queries, tier=st.sampled_from(TIERS))
def test_the_words_quote_nothing_of_the_query(query: LabeledQuery, tier: Tier) -> None:
    said = Regret([query], TIERS).in_words(TEXT, str(tier.value))
    assert said.startswith(f"Tier {tier.value} was chosen")
    assert not any(word in said for word in ("Zebra", "Doe", "contract", "what", "say"))

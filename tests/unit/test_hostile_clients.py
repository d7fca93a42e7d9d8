"""Hostile clients: what they make of learning and of the quality check, in simulation.

`make soak` runs 20 worlds per attack. docs/learning.md has the whole table.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.clients import client_of
from route_switch.domain.learning.example import Example
from route_switch.domain.prompts.quality_drop import Scores, compare_scores, rests_on
from tests.support.effort import draws
from tests.support.hostile_simulation import (
    ONLY_THE_RULE_HELPS,
    SCENARIOS,
    TRUSTED,
    endings,
    world,
)

RUNS, REQUESTS = draws(2, 20), draws(800, 2000)
THREE_ATTACKS = [
    "junk gold on a repeat of every query",
    "junk gold on its own queries",
    "thumbs up for Tier 1 on a repeat of every query",
]
USUAL = [*THREE_ATTACKS, "the same without a judge", "10% of requests: gold is Tier 1's answer"]


@pytest.mark.parametrize("name", [*SCENARIOS] if draws(0, 1) else USUAL)
def test_under_attack_the_gate_refuses_or_the_true_objective_loses_at_most_a_hundredth(
    name: str,
) -> None:
    for ending in endings(SCENARIOS[name], RUNS, REQUESTS, first_seed=1):
        assert not ending.goes_live or ending.gain >= -0.01


def test_the_rule_about_clients_prevents_what_the_gate_alone_would_promote() -> None:
    """The client's queries are new rows and judged right: neither caps nor approval stop it."""
    found = endings(SCENARIOS[ONLY_THE_RULE_HELPS], draws(2, 6), 800, first_seed=1)
    assert any(ending.plain == "better" and ending.gain < -0.03 for ending in found)
    assert all(ending.asks is None for ending in found)
    assert not any(ending.verdict == "better" and ending.gain < -0.01 for ending in found)


def test_a_hostile_key_that_the_owner_trusts_promotes_a_bad_prompt() -> None:
    """The control, without caps and leaving out: the simulation can fail.

    With 500 requests, about 150 rows are held out, and a bad prompt goes live in only 1 of 40
    worlds; with 1,000 it does in 21 of 40.
    """
    worlds = draws(2, 6)
    found = endings(TRUSTED, worlds, 1000, first_seed=3)
    assert any(ending.goes_live and ending.gain < -0.05 for ending in found)
    untrusted = replace(TRUSTED, trusted_keys=frozenset())
    assert not any(
        ending.goes_live and ending.gain < -0.01
        for ending in endings(untrusted, worlds, 1000, first_seed=3)
    )


def test_an_honest_improvement_still_goes_live() -> None:
    [found] = endings(SCENARIOS["nobody is hostile"], 1, 2500, first_seed=1)
    assert found.goes_live
    assert found.gain > 0


# Ratings and the rollback.

HONEST = {f"key_{n}": Scores(40, 36, 36) for n in range(4)}


@given(n=st.integers(0, 10_000), share=st.floats(0, 1))
def test_ratings_of_one_key_roll_nothing_back_that_others_rate_the_same(
    n: int, share: float
) -> None:
    loud = {"key_loud": Scores(n, share * n, share * n)}
    assert rests_on(HONEST, HONEST | loud) is not None
    assert rests_on(HONEST | loud, HONEST) is not None


def test_a_drop_that_all_keys_see_rests_on_none() -> None:
    worse = {key: Scores(40, 20, 20) for key in HONEST}
    assert rests_on(HONEST, worse) is None
    assert rests_on(HONEST, worse | {"key_loud": Scores(30, 0, 0)}) is None


def test_a_key_with_many_users_among_several_keys_is_one_client() -> None:
    loud = {client_of("key_loud", f"user {n}"): Scores(10, 0, 0) for n in range(30)}
    together = sum((HONEST | loud).values(), Scores())
    found = compare_scores(sum(HONEST.values(), Scores()), together)
    assert found is not None
    assert found.is_drop
    assert rests_on(HONEST, HONEST | loud) == "key_loud"


def test_a_single_key_without_users_rests_on_itself_unless_the_owner_trusts_it() -> None:
    before, now = {"key_a": Scores(200, 180, 180)}, {"key_a": Scores(200, 100, 100)}
    assert rests_on(before, now) == "key_a"
    assert rests_on(before, now, frozenset({"key_a"})) is None


def test_each_query_of_the_simulation_is_its_own_template() -> None:
    """Otherwise the gate would count the queries of a type as one, and see too little to attack."""
    of = world(0)
    keys = {Example(query=of.ask(kind)).template_key for kind in range(12) for _ in range(20)}
    assert len(keys) == 240

"""The session rule keeps its promises on simulated conversations. Tables:
docs/session-simulation.md."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.baseline import estimate_baseline
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from tests.support.effort import draws
from tests.support.session_simulation import (
    ASKED_TWICE,
    RULES,
    aim_table,
    choose,
    constants_table,
    policies_table,
)
from tests.support.sessions.caches import Caches, Family, families
from tests.support.sessions.comparison import compare
from tests.support.sessions.conversations import AGENT, Call, Conversation, Turn, pairings
from tests.support.sessions.material import Material, material
from tests.support.sessions.play import Asked, Served, SimulatedRouter, play
from tests.support.sessions.policies import (
    LARGE,
    POLICIES,
    SESSIONS,
    Sessions,
    each_request,
    each_turn,
)
from tests.support.sessions.rows import packaged_rows

ANTHROPIC, OPENAI = families()["Anthropic"], families()["OpenAI"]
SCALE = draws(35, 100) / 100
"""The share of the published pairings that are played."""
FAMILIES = pytest.mark.parametrize("family", families().values(), ids=lambda each: each.name)


@cache
def packaged(scale: float) -> Material:
    return material(None, scale)


@cache
def agents(count: int) -> list[Conversation]:
    rows = packaged_rows()
    return pairings(rows, AGENT.limited_to(rows), count, seed=3)


# The rule.


def test_no_model_is_switched_inside_a_tool_loop() -> None:
    """Also where a tool runs for longer than the cache lives, and the router is wrong half of the
    time. `make soak` plays 100,000 turns."""
    turns = draws(3_000, 100_000)
    conversations = agents(-(-turns // 4))
    seen = 0
    for family in (ANTHROPIC, OPENAI):
        played = play(conversations, family, Sessions(), SimulatedRouter(0.5))
        assert sum(each.switches_in_loops for each in played) == 0
        assert sum(each.switches for each in played) > turns / 10
        seen = sum(each.turns for each in played)
    assert seen >= turns


def test_the_simulation_sees_switches_inside_tool_loops() -> None:
    played = play(agents(50), OPENAI, each_request, SimulatedRouter(0.5))
    assert sum(each.switches_in_loops for each in played) > 100


@FAMILIES
@pytest.mark.parametrize("kind", ["chat", "agent", "long agent"])
@pytest.mark.parametrize("error", [0.0, 0.1])
def test_sessions_cost_less_than_one_cached_model_and_are_nearly_as_good_as_the_best(
    family: Family, kind: str, error: float
) -> None:
    conversations = packaged(SCALE).reported[kind]
    found = compare(conversations, family, SimulatedRouter(error), RULES, {})
    assert found[SESSIONS].cost.high < 1.0
    assert found[SESSIONS].below.mean <= 0.02


@FAMILIES
def test_the_rule_never_takes_a_smaller_tier_than_the_same_router_without_sessions(
    family: Family,
) -> None:
    def both(asked: Asked) -> Tier:
        tier = rule(asked)
        if not asked.in_tool_loop:
            assert tier >= each_turn(asked)
        return tier

    rule = Sessions()
    play(agents(40), family, both, SimulatedRouter(0.3))


def test_routing_every_request_without_a_cache_costs_more_than_one_cached_model() -> None:
    """As published for coding agents: about 4 times as much."""
    found = compare(packaged(SCALE).reported["long agent"], ANTHROPIC, SimulatedRouter(0.1))
    assert found["each request, without caching"].cost.low > 1.5
    assert found["Tier 3, without caching"].cost.low > 4


@FAMILIES
@pytest.mark.parametrize("kind", ["chat", "agent", "long agent"])
def test_savings_compare_with_a_tier_3_that_has_the_conversation_in_its_cache(
    family: Family, kind: str
) -> None:
    """Summed over conversations, the estimate of Tier 3's cost is that of Tier 3 throughout. If a
    moved session's history counted as new for Tier 3, it would be 11 to 28% too high."""
    conversations = [as_long_as_tier_3(each) for each in packaged(SCALE).reported[kind]]
    router = SimulatedRouter(0.1)
    large = play(conversations, family, POLICIES[LARGE], router)
    routed = play(conversations, family, Sessions(), router)
    estimated = sum(estimated_tier_3_usd(each.answers, family) for each in routed)
    assert estimated == pytest.approx(sum(each.cost_usd for each in large), rel=0.05)


def as_long_as_tier_3(conversation: Conversation) -> Conversation:
    """Let all tiers write as much, so that only the caches differ."""
    turns = []
    for turn in conversation.turns:
        calls = [
            replace(call, written=dict.fromkeys(call.written, call.written[Tier.LARGE]))
            for call in turn.calls
        ]
        turns.append(replace(turn, calls=tuple(calls)))
    return replace(conversation, turns=tuple(turns))


def estimated_tier_3_usd(answers: Sequence[Served], family: Family) -> float:
    total = 0.0
    for last, answer in pairwise([None, *answers]):
        assert answer is not None
        moved = last is not None and last.tier is not answer.tier
        caching = family.terms[Tier.LARGE].caching
        assert caching is not None
        warm = last is not None and answer.at_s - last.at_s <= caching.lifetime_s
        history = last.usage.input_tokens if last is not None and moved and warm else 0
        model = family.terms[answer.tier].model
        known = estimate_baseline(
            answer.usage, answer.tier, model, family.catalog, OutputRatios(), history
        )
        assert known.cost_usd is not None
        total += known.cost_usd
    return total


# The caches.

STEPS = st.lists(
    st.tuples(st.sampled_from(Tier), st.integers(1, 9000), st.floats(0, 900)), min_size=1
)


@FAMILIES
@given(steps=STEPS)
def test_a_model_reads_at_most_what_it_has_seen_within_the_lifetime(
    family: Family, steps: list[tuple[Tier, int, float]]
) -> None:
    caches, now_s, tokens = Caches(family), 0.0, 0
    seen: dict[Tier, tuple[int, float]] = {}
    for tier, new, pause_s in steps:
        now_s, tokens = now_s + pause_s, tokens + new
        usage = caches.call(tier, now_s, tokens, 10)
        length, at_s = seen.get(tier, (0, now_s))
        caching = family.terms[tier].caching
        assert caching is not None
        if now_s - at_s > caching.lifetime_s + 1e-6:
            length = 0
        assert usage.cached_input_tokens <= length
        assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        seen[tier] = (tokens, now_s)


def test_a_prefix_below_the_minimum_is_not_cached() -> None:
    caches = Caches(ANTHROPIC)  # Opus 4.6 caches from 4,096 tokens on
    assert caches.call(Tier.LARGE, 0, 4000, 10) == Usage(4000, 10)
    assert caches.call(Tier.LARGE, 1, 5000, 10) == Usage(5000, 10, 0, 5000)
    assert caches.call(Tier.LARGE, 2, 5100, 10) == Usage(5100, 10, 5000, 100)
    assert caches.call(Tier.LARGE, 400, 5200, 10) == Usage(5200, 10, 0, 5200)


def test_openai_caches_in_steps_and_charges_nothing_for_writes() -> None:
    caches = Caches(OPENAI)
    caches.call(Tier.LARGE, 0, 2000, 10)
    usage = caches.call(Tier.LARGE, 1, 3000, 0)
    assert usage.cached_input_tokens == 1920
    price = OPENAI.terms[Tier.LARGE].price
    cached = price.cached_input_usd_per_million
    assert cached is not None
    expected = (1080 * price.input_usd_per_million + 1920 * cached) / 1e6
    assert caches.cost_usd(Tier.LARGE, usage) == pytest.approx(expected)


def test_an_hour_in_the_cache_costs_twice_the_input() -> None:
    hour = families()["Anthropic, 1 h"].terms[Tier.LARGE]
    assert hour.price.cache_write_usd_per_million == 2 * hour.price.input_usd_per_million
    assert hour.caching is not None
    assert hour.caching.lifetime_s == 3600


# The conversations and the router.


def test_the_same_seed_gives_the_same_conversations() -> None:
    rows = packaged_rows()
    kind = AGENT.limited_to(rows)
    assert pairings(rows, kind, 5, 1) == pairings(rows, kind, 5, 1) != pairings(rows, kind, 5, 2)


def test_the_two_halves_share_no_question() -> None:
    found = packaged(0.1)
    halves = [
        {turn.query for each in half.values() for one in each for turn in one.turns}
        for half in (found.reported, found.choosing)
    ]
    assert halves[0].isdisjoint(halves[1])


def test_the_simulated_router_is_wrong_as_often_as_stated() -> None:
    router = SimulatedRouter(0.2)
    turns = [turn for each in agents(300) for turn in each.turns]
    wrong = sum(router(0, n, 0, turn) is not turn.right for n, turn in enumerate(turns))
    assert wrong / len(turns) == pytest.approx(0.2, abs=0.04)


def test_quality_is_the_mean_of_the_tiers_that_answered() -> None:
    written = dict.fromkeys(Tier, 5)
    call = Call(10, written, 0.0)
    scores = {Tier.SMALL: 0.0, Tier.MEDIUM: 0.5, Tier.LARGE: 1.0}
    turn = Turn("q", "task", scores, (call, call))
    tiers = iter((Tier.SMALL, Tier.LARGE, Tier.LARGE, Tier.LARGE))
    (played,) = play(
        [Conversation(100, (turn, turn))], OPENAI, lambda _: next(tiers), SimulatedRouter(0)
    )
    assert played.score == pytest.approx((0.5 + 1.0) / 2)
    assert (played.switches, played.switches_in_loops) == (1, 1)


def test_the_tables_name_every_policy_and_constant() -> None:
    found, router = packaged(0.02), SimulatedRouter(0.1)
    shown = "\n".join(policies_table(found, router))
    assert all(f"| {name} |" in shown for name in POLICIES)
    assert f"| chat | {LARGE} | 1.00 |" in shown
    assert len([*aim_table(found)]) == 2 + 3 * len(families())
    assert f"| {ASKED_TWICE} |" in "\n".join(constants_table(found))


def test_the_smaller_of_two_nearly_equal_constants_is_chosen() -> None:
    assert choose({0: 0.5, 1: 0.6, 4: 0.6005, 8: 0.55}) == 1

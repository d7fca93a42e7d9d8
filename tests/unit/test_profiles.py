"""Routing profiles: the same prompt at another weight of cost."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from route_switch.domain.errors import PromptError
from route_switch.domain.local_model import choose
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import (
    LAMBDA_FACTORS,
    PROFILES,
    Profile,
    ProfileTables,
    lambda_of,
    tier_for,
)
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.decided_by import strategy_changes
from route_switch.domain.query import Query
from route_switch.domain.routing import RouterReply, RoutingContext, choose_tier
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_named
from route_switch.domain.tiers import ALL_TIERS, Tier
from tests.unit.test_local_model import CONFIG, LOCAL, NUMBERS

FITTED = ProfileTables(
    quality=(Tier.SMALL, Tier.LARGE, Tier.LARGE), cost=(Tier.SMALL, Tier.SMALL, Tier.LARGE)
)
TEXTS = st.text(alphabet="ehlopruvx ", max_size=60)


def context(profile: Profile, reply: str | None = "2", **fields: object) -> RoutingContext:
    def ask(_: tuple[JsonObject, ...], __: object) -> RouterReply | None:
        return None if reply is None else RouterReply(reply)

    prompt = RoutingPrompt.model_validate({"instruction": "Choose.", **fields})
    return RoutingContext(CONFIG, prompt, ask, profile)


def test_every_profile_has_a_factor_and_they_are_in_the_order_of_cost() -> None:
    factors = [LAMBDA_FACTORS[each] for each in get_args(Profile)]
    assert factors == sorted(factors)
    assert LAMBDA_FACTORS["balanced"] == 1


@pytest.mark.parametrize(
    ("profile", "tier"),
    [("quality", Tier.LARGE), ("balanced", Tier.MEDIUM), ("cost", Tier.SMALL)],
)
@pytest.mark.parametrize("tables", [None, FITTED])
def test_a_profile_moves_the_tier_that_the_router_llm_names(
    profile: Profile, tier: Tier, tables: ProfileTables | None
) -> None:
    asked = context(profile, profiles=tables)
    suggestion = strategy_named("prompt").suggest(Query("x"), asked)
    assert suggestion.tier is tier
    assert suggestion.balanced is (None if profile == "balanced" else Tier.MEDIUM)


def test_a_table_of_the_run_replaces_the_step_of_one_tier() -> None:
    assert tier_for("quality", Tier.SMALL, None) is Tier.MEDIUM
    assert tier_for("quality", Tier.SMALL, FITTED) is Tier.SMALL


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_moves_the_safe_tier_or_the_bypass(profile: Profile) -> None:
    strategy, long = strategy_named("prompt"), Query("word " * 100)
    failed = choose_tier(long, strategy, context(profile, None), ALL_TIERS)
    assert failed.tier is CONFIG.safe_tier
    assert choose_tier(Query("Hi"), strategy, context(profile), ALL_TIERS).tier is Tier.SMALL


def test_a_profile_stays_within_the_allowed_tiers() -> None:
    allowed = frozenset({Tier.SMALL, Tier.MEDIUM})
    long = Query("word " * 100)
    choice = choose_tier(long, strategy_named("prompt"), context("quality"), allowed)
    assert (choice.tier, choice.chosen) == (Tier.MEDIUM, Tier.LARGE)


@given(TEXTS, st.floats(0, 5), st.floats(0, 5))
def test_a_local_model_expects_less_cost_and_no_more_quality_at_a_higher_lambda(
    text: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    cheap, dear = choose(NUMBERS, Query(text), high), choose(NUMBERS, Query(text), low)
    assert cheap.expected[cheap.tier].cost <= dear.expected[dear.tier].cost
    assert cheap.expected[cheap.tier].quality <= dear.expected[dear.tier].quality


@given(TEXTS, st.sampled_from(PROFILES))
def test_a_profile_of_a_local_model_is_the_choice_at_its_lambda(
    text: str, profile: Profile
) -> None:
    asked = context(profile, None, local_model=LOCAL, strategy="local")
    suggestion = strategy_named("local").suggest(Query(text), asked)
    wanted = choose(NUMBERS, Query(text), lambda_of(profile, NUMBERS.lambda_))
    assert suggestion.tier is wanted.tier
    assert (suggestion.balanced or wanted.tier) is choose(NUMBERS, Query(text)).tier


@given(TEXTS, st.sampled_from(PROFILES))
def test_hybrid_asks_about_the_same_queries_in_every_profile(text: str, profile: Profile) -> None:
    asked: list[str] = []

    def ask(_: tuple[JsonObject, ...], __: object) -> RouterReply:
        asked.append(text)
        return RouterReply("2")

    unsure = LOCAL.model_copy(update={"ask_below": 0.3})
    prompt = RoutingPrompt(instruction="Choose.", local_model=unsure, strategy="hybrid")
    strategy_named("hybrid").suggest(Query(text), RoutingContext(CONFIG, prompt, ask, profile))
    assert bool(asked) is (choose(NUMBERS, Query(text)).lead < 0.3)


@pytest.mark.parametrize(
    ("quality", "cost", "why"),
    [
        ((1, 3, 2), (1, 1, 1), "order"),
        ((1, 1, 3), (1, 1, 1), "must not lower"),
        ((1, 2, 3), (2, 2, 3), "must not raise"),
    ],
)
def test_a_table_that_turns_tiers_around_is_refused(
    quality: tuple[int, ...], cost: tuple[int, ...], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        ProfileTables.model_validate({"quality": quality, "cost": cost})


def test_the_version_covers_the_tables() -> None:
    plain = RoutingPrompt(schema_version=2, instruction="Choose.")
    assert plain.version == "1fb926ae1c63"
    assert plain.model_copy(update={"profiles": FITTED}).version != plain.version


def test_the_tables_survive_both_documents() -> None:
    prompt = RoutingPrompt(instruction="Choose.", profiles=FITTED)
    assert parse_prompt(to_json(prompt)) == prompt
    document = to_markdown(prompt)
    assert "profile_quality = [1, 3, 3]\nprofile_cost = [1, 1, 3]" in document
    assert parse_prompt(document) == prompt


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("profile_cost = [1, 1]", "profiles.cost"),
        ("profile_cost = [2, 2, 3]", "cost must not raise a tier"),
        ("", "profiles.cost is missing"),
    ],
)
def test_a_broken_table_in_a_document_is_refused_with_its_name(line: str, told: str) -> None:
    document = to_markdown(RoutingPrompt(instruction="Choose.", profiles=FITTED))
    with pytest.raises(PromptError, match=told):
        parse_prompt(document.replace("profile_cost = [1, 1, 3]", line))


def test_a_change_of_the_tables_is_described_in_words() -> None:
    plain = RoutingPrompt(instruction="Choose.")
    told = list(strategy_changes(plain, plain.model_copy(update={"profiles": FITTED})))
    assert told == [
        "Profile quality: Tiers 1, 2 and 3 of the router LLM go to 2/3/3 → 1/3/3.",
        "Profile cost: Tiers 1, 2 and 3 of the router LLM go to 1/1/2 → 1/1/3.",
    ]

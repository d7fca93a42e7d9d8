"""The local model: plain numbers that choose a tier."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.local_features import BUCKETS, DENSE, dense_features, hashed_features
from route_switch.domain.local_model import LocalModel, choose
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply, RoutingContext, Suggestion
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_named
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from tests.support.local_models import numbers

NUMBERS = numbers()
LOCAL = LocalModel(sha256=NUMBERS.sha256, numbers=NUMBERS, ask_below=0.1)
CONFIG = RouterConfig(
    models=ModelCatalog(
        tiers={
            Tier.SMALL: TierModels(model="openai/s"),
            Tier.MEDIUM: TierModels(model="openai/m"),
            Tier.LARGE: TierModels(model="openai/l"),
        },
        router="openai/r",
    )
)


def suggested(strategy: str, text: str, reply: str | None, model: LocalModel | None) -> Suggestion:
    def ask(_: tuple[JsonObject, ...], __: object) -> RouterReply | None:
        return None if reply is None else RouterReply(reply)

    prompt = RoutingPrompt(instruction="Choose.", local_model=model)
    return strategy_named(strategy).suggest(Query(text), RoutingContext(CONFIG, prompt, ask))


@pytest.mark.parametrize(("text", "tier"), [("hello", Tier.SMALL), ("prove", Tier.LARGE)])
def test_the_tier_with_the_highest_expected_objective_is_chosen(text: str, tier: Tier) -> None:
    assert choose(NUMBERS, Query(text)).tier is tier


def test_a_high_price_of_cost_moves_queries_to_cheaper_tiers() -> None:
    assert choose(NUMBERS, Query("prove"), lambda_=0.0).tier is Tier.LARGE
    assert choose(NUMBERS, Query("prove"), lambda_=2.0).tier is not Tier.LARGE


@given(st.text(), st.floats(0, 10))
def test_every_query_gets_a_tier_of_the_model_with_a_lead_that_is_not_negative(
    text: str, lambda_: float
) -> None:
    choice = choose(NUMBERS, Query(text), lambda_)
    assert choice.tier in NUMBERS.tiers
    assert choice.lead >= 0
    assert all(0 <= each.quality <= 1 and each.cost > 0 for each in choice.expected.values())


@given(st.text())
def test_features_depend_on_the_text_alone_and_stay_in_range(text: str) -> None:
    hashed = hashed_features(Query(text))
    assert hashed == hashed_features(Query(text))
    assert all(0 <= bucket < BUCKETS for bucket in hashed)
    assert len(dense_features(Query(text), 1000)) == len(DENSE)


@pytest.mark.parametrize("words", [300, 100_000])
def test_a_tier_is_chosen_in_milliseconds_at_any_length(words: int) -> None:
    """It takes about 0.3 ms of processor time (`make bench`); the limit leaves room for slow
    machines. The best of several counts, because other processes only ever add to it."""
    query = Query("Prove that the theorem holds, and say hello. " * (words // 8))
    choose(NUMBERS, query)
    taken = []
    for _ in range(20):
        start = time.process_time()
        choose(NUMBERS, query)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.005


def test_local_asks_no_router_llm_and_without_numbers_knows_no_tier() -> None:
    assert suggested("local", "hello", None, LOCAL).tier is Tier.SMALL
    assert suggested("local", "hello", None, None).tier is None


def test_hybrid_asks_the_router_llm_where_the_lead_is_small() -> None:
    unsure = LOCAL.model_copy(update={"ask_below": 2.0})
    assert suggested("hybrid", "hello", "3", LOCAL).tier is Tier.SMALL
    assert suggested("hybrid", "hello", "3", unsure).tier is Tier.LARGE
    assert suggested("hybrid", "hello", None, unsure).tier is Tier.SMALL
    assert suggested("hybrid", "hello", "2", None).tier is Tier.MEDIUM


def test_a_text_around_a_surely_easy_query_raises_no_doubt() -> None:
    easy = "Hello hello hello hello?"
    alone = choose(NUMBERS, Query(easy))
    beside = choose(NUMBERS, Query(f"{easy} Prove it step by step now."))
    assert alone.tier is beside.tier is Tier.SMALL
    assert beside.lead == pytest.approx(alone.lead)


def test_the_version_covers_what_decides_and_nothing_else() -> None:
    plain = RoutingPrompt(schema_version=2, instruction="Choose.")
    local = plain.model_copy(update={"strategy": "local", "local_model": LOCAL})
    digest_only = LOCAL.model_copy(update={"numbers": None})
    other: dict[str, JsonValue] = {"ask_below": 0.2}
    assert plain.version == "1fb926ae1c63"
    assert local.version != plain.version
    assert local.version == local.model_copy(update={"local_model": digest_only}).version
    changed = local.model_copy(update={"local_model": LOCAL.model_copy(update=other)})
    assert local.version != changed.version

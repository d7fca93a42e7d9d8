"""Routing through DSPy sends the same messages and gives the same results as serving."""

import time
from statistics import median

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.example import Example
from route_switch.domain.ports import Chunk
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.query import Query
from route_switch.domain.quoted_query import as_data
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import ROUTER_PARAMS
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.domain.usage import Usage
from route_switch.optimizer.language_models import (
    LabelEngine,
    PaidEngine,
    RolloutCarrier,
    language_model,
)
from route_switch.optimizer.program import RouteToTier, RoutingAdapter, prompt_of
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose
from tests.support.paid import FakeModel, metered
from tests.support.searching import config_of

MAX_TOKENS = 60
TWO = frozenset({Tier.SMALL, Tier.LARGE})
SLOTS = MessageParts(
    system="Rules {{x}}:\n{instruction}", query="<<{query}>>", tier="Tier {tier}. {query}"
)
BRACES = "Sort {query} and {tier} and {instruction}, {0} {} [[ ## tier ## ]] \\n 👋 Ωμέγα"
CRITERIA = packaged_prompt().instruction
PROMPTS = [
    packaged_prompt(),
    RoutingPrompt(instruction=BRACES),
    RoutingPrompt(
        instruction=CRITERIA,
        demos=(Demo(query=BRACES, tier=Tier.LARGE), Demo(query="a\n\n b ", tier=Tier.SMALL)),
    ),
    RoutingPrompt(instruction=CRITERIA, messages=SLOTS, demos=(Demo(query="x", tier=Tier.MEDIUM),)),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400)


@pytest.fixture(autouse=True)
def nothing_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the search: otherwise DSPy would answer in place of the model."""
    monkeypatch.setattr(dspy, "cache", RolloutCarrier())


def adapter(
    prompt: RoutingPrompt, tiers: frozenset[Tier] = ALL_TIERS, max_tokens: int = MAX_TOKENS
) -> RoutingAdapter:
    return RoutingAdapter(prompt.messages, tiers, config_of(max_tokens))


def router(calls: MeteredCalls) -> dspy.LM:
    return language_model(
        PaidEngine(calls, "fake/router", Purpose.ROUTER, RolloutCarrier()), "router"
    )


def route(
    model: FakeModel,
    prompt: RoutingPrompt,
    query: str,
    tiers: frozenset[Tier] = ALL_TIERS,
    max_tokens: int = MAX_TOKENS,
) -> dspy.Prediction:
    with dspy.context(lm=router(metered(model)), adapter=adapter(prompt, tiers, max_tokens)):
        return RouteToTier(prompt)(query=query)


@pytest.mark.parametrize("prompt", PROMPTS)
@given(query=st.one_of(TEXT, st.just(BRACES), st.just("word " * 500), st.just("語👋" * 200)))
def test_the_search_sends_the_router_the_same_bytes_as_serving(
    prompt: RoutingPrompt, query: str
) -> None:
    model = FakeModel(lambda _: "2")
    shown = Query(query).for_router(MAX_TOKENS)  # learning keeps the form without quotes
    assert route(model, prompt, shown).tier == "2"
    [call] = model.asked
    assert call.messages == prompt.render(Query(query), MAX_TOKENS)
    assert call.params == ROUTER_PARAMS


@given(
    query=TEXT,
    earlier=st.lists(TEXT, max_size=4),
    tools=st.booleans(),
    max_tokens=st.integers(50, 200),
)
def test_a_query_in_a_conversation_looks_the_same_in_search_and_serving(
    query: str, earlier: list[str], tools: bool, max_tokens: int
) -> None:
    """The search stores a query as the text that the router sees, and clips it once more."""
    example = Example(
        query=query,
        conversation=tuple({"role": "user", "content": text} for text in earlier),
        params={"tools": [{"type": "function"}]} if tools else {},
    )
    shown = example.as_query.for_router(max_tokens)
    prompt, model = packaged_prompt(), FakeModel(lambda _: "1")
    route(model, prompt, shown, max_tokens=max_tokens)
    assert model.asked[0].messages == prompt.render(example.as_query, max_tokens)


def test_measuring_reuses_the_calls_of_the_search() -> None:
    """The memo keys must match: numbers of another type would make another call, paid twice."""
    prompt, model = packaged_prompt(), FakeModel(lambda _: "3")
    calls = metered(model)
    with dspy.context(lm=router(calls), adapter=adapter(prompt)):
        RouteToTier(prompt)(query="What is a monoid?")
    messages = prompt.render(Query("What is a monoid?"), MAX_TOKENS)
    assert calls("fake/router", messages, ROUTER_PARAMS, Purpose.ROUTER).text == "3"
    assert len(model.asked) == 1


@pytest.mark.parametrize("reply", ["", "banana", "1 or 2", "Tier 9"])
def test_a_reply_without_a_tier_leads_to_the_safe_tier_and_is_paid_for(reply: str) -> None:
    usage = Usage(1000, 10)
    model = FakeModel(lambda _: Chunk({"content": reply}, usage=usage))
    routed = route(model, packaged_prompt(), "hello")
    assert routed.tier == "2"
    assert routed.router_usd == pytest.approx((1000 * 1 + 10 * 2) / 1e6)


@pytest.mark.parametrize(("reply", "tier"), [("1", "1"), ("2", "3"), ("3", "3"), ("?", "3")])
def test_with_two_tiers_the_nearest_allowed_one_is_used(reply: str, tier: str) -> None:
    assert route(FakeModel(lambda _: reply), packaged_prompt(), "hello", TWO).tier == tier


def test_a_prompt_that_is_too_large_is_never_sent() -> None:
    demos = tuple(Demo(query=f"{n} {'x' * 700}", tier=Tier.SMALL) for n in range(10))
    prompt = RoutingPrompt(instruction=CRITERIA, demos=demos)
    assert not fits(prompt)
    model = FakeModel(lambda _: "1")
    routed = route(model, prompt, "hello")
    assert (routed.tier, routed.router_usd, model.asked) == ("", 0.0, [])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_program_converts_back_to_its_prompt(prompt: RoutingPrompt) -> None:
    again = prompt_of(RouteToTier(prompt).deepcopy(), prompt.messages)
    assert again.version == prompt.version


def test_programs_of_dspys_proposer_use_dspys_own_adapter() -> None:
    model = FakeModel(lambda _: "[[ ## answer ## ]]\nforty-two\n\n[[ ## completed ## ]]")
    with dspy.context(lm=router(metered(model)), adapter=adapter(packaged_prompt())):
        assert dspy.Predict("question -> answer")(question="?").answer == "forty-two"
    assert "[[ ## question ## ]]" in str(model.asked[0].messages[-1]["content"])


def test_a_proposal_without_markers_is_parsed_without_a_second_call() -> None:
    model = FakeModel(lambda _: "  forty-two\n")
    with dspy.context(lm=router(metered(model)), adapter=adapter(packaged_prompt())):
        assert dspy.Predict("question -> answer")(question="?").answer == "forty-two"
    assert len(model.asked) == 1


def test_the_teacher_answers_with_the_known_label() -> None:
    prompt = packaged_prompt()
    teacher = language_model(LabelEngine({f"Query:\n{as_data('hello')}": "3"}), "teacher")
    with dspy.context(lm=teacher, adapter=adapter(prompt)):
        routed = RouteToTier(prompt)(query="hello")
    assert (routed.tier, routed.router_usd) == ("3", 0.0)


def test_dspy_takes_less_than_a_millisecond_of_a_routing_call() -> None:
    """Processor time in the best of several batches, so that other processes do not count."""
    prompt = packaged_prompt()
    program = RouteToTier(prompt)
    questions = [f"question {number}" for number in range(480)]
    at_once = LabelEngine({f"Query:\n{as_data(question)}": "1" for question in questions})
    with dspy.context(lm=language_model(at_once, "router"), adapter=adapter(prompt)):
        medians = []
        for batch in range(0, 480, 60):
            seconds = []
            for question in questions[batch : batch + 60]:
                started = time.process_time()
                program(query=question)
                seconds.append(time.process_time() - started)
            medians.append(median(seconds))
    assert min(medians) < 0.001

"""A tier is a model with its parameters: its name, its lookups, and what is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.cli.model_options import tier_models
from route_switch.domain.errors import ModelError
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.outcome import measured_output_ratios
from route_switch.domain.learning.ratio_provenance import ratios_as_provenance, ratios_in
from route_switch.domain.needs import Needs
from route_switch.domain.parameters import with_tier_parameters, without_overrides
from route_switch.domain.ports import Chunk, ModelCall
from route_switch.domain.pricing import Price
from route_switch.domain.prompts.verdict_scope import scope_of, stage_scope
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tier_parameters import (
    TierParameters,
    model_of,
    name_with,
    of_model,
    split_name,
)
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from route_switch.services.estimate_costs import worst_cost_usd
from route_switch.services.learning.answer_examples import AnswerExamples
from route_switch.services.learning.build_outcomes import BuildOutcomes, can_be_called
from tests.support.paid import FakeModel, metered

MODEL = "openai/gpt-5"
LOW, HIGH = (TierParameters(reasoning_effort=effort) for effort in ("low", "high"))
PRICE = Price(input_usd_per_million=1, output_usd_per_million=2)
CATALOG = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="openai/gpt-5-nano"),
        Tier.MEDIUM: TierModels(model=MODEL, params=LOW, fallbacks=("openai/other",)),
        Tier.LARGE: TierModels(model=MODEL, params=HIGH),
    },
    router="openai/gpt-5-nano",
    prices={MODEL: PRICE, "openai/gpt-5-nano": PRICE},
)
NAMES = {tier: of.name for tier, of in CATALOG.tiers.items()}

efforts = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])


@st.composite
def parameters(draw: st.DrawFn) -> TierParameters:
    effort = draw(st.none() | efforts)
    budget = draw(st.none() | st.integers(1024, 50_000)) if effort is None else None
    limit = st.integers(1 if budget is None else budget + 1, 100_000)
    return TierParameters(
        reasoning_effort=effort,
        thinking_budget_tokens=budget,
        verbosity=draw(st.none() | st.sampled_from(["low", "medium", "high"])),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1, exclude_min=True)),
        max_tokens=draw(st.none() | limit),
    )


models = st.from_regex(r"\A[a-z0-9_]{1,8}/[A-Za-z0-9.:/-]{1,12}\Z")


@given(models, parameters())
def test_a_name_contains_its_model_and_its_parameters(model: str, params: TierParameters) -> None:
    name = name_with(model, params)
    assert split_name(name) == (model, params)
    assert name_with(*split_name(name)) == name
    assert "," not in name, "provenances and --tiers separate names by commas"


@given(st.tuples(models, parameters()), st.tuples(models, parameters()))
def test_two_tiers_have_one_name_only_if_they_are_the_same(
    one: tuple[str, TierParameters], other: tuple[str, TierParameters]
) -> None:
    assert (name_with(*one) == name_with(*other)) == (one == other)


@pytest.mark.parametrize(
    "name",
    [
        *("llama (7B)", "meta/llama (7B)", "meta/llama (reasoning_effort=extreme)"),
        *("meta/llama (a=b=c)", "meta/llama (temperature=5)", "meta/llama ()", ""),
    ],
)
def test_other_texts_in_parentheses_belong_to_a_benchmarks_model_name(name: str) -> None:
    assert split_name(name) == (name, TierParameters())


def test_equal_numbers_have_one_name() -> None:
    assert name_with("p/m", TierParameters(temperature=1)) == "p/m (temperature=1)"
    assert name_with("p/m", TierParameters(temperature=0.0)) == "p/m (temperature=0)"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"reasoning_effort": "low", "thinking_budget_tokens": 2000}, "Set one"),
        ({"thinking_budget_tokens": 2000, "max_tokens": 2000}, "leaves nothing for the answer"),
        ({"thinking_budget_tokens": 100}, "thinking_budget_tokens"),
        ({"stop": "x"}, "stop"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_parameters_that_cannot_be_sent_are_refused(
    params: dict[str, JsonValue], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        TierModels.model_validate({"model": MODEL, "params": params})


def test_a_default_limit_within_the_thinking_budget_is_refused() -> None:
    params = TierParameters(thinking_budget_tokens=4096)
    with pytest.raises(ValidationError, match="Raise the limit, or lower the budget"):
        TierModels(model=MODEL, params=params, max_output_tokens=4000)


def test_one_model_at_two_efforts_has_two_names_and_one_price() -> None:
    assert NAMES[Tier.MEDIUM] == "openai/gpt-5 (reasoning_effort=low)"
    assert NAMES[Tier.LARGE] == "openai/gpt-5 (reasoning_effort=high)"
    assert CATALOG.price(NAMES[Tier.MEDIUM]) is CATALOG.price(NAMES[Tier.LARGE]) is PRICE
    assert CATALOG.models == ("openai/gpt-5-nano", MODEL, "openai/other")
    assert CATALOG.tiers[Tier.MEDIUM].with_fallbacks[1] == "openai/other (reasoning_effort=low)"


def test_a_price_by_the_whole_name_goes_first() -> None:
    assert of_model({MODEL: 1, NAMES[Tier.MEDIUM]: 2}, NAMES[Tier.MEDIUM]) == 2
    assert of_model({MODEL: 1}, NAMES[Tier.MEDIUM]) == 1
    assert of_model({"p/m": 1}, NAMES[Tier.MEDIUM]) is None


def test_a_plain_name_means_the_lowest_tier_and_a_whole_name_its_own() -> None:
    assert CATALOG.tier_of(MODEL) is Tier.MEDIUM
    assert CATALOG.tier_of(NAMES[Tier.LARGE]) is Tier.LARGE
    assert CATALOG.tier_of("openai/gpt-5 (reasoning_effort=medium)") is None


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ({}, {"reasoning_effort": "low", "temperature": 0.2}),
        ({"reasoning_effort": None}, {"reasoning_effort": "low", "temperature": 0.2}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high", "temperature": 0.2}),
        (
            {"thinking": {"type": "disabled"}},
            {"thinking": {"type": "disabled"}, "temperature": 0.2},
        ),
        ({"temperature": 0}, {"reasoning_effort": "low", "temperature": 0}),
        ({"seed": 7}, {"seed": 7, "reasoning_effort": "low", "temperature": 0.2}),
        ({"top_p": 0.5}, {"reasoning_effort": "low", "top_p": 0.5}),
    ],
)
def test_what_the_request_sets_itself_wins(
    own: dict[str, JsonValue], sent: dict[str, JsonValue]
) -> None:
    tier = TierParameters(reasoning_effort="low", temperature=0.2)
    assert with_tier_parameters(own, tier)[0] == sent


@pytest.mark.parametrize(
    ("tier", "own", "replacing"),
    [
        ({"reasoning_effort": "low"}, {}, ()),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}, ()),
        ({"reasoning_effort": "low"}, {"reasoning_effort": None}, ()),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "high"}, ("reasoning_effort",)),
        ({"reasoning_effort": "low"}, {"thinking": {"type": "disabled"}}, ("thinking",)),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "high"}}, ("reasoning",)),
        ({"thinking_budget_tokens": 2000}, {"reasoning_effort": "high"}, ("reasoning_effort",)),
        (
            {"thinking_budget_tokens": 2000},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            (),
        ),
        (
            {"reasoning_effort": "low"},
            {"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 9000}},
            ("reasoning_effort", "thinking"),
        ),
        ({"temperature": 0.2}, {"top_p": 0.5}, ("top_p",)),
        ({"verbosity": "low"}, {"verbosity": "high", "temperature": 1}, ("verbosity",)),
        ({"max_tokens": 500}, {"max_tokens": 300, "reasoning_effort": "high"}, ()),
        ({}, {"reasoning_effort": "high", "thinking": {}, "verbosity": "high"}, ()),
    ],
)
def test_an_answer_to_other_parameters_than_the_names_says_so(
    tier: dict[str, Any], own: dict[str, JsonValue], replacing: tuple[str, ...]
) -> None:
    of_tier = TierParameters(**tier)
    notes = with_tier_parameters(own, of_tier)[1]
    assert notes == tuple(f"{name} of the request replaces the tier's" for name in replacing)
    kept = without_overrides(own, of_tier)
    assert kept == {name: value for name, value in own.items() if name not in replacing}
    assert with_tier_parameters(kept, of_tier)[1] == (), "a replay is the tier's"


@given(st.none() | st.integers(1, 10_000), st.none() | st.integers(1, 10_000), st.integers(1, 5000))
def test_no_request_exceeds_the_tiers_limit(one: int | None, other: int | None, most: int) -> None:
    asked: dict[str, JsonValue] = {"max_tokens": one, "max_completion_tokens": other}
    sent, notes = with_tier_parameters(asked, TierParameters(max_tokens=most))
    for name, value in asked.items():
        if isinstance(value, int):
            assert sent[name] == min(value, most)
            assert (f"{name} lowered to {most}" in notes) == (value > most)


def test_a_model_is_called_by_its_own_name_with_its_tiers_parameters() -> None:
    model = FakeModel()
    limited = LimitedClients(lambda _: model, CATALOG.output_limit)("openai")
    list(limited.stream(ModelCall("gpt-5 (reasoning_effort=high; max_tokens=50)", (), {"n": 1})))
    call = model.asked[0]
    assert call.model == "gpt-5"
    assert call.params == {"n": 1, "reasoning_effort": "high", "max_tokens": 50}


def test_a_lowered_limit_is_reported_with_answers_and_failures() -> None:
    name = "gpt-5 (max_tokens=50)"
    answering = LimitedClients(lambda _: FakeModel(), CATALOG.output_limit)("openai")
    call, notes = ModelCall(name, (), {"max_tokens": 60}), ("max_tokens lowered to 50",)
    assert [chunk.adjusted for chunk in answering.stream(call)] == [notes]
    model = FakeModel(lambda _: ModelError("down"))
    with pytest.raises(ModelError) as failed:
        list(LimitedClients(lambda _: model, CATALOG.output_limit)("openai").stream(call))
    assert failed.value.adjusted == notes


@pytest.mark.parametrize(
    ("name", "stage_limit", "limit"),
    [
        ("openai/m", None, None),
        ("openai/m", 700, 700),
        ("openai/m (max_tokens=500)", None, 500),
        ("openai/m (max_tokens=500)", 300, 300),
        ("bedrock/m", 100_000, 4096),
        ("bedrock/m (max_tokens=9000)", None, 9000),
        ("bedrock/m (thinking_budget_tokens=2000)", None, 6096),
    ],
)
def test_the_limit_of_a_request_without_one(
    name: str, stage_limit: int | None, limit: int | None
) -> None:
    config = RouterConfig(models=CATALOG, max_tokens=stage_limit)
    assert config.output_limit(name) == limit


def test_the_money_reserved_covers_the_tiers_limit_and_its_thoughts() -> None:
    needs = Needs(tools=False, vision=False, input_tokens=0, reserved_tokens=0)
    config = RouterConfig(models=CATALOG.model_copy(update={"router": "openai/free"}))

    def tokens(params: TierParameters, **asked: JsonValue) -> float:
        usd = worst_cost_usd(config, [name_with(MODEL, params)], needs, asked)
        return round(usd * 1e6 / PRICE.output_usd_per_million)

    assert tokens(TierParameters(max_tokens=500), max_tokens=9000) == 500
    assert tokens(TierParameters(max_tokens=500)) == 500
    assert tokens(TierParameters(thinking_budget_tokens=3000)) == 4000
    assert tokens(HIGH) > tokens(LOW) > tokens(TierParameters())


def test_a_verdict_does_not_outlive_a_change_of_a_tiers_parameters() -> None:
    config, learning = RouterConfig(models=CATALOG), LearningConfig()
    tiers = {**CATALOG.tiers, Tier.LARGE: TierModels(model=MODEL)}
    changed = RouterConfig(models=CATALOG.model_copy(update={"tiers": tiers}))
    assert stage_scope(config, learning) != stage_scope(changed, learning)
    prices = {**CATALOG.prices, **dict.fromkeys(NAMES.values(), PRICE)}
    assert scope_of(NAMES, prices, config, learning.lambda_) == stage_scope(config, learning)
    limited = RouterConfig(models=CATALOG, max_tokens=500)
    assert stage_scope(config, learning) != stage_scope(limited, learning)


def _by_effort(call: ModelCall) -> Chunk:
    written = {"low": 100, "high": 900}.get(str(call.params.get("reasoning_effort")), 10)
    return Chunk(
        {"role": "assistant", "content": "42"}, finish_reason="stop", usage=Usage(10, written)
    )


def test_one_model_at_two_efforts_is_two_columns_with_their_own_costs() -> None:
    model = FakeModel(_by_effort)
    clients = LimitedClients(lambda _: model, CATALOG.output_limit)
    calls = metered(clients("openai"), memo=MemoryMemo())
    examples = [Example(query=f"What is {n} + 1?", gold="42") for n in range(30)]
    prices = {**CATALOG.prices, **dict.fromkeys(NAMES.values(), PRICE)}
    table = BuildOutcomes(calls, None, 1)(examples, NAMES, prices).table
    assert table.models == NAMES
    assert {call.model for call in model.asked} == {"gpt-5", "gpt-5-nano"}
    assert len(model.asked) == 90, "each effort is asked for itself"
    costs = [table.cost_usd(0, tier) for tier in (Tier.MEDIUM, Tier.LARGE)]
    assert costs == pytest.approx([(10 + 2 * 100) / 1e6, (10 + 2 * 900) / 1e6])
    ratios = measured_output_ratios(table)
    assert [each.ratio for each in ratios] == pytest.approx([90, 9])
    provenance = {"tiers": ",".join(NAMES.values()), **ratios_as_provenance(ratios, NAMES)}
    assert ratios_in(provenance)[1].pair == (NAMES[Tier.MEDIUM], NAMES[Tier.LARGE])


def test_a_recorded_result_is_one_efforts_alone() -> None:
    result = RecordedResult(answer="42", input_tokens=1, output_tokens=1)
    example = Example(query="What?", gold="42", models={NAMES[Tier.MEDIUM]: result})
    model = FakeModel(_by_effort)
    calls = metered(LimitedClients(lambda _: model, CATALOG.output_limit)("openai"))
    AnswerExamples(calls, 1)([example], NAMES)
    assert [call.params.get("reasoning_effort") for call in model.asked] == [None, "high"]


def test_learning_asks_each_effort_for_itself_regardless_of_what_the_request_asked_for() -> None:
    model = FakeModel(_by_effort)
    calls = metered(LimitedClients(lambda _: model, CATALOG.output_limit)("openai"))
    AnswerExamples(calls, 1)([Example(query="a", params={"reasoning_effort": "medium"})], NAMES)
    efforts = [call.params.get("reasoning_effort") for call in model.asked]
    assert efforts == ["medium", "low", "high"], "Tier 1 sets none, so its name claims none"


def test_learning_asks_with_the_limits_of_requests() -> None:
    config = RouterConfig(models=CATALOG, max_tokens=700)
    model = FakeModel(_by_effort)
    calls = metered(LimitedClients(lambda _: model, config.output_limit)("openai"))
    examples = [Example(query="a"), Example(query="b", params={"max_tokens": 5000})]
    AnswerExamples(calls, 1, config.stated_output_limit)(examples, {Tier.LARGE: MODEL})
    assert [call.params["max_tokens"] for call in model.asked] == [700, 700]


def test_the_command_line_takes_names_with_parameters_in_any_order() -> None:
    stated = "p/small,openai/gpt-5 (temperature=0.50; reasoning_effort=low)"
    assert tier_models(stated)[Tier.LARGE] == "openai/gpt-5 (reasoning_effort=low; temperature=0.5)"
    assert can_be_called(NAMES[Tier.LARGE])
    assert not can_be_called("llama (7B)")
    assert model_of("llama (7B)") == "llama (7B)"

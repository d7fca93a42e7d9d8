"""How much Claude thinks, and how an effort reaches the model families on Bedrock."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.adapters.models.fitting_client import FittingClient
from route_switch.domain.efforts import (
    EFFORT_TOKENS,
    MIN_THINKING_TOKENS,
    Effort,
    effort_of,
)
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.thinking import fit_thinking
from route_switch.domain.tier_parameters import TierParameters
from tests.support.paid import FakeModel

HI: JsonObject = {"role": "user", "content": "Hi"}
CALL: JsonObject = {
    "role": "assistant",
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT: JsonObject = {"role": "tool", "tool_call_id": "a", "content": "42"}
THOUGHTS: list[JsonValue] = [{"type": "thinking", "thinking": "…", "signature": "s"}]
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS = "us.anthropic.claude-opus-4-6-v1"
NOVA = "us.amazon.nova-2-lite-v1:0"


def budget(tokens: int) -> JsonObject:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("params", "fitted", "notes"),
    [
        ({}, {}, []),
        ({"reasoning_effort": "none", "top_p": 1}, {"reasoning_effort": "none", "top_p": 1}, []),
        ({"reasoning_effort": "low"}, {"thinking": budget(1024)}, []),
        ({"reasoning_effort": "high"}, {"thinking": budget(4096)}, []),
        ({"thinking": budget(5000)}, {"thinking": budget(5000)}, []),
        ({"thinking": {"type": "adaptive"}}, {"thinking": budget(2048)}, []),
        (
            {"reasoning_effort": "low", "temperature": 0.5},
            {"thinking": budget(1024)},
            ["temperature left out, since the model thinks"],
        ),
        (
            {"thinking": budget(5000), "max_tokens": 4000},
            {"thinking": budget(2000), "max_tokens": 4000},
            ["thinking lowered to 2000 tokens"],
        ),
        (
            {"reasoning_effort": "low", "max_tokens": 500, "temperature": 0},
            {"max_tokens": 500, "temperature": 0},
            ["reasoning_effort left out: an output limit of 500 leaves no room for thoughts"],
        ),
        (
            {"reasoning_effort": "low", "tool_choice": "required"},
            {"tool_choice": "required"},
            ["reasoning_effort left out: the model does not think when it must call a tool"],
        ),
    ],
)
def test_claude_gets_the_thoughts_that_its_request_allows(
    params: JsonObject, fitted: JsonObject, notes: list[str]
) -> None:
    assert fit_thinking(params, (HI,), adaptive=False) == (fitted, tuple(notes))


@given(
    st.sampled_from(["minimal", "low", "medium", "high", "xhigh", "max"]),
    st.integers(1, 40_000),
)
def test_a_budget_always_leaves_room_for_the_answer(effort: str, limit: int) -> None:
    params: JsonObject = {"reasoning_effort": effort, "max_tokens": limit}
    fitted, _ = fit_thinking(params, (HI,), adaptive=False)
    thinking = fitted.get("thinking")
    if isinstance(thinking, dict):
        tokens = thinking["budget_tokens"]
        assert isinstance(tokens, int)
        assert 1024 <= tokens < limit
    else:
        assert limit < 2048 + 1


@pytest.mark.parametrize(
    ("messages", "thinks"),
    [
        ((HI, CALL, RESULT), False),
        ((HI, {**CALL, "thinking_blocks": THOUGHTS}, RESULT), True),
        ((HI, {**CALL, "content": THOUGHTS}, RESULT), True),
        ((HI, CALL, RESULT, HI), False),
        ((HI, CALL, RESULT, {"role": "assistant", "content": "42"}, HI), True),
    ],
)
def test_an_open_tool_loop_without_its_thoughts_goes_on_without(
    messages: tuple[JsonObject, ...], thinks: bool
) -> None:
    fitted, notes = fit_thinking({"reasoning_effort": "low"}, messages, adaptive=True)
    assert ("reasoning_effort" in fitted) == thinks
    assert bool(notes) != thinks


def fields(model: str, known: Capabilities | None = None, **params: JsonValue) -> Any:
    """Return the model's own fields of the request that Bedrock gets."""
    recorder = FakeModel()
    capabilities = known or Capabilities()
    client = FittingClient(recorder, "bedrock", {f"bedrock/{model}": capabilities})
    list(client.stream(ModelCall(model, (HI,), {"max_tokens": 20_000, **params})))
    request = converse_request(recorder.asked[0], capabilities)
    return request.get("additionalModelRequestFields")


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (HAIKU, "medium", {"thinking": budget(2048)}),
        (HAIKU, "none", None),
        (NOVA, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (NOVA, "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
        ("openai.gpt-oss-120b-1:0", "minimal", {"reasoning_effort": "low"}),
        ("openai.gpt-oss-120b-1:0", "xhigh", {"reasoning_effort": "high"}),
        ("us.amazon.nova-pro-v1:0", "high", None),
    ],
)
def test_an_effort_reaches_each_family_in_its_own_field(
    model: str, effort: str, expected: JsonValue
) -> None:
    assert fields(model, reasoning_effort=effort) == expected


def test_an_adaptive_model_gets_an_effort() -> None:
    adaptive = Capabilities(adaptive_thinking=True)
    thinks = {"thinking": {"type": "adaptive"}}
    of_effort = fields(OPUS, adaptive, reasoning_effort="xhigh")
    assert of_effort == {**thinks, "output_config": {"effort": "xhigh"}}
    of_budget = fields(OPUS, adaptive, thinking=budget(2000))
    assert of_budget == {**thinks, "output_config": {"effort": "medium"}}
    assert fields(OPUS, adaptive, thinking={"type": "adaptive"}) == thinks
    assert fields(OPUS, adaptive, thinking={"type": "disabled"}) is None


def sent_params(provider: str, model: str, known: Capabilities, **params: JsonValue) -> Any:
    recorder = FakeModel()
    client = FittingClient(recorder, provider, {f"{provider}/{model}": known})
    list(client.stream(ModelCall(model, (HI,), params)))
    return recorder.asked[0].params


@pytest.mark.parametrize(
    ("params", "effort"),
    [
        ({"thinking": budget(1024)}, "low"),
        ({"thinking": budget(4096)}, "medium"),
        ({"thinking": budget(20_000)}, "high"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": budget(20_000), "reasoning_effort": "low"}, "low"),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_a_budget_becomes_an_effort_for_models_of_openai(
    params: dict[str, JsonValue], effort: str | None
) -> None:
    sent = sent_params("openai", "gpt-5", Capabilities(reasoning=True), **params)
    assert sent == ({} if effort is None else {"reasoning_effort": effort})


def test_an_unknown_server_gets_what_the_caller_sent() -> None:
    sent = sent_params("openai", "glm-5", Capabilities(), thinking=budget(2000))
    assert sent == {"thinking": budget(2000)}


def test_a_gateway_translates_an_effort_for_claude_itself() -> None:
    sent = sent_params("openrouter", "anthropic/claude-x", Capabilities(), reasoning_effort="low")
    assert sent == {"reasoning_effort": "low"}
    sent = sent_params("anthropic", "claude-x", Capabilities(), reasoning_effort="low")
    assert sent == {"thinking": budget(1024)}


def test_a_model_gets_no_larger_budget_than_an_effort_has_room_for() -> None:
    for effort, tokens in EFFORT_TOKENS.items():
        assert MIN_THINKING_TOKENS <= tokens.budget <= tokens.most
        room = TierParameters.model_validate({"reasoning_effort": effort}).thinking_room
        assert room == tokens.most
    assert set(EFFORT_TOKENS) == set(get_args(Effort)) - {"none"}


@given(st.integers(1, 16_384))
def test_an_effort_has_room_for_its_budget(budget_tokens: int) -> None:
    assert budget_tokens <= EFFORT_TOKENS[effort_of(budget_tokens)].most

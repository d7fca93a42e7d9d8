"""Parameters that a tier's model would refuse stop the synthesis, with the tier and the advice."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Annotations, Match

from infra.app import read_context
from infra.known_models import with_model_data
from infra.prices import with_capabilities
from infra.stage import load_stage
from infra.tier_checks import check_tiers
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig

HAIKU = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA = "bedrock/us.amazon.nova-lite-v1:0"
NOVA_2 = "bedrock/us.amazon.nova-2-lite-v1:0"


def check(model: str, params: dict[str, Any], **settings: Any) -> None:
    tiers = {str(tier): {"model": NOVA} for tier in (1, 3)} | {
        "2": {"model": model, "params": params}
    }
    models = {"tiers": tiers, "router": NOVA}
    config = RouterConfig.model_validate({"models": models, **settings})
    known = with_capabilities(config.models)
    check_tiers(config.model_copy(update={"models": known}))


@pytest.mark.parametrize(
    ("model", "params", "reason"),
    [
        (NOVA, {"reasoning_effort": "low"}, "does not think, so it takes no reasoning_effort"),
        ("openai/gpt-4o", {"reasoning_effort": "low"}, "does not think"),
        (HAIKU, {"reasoning_effort": "low", "temperature": 0.5}, "no temperature while it thinks"),
        (HAIKU, {"temperature": 0.5, "top_p": 0.5}, "temperature or top_p, not both"),
        (HAIKU, {"temperature": 1.5}, "a temperature of at most 1, not 1.5"),
        (HAIKU, {"verbosity": "low"}, "takes no verbosity"),
        (HAIKU, {"max_tokens": 100_000}, "writes at most 64,000 tokens, but max_tokens is 100,000"),
        (NOVA_2, {"reasoning_effort": "high"}, "takes no output limit at reasoning_effort high"),
        (NOVA_2, {"thinking_budget_tokens": 2000}, "takes no thinking_budget_tokens on Bedrock"),
        ("bedrock/us.deepseek.r1-v1:0", {"reasoning_effort": "low"}, "takes no reasoning_effort"),
        ("openai/gpt-5", {"reasoning_effort": "xhigh"}, "does not take reasoning_effort xhigh"),
        ("openai/gpt-5", {"thinking_budget_tokens": 2000}, "Set reasoning_effort instead"),
        ("openai/gpt-5", {"temperature": 0.5}, "takes no temperature"),
    ],
)
def test_what_a_model_refuses_is_found_at_synthesis(
    model: str, params: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refused:
        check(model, params)
    assert str(refused.value).startswith(f"router.models.tiers.2.params: {model} ")


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (HAIKU, {"thinking_budget_tokens": 4096, "max_tokens": 8000}),
        (HAIKU, {"reasoning_effort": "none", "temperature": 0.5}),
        ("bedrock/us.anthropic.claude-opus-4-6-v1", {"reasoning_effort": "high"}),
        (NOVA_2, {"reasoning_effort": "medium"}),
        ("openai/gpt-5", {"reasoning_effort": "minimal", "verbosity": "low"}),
        ("openai/an-unlisted-model", {"reasoning_effort": "low", "temperature": 2}),
    ],
)
def test_parameters_that_a_model_takes_pass(model: str, params: dict[str, Any]) -> None:
    check(model, params)


def test_a_compatible_server_may_take_a_budget() -> None:
    check("openai/glm", {"thinking_budget_tokens": 2000}, openai_base_url="http://10.0.0.1/v1")


@pytest.mark.parametrize(
    ("stage", "tiers", "warned"),
    [
        ("dev", (NOVA, HAIKU, HAIKU), ["Tiers 2 and 3"]),
        ("dev", (NOVA, NOVA, NOVA), ["Tiers 1 and 2", "Tiers 1 and 3", "Tiers 2 and 3"]),
        ("dev", (NOVA, HAIKU, NOVA_2), []),
        ("local", (NOVA, NOVA, NOVA), []),
    ],
)
def test_tiers_that_are_the_same_are_warned_about(
    stage: str, tiers: tuple[str, ...], warned: list[str]
) -> None:
    models = {str(n): {"model": model} for n, model in enumerate(tiers, 1)}
    stack = Stack(None, "stack")
    _with_tiers(stack, stage, models)
    assert _said(stack) == warned


def test_the_same_model_with_other_parameters_is_another_tier() -> None:
    stack = Stack(None, "stack")
    thinking = {"model": HAIKU, "params": {"reasoning_effort": "low"}}
    _with_tiers(stack, "dev", {"1": {"model": NOVA}, "2": {"model": HAIKU}, "3": thinking})
    assert _said(stack) == []


def _with_tiers(stack: Stack, name: str, tiers: dict[str, Any]) -> None:
    context = read_context({})
    router: Any = {"models": {"tiers": tiers, "router": NOVA}}
    stages: Any = context["stages"]
    own = {**stages[name], "router": router}
    with_model_data(stack, load_stage({**context, "stages": {name: own}}, name, {}))


def _said(stack: Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("^Tiers "))
    return [str(each.entry.data).partition(" have")[0] for each in found]

"""Which tiers may answer: the request's range, its needs, the owner's switches."""

import boto3
import pytest

from route_switch.domain.needs import Capabilities
from route_switch.services.refreshed_value import REFRESH_AFTER_S
from tests.integration.conftest import (
    CATALOG,
    LONG,
    SMALL_ONLY_KEY,
    Api,
    MakeApi,
    by_model,
    switch,
)
from tests.integration.test_openai_fields import TOOL
from tests.support.upstream import completion, failure

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
LIMITED = CATALOG.model_copy(
    update={
        "capabilities": {
            "openai/small": Capabilities(tools=False, vision=False, input_tokens=500),
            "openai/medium": Capabilities(vision=False),
            "openai/small-2": Capabilities(vision=False, input_tokens=100),
        }
    }
)
EVERYTHING = by_model(
    router=completion("1"),
    small=completion("s"),
    medium=completion("m"),
    large=completion("l"),
)


@pytest.mark.parametrize(
    ("routed", "options", "tier"),
    [
        ("1", {"min_tier": 2}, "2"),
        ("3", {"max_tier": 2}, "2"),
        ("2", {"min_tier": 1, "max_tier": 3}, "2"),
        ("1", {"min_tier": 3, "max_tier": 3}, "3"),
    ],
)
def test_a_request_may_narrow_the_tiers(
    api: Api, routed: str, options: dict[str, object], tier: str
) -> None:
    api.upstream.script = lambda body: (
        completion(routed) if body["model"] == "router" else completion("x")
    )
    answer = api.chat(LONG, route_switch=options)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == (tier, "router")
    assert "route_switch" not in api.upstream.calls[-1]


def test_a_failing_tier_is_not_replaced_by_one_outside_the_range(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("3"), large=failure(500), medium=failure(500), small=completion("s")
    )
    assert api.chat(LONG, route_switch={"min_tier": 2}).status == 502


def test_a_range_outside_the_key_is_a_403_and_one_that_excludes_the_named_tier_a_400(
    api: Api,
) -> None:
    outside = api.chat("hello", key=SMALL_ONLY_KEY, route_switch={"min_tier": 2})
    assert (outside.status, outside.error["code"]) == (403, "tier_not_allowed")
    against = api.chat("hello", model="tier-1", route_switch={"min_tier": 2})
    assert (against.status, against.error["code"]) == (400, "tier_out_of_range")
    assert api.upstream.calls == []


@pytest.mark.parametrize(
    ("fields", "content", "tier"),
    [
        ({"tools": [TOOL]}, "hello", "2"),
        ({}, [{"type": "text", "text": "What is this?"}, IMAGE], "3"),
        ({}, "word " * 500, "2"),
        ({}, "hello there, this is a short one that is routed", "1"),
    ],
    ids=["tools", "vision", "context", "nothing"],
)
def test_tiers_whose_model_lacks_a_capability_do_not_answer(
    make_api: MakeApi, fields: dict[str, object], content: object, tier: str
) -> None:
    api = make_api(models=LIMITED.model_dump(mode="json"))
    api.upstream.script = EVERYTHING
    body = {"messages": [{"role": "user", "content": content}], **fields}
    answer = api("POST", "/v1/chat/completions", body)
    assert answer.headers["x-route-tier"] == tier


def test_fallbacks_that_lack_a_capability_are_skipped(make_api: MakeApi) -> None:
    api = make_api(models=LIMITED.model_dump(mode="json"), escalate_named=True)
    api.upstream.script = by_model(small=failure(500), medium=completion("m"))
    assert api.chat("word " * 300, model="tier-1").headers["x-route-model"] == "openai/medium"


def test_a_named_tier_that_lacks_a_capability_is_a_400_that_says_so(
    make_api: MakeApi,
) -> None:
    api = make_api(models=LIMITED.model_dump(mode="json"))
    answer = api.chat("hello", model="tier-1", tools=[TOOL])
    assert (answer.status, answer.error["code"]) == (400, "unsupported_by_models")
    assert "tier-1: tools" in str(answer.error["message"])


def test_a_dry_run_decides_and_calls_no_tier(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"))
    answer = api.chat(LONG, route_switch={"dry_run": True}).body
    assert answer["choices"] == []
    decided = answer["route_switch"]
    assert isinstance(decided, dict)
    assert (decided["tier"], decided["model"]) == (3, "openai/large")
    assert answer["model"] == "openai/large", "typed clients expect a name"
    assert api.upstream.models_called() == ["router"]


def test_a_pinned_tier_answers_without_the_router(api: Api) -> None:
    switch(pin_tier=3)
    api.upstream.script = EVERYTHING
    answer = api.chat(LONG)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("3", "override")
    assert api.upstream.models_called() == ["large"]
    assert api.chat(LONG, key=SMALL_ONLY_KEY).headers["x-route-tier"] == "1"


def test_with_routing_off_short_queries_are_bypassed_and_others_go_to_the_safe_tier(
    api: Api,
) -> None:
    switch(routing="off")
    api.upstream.script = EVERYTHING
    headers = api.chat(LONG).headers
    assert (headers["x-route-tier"], headers["x-route-reason"]) == ("2", "fallback")
    assert api.chat("hello").headers["x-route-reason"] == "bypass"
    assert "router" not in api.upstream.models_called()


@pytest.mark.parametrize("broken", ['{"pin_tier": 9}', "not JSON", '{"router": false}'])
def test_broken_switches_leave_everything_on(api: Api, broken: str) -> None:
    boto3.client("ssm").put_parameter(Name="/test/switches", Value=broken, Type="String")
    api.upstream.script = EVERYTHING
    assert api.chat(LONG).headers["x-route-reason"] == "router"


def test_a_switch_takes_effect_in_a_running_process(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REFRESH_AFTER_S > 0
    monkeypatch.setattr("route_switch.services.refreshed_value.REFRESH_AFTER_S", 0.0)
    api.upstream.script = EVERYTHING
    assert api.chat(LONG).headers["x-route-reason"] == "router"
    switch(pin_tier=2)
    api.chat(LONG)  # reads it in parallel
    assert api.chat(LONG).headers["x-route-reason"] == "override"

"""Conversations of a stage whose Tier 2 has a cache, and what the answers say of their sessions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from pydantic import JsonValue

from route_switch.domain.pricing import Price
from tests.integration.conftest import LONG, Answer, Api, by_model
from tests.support.upstream import Reply, completion

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


Messages = list[dict[str, object]]


CALL: dict[str, JsonValue] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}


TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


RULES = "Say what the tide does. " * 1500


ASK: Messages = [{"role": "system", "content": RULES}, {"role": "user", "content": LONG}]


CHANGED: Messages = [{"role": "system", "content": f"It is noon. {RULES}"}, *ASK[1:]]


ON: Messages = [
    {"role": "assistant", "content": "The tides follow the Moon."},
    {"role": "user", "content": "And how would this look on a planet with two moons?"},
]


LOOP: Messages = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "high water at noon"},
]


SIGNED: Messages = [
    {
        "role": "assistant",
        "content": "Because of the Moon.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Moon.", "signature": "c2ln"}],
    },
    {"role": "user", "content": "And how would this look on a planet with two moons?"},
]


CACHED = Price(input_usd_per_million=3, output_usd_per_million=5, cached_input_usd_per_million=0.3)


def say(
    api: Api,
    messages: Messages,
    headers: Mapping[str, str] | None = None,
    key: str = "rs-client",
    **fields: object,
) -> Answer:
    body = {"model": "auto", "messages": messages, **fields}
    return api("POST", "/v1/chat/completions", body, key, headers)


def routed_to(api: Api, tier: int, **scripts: Reply) -> None:
    """Let the router LLM name this tier from now on."""
    answers = {"small": completion("s"), "medium": completion("m", 9000), "large": completion("l")}
    api.upstream.script = by_model(router=completion(str(tier)), **{**answers, **scripts})


def told(answer: Answer) -> tuple[str | None, str, str]:
    headers = answer.headers
    assert answer.status == 200, answer.text
    return headers.get("x-route-session"), headers["x-route-tier"], headers["x-route-reason"]


def states() -> "list[dict[str, AttributeValueTypeDef]]":
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return [item for item in items if item["pk"]["S"].startswith("SESSION#")]

"""Translate an OpenAI chat completion request into Bedrock's `converse` format.

- Sent: messages, tools and tool choice, `response_format` with a schema, token limit, temperature,
  top_p, stop; `reasoning_effort` and `thinking` in the model's own fields (`bedrock_reasoning`).
- Rejected by name, because dropping it would change the answer: any field in `_NO_EFFECT` with
  another value, JSON without a schema, legacy functions, tools other than functions.
- Dropped, because it only tunes or labels: everything else, such as `seed`, penalties,
  `service_tier`, `user`, `metadata` (which would copy labels into invocation
  logs) and a tool's `strict`, which most models on Bedrock reject.

Cache points of the request are sent (`bedrock_cache`). In a request without any, long prefixes are
marked for caching where that costs nothing (`_CACHES_FREELY`).

Bedrock has no equivalent of `parallel_tool_calls: false`; `bedrock.py` applies it to the answer.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_cache import with_accepted_points
from route_switch.adapters.models.bedrock_messages import system_blocks, turns_of
from route_switch.adapters.models.bedrock_reasoning import reasoning_fields
from route_switch.adapters.models.bedrock_thoughts import takes_thoughts
from route_switch.adapters.models.bedrock_tools import tool_calls_as_text, tool_config
from route_switch.domain.cache_points import has_points
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.needs import UNKNOWN, Capabilities
from route_switch.domain.ports import ModelCall
from route_switch.domain.tiers import DEFAULT_OUTPUT_TOKENS
from route_switch.domain.tokens import estimate_tokens

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        ConverseRequestTypeDef,
        InferenceConfigurationTypeDef,
        JsonSchemaDefinitionTypeDef,
        MessageTypeDef,
        OutputConfigTypeDef,
        SystemContentBlockTypeDef,
    )

_NO_EFFECT: Mapping[str, tuple[JsonValue, ...]] = {
    "n": (None, 1),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "logit_bias": (None, {}),
    "modalities": (None, ["text"]),
    "audio": (None,),
    "web_search_options": (None,),
    "functions": (None, []),
    "function_call": (None,),
}
"""Fields that cannot be sent, with the values that have no effect."""

_CACHES_FREELY = re.compile(r"(?:^|\.)amazon\.nova-(?:micro|lite|pro|premier)-")
"""Models that charge a quarter for cached input, and nothing more for what they write to the cache.
Claude charges more for writing: whether that pays only the caller knows.
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""
MIN_CACHED_TOKENS = 1000
"""The shortest prefix that Nova caches. It ignores the mark of a shorter one."""

_INSTEAD = {
    "functions": "Send 'tools' instead.",
    "function_call": "Send 'tool_choice' instead.",
}


def converse_request(call: ModelCall, known: Capabilities = UNKNOWN) -> "ConverseRequestTypeDef":
    """Raise `InvalidModelRequestError` when the translation would lose something. `known` is what
    is known of the model."""
    _reject_lossy_fields(call.params)
    own_points = has_points(call.messages, call.params)
    if own_points:
        messages, params = with_accepted_points(call, known)
        call = replace(call, messages=messages, params=params)
    tools = tool_config(call.params)
    turns = turns_of(call.messages, with_thoughts=takes_thoughts(call))
    if not tools:
        turns = tool_calls_as_text(turns)
    request: ConverseRequestTypeDef = {
        "modelId": call.model,
        "messages": turns,
        "inferenceConfig": _inference_config(call.params),
    }
    system, output = system_blocks(call.messages), _output_config(call.params)
    if _CACHES_FREELY.search(call.model) and not own_points:
        _add_cache_points(system, turns, known.cache_min_tokens or MIN_CACHED_TOKENS)
    if system:
        request["system"] = system
    if tools:
        request["toolConfig"] = tools
    if output:
        request["outputConfig"] = output
    thoughts = reasoning_fields(call.model, call.params, adaptive=known.adaptive_thinking)
    if thoughts:
        request["additionalModelRequestFields"] = thoughts
    return request


def _reject_lossy_fields(params: Mapping[str, JsonValue]) -> None:
    for name, no_effect in _NO_EFFECT.items():
        if params.get(name) not in no_effect:
            instead = _INSTEAD.get(name, "Remove it, or configure a provider that supports it.")
            raise InvalidModelRequestError(f"'{name}' cannot be sent to Bedrock. {instead}")


def _inference_config(params: Mapping[str, JsonValue]) -> "InferenceConfigurationTypeDef":
    limits = (params.get(name) for name in ("max_completion_tokens", "max_tokens"))
    limit = next((limit for limit in limits if limit is not None), None)
    stop = params.get("stop")
    config = {
        "maxTokens": DEFAULT_OUTPUT_TOKENS["bedrock"] if limit is None else limit,
        "temperature": params.get("temperature"),
        "topP": params.get("top_p"),
        "stopSequences": [stop] if isinstance(stop, str) else stop,
    }
    # The values are the caller's. botocore validates them before sending.
    return cast("InferenceConfigurationTypeDef", {k: v for k, v in config.items() if v is not None})


def _output_config(params: Mapping[str, JsonValue]) -> "OutputConfigTypeDef | None":
    match params.get("response_format"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_schema", "json_schema": {"schema": dict(schema), **rest}}:
            definition = {"schema": json.dumps(schema, ensure_ascii=False)}
            definition |= {
                k: v for k in ("name", "description") if isinstance(v := rest.get(k), str)
            }
            return {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": cast("JsonSchemaDefinitionTypeDef", definition)},
                }
            }
    raise InvalidModelRequestError(
        "'response_format' must be text, or json_schema with a schema: Bedrock enforces no other."
    )


def _add_cache_points(
    system: "list[SystemContentBlockTypeDef]", turns: "list[MessageTypeDef]", least: int
) -> None:
    """Mark what the next request probably repeats: the system's text, and all but the last turn.

    The router's prompt is such a prefix: only the query at its end differs.
    """
    tokens = sum(estimate_tokens(block.get("text", "")) for block in system)
    if tokens >= least:
        system.append({"cachePoint": {"type": "default"}})
    before = turns[:-1]
    in_turns = sum(estimate_tokens(b.get("text", "")) for turn in before for b in turn["content"])
    if before and tokens + in_turns >= least:
        last = before[-1]
        cache_point: ContentBlockTypeDef = {"cachePoint": {"type": "default"}}
        turns[-2] = {"role": last["role"], "content": [*last["content"], cache_point]}

"""An OpenAI chat completion request in the words of Bedrock's `converse`.

- Sent: messages, tools and the choice of them, `response_format` with a schema, token limit,
  temperature, top_p, stop.
- Refused by name, because the answer would be another one without it: what stands in `_HARMLESS`
  with any other value, JSON without a schema, legacy functions, tools that are no functions.
- Left out, because it only tunes or labels: everything else, such as `seed`, penalties,
  `reasoning_effort`, `service_tier`, `user`, `metadata` (which would copy labels into invocation
  logs) and the `strict` of a tool, which most models on Bedrock refuse.

`parallel_tool_calls: false` cannot be said to Bedrock; `bedrock.py` keeps it with the answer.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_messages import system_blocks, turns_of
from route_switch.adapters.models.bedrock_tools import told_as_text, tool_config
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import ModelCall

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ConverseRequestTypeDef,
        InferenceConfigurationTypeDef,
        JsonSchemaDefinitionTypeDef,
        OutputConfigTypeDef,
    )

_HARMLESS: Mapping[str, tuple[JsonValue, ...]] = {
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
"""Fields that cannot be sent, and the values that say nothing."""

_INSTEAD = {
    "functions": "Send 'tools' instead.",
    "function_call": "Send 'tool_choice' instead.",
}


def converse_request(call: ModelCall) -> "ConverseRequestTypeDef":
    """Raises `InvalidModelRequestError` where something would be lost on the way."""
    _refuse_what_would_be_lost(call.params)
    turns, tools = turns_of(call.messages), tool_config(call.params)
    request: ConverseRequestTypeDef = {
        "modelId": call.model,
        "messages": turns if tools else told_as_text(turns),
        "inferenceConfig": _inference_config(call.params),
    }
    system, output = system_blocks(call.messages), _output_config(call.params)
    if system:
        request["system"] = system
    if tools:
        request["toolConfig"] = tools
    if output:
        request["outputConfig"] = output
    return request


def _refuse_what_would_be_lost(params: Mapping[str, JsonValue]) -> None:
    for name, harmless in _HARMLESS.items():
        if params.get(name) not in harmless:
            instead = _INSTEAD.get(name, "Leave it out, or configure a provider that takes it.")
            raise InvalidModelRequestError(f"'{name}' cannot be sent to Bedrock. {instead}")


def _inference_config(params: Mapping[str, JsonValue]) -> "InferenceConfigurationTypeDef":
    limit, stop = params.get("max_completion_tokens"), params.get("stop")
    config = {
        "maxTokens": params.get("max_tokens") if limit is None else limit,
        "temperature": params.get("temperature"),
        "topP": params.get("top_p"),
        "stopSequences": [stop] if isinstance(stop, str) else stop,
    }
    # Its values are as the caller gave them: botocore checks them before it sends anything.
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
        "'response_format' must be text or json_schema with a schema: Bedrock keeps to no other."
    )

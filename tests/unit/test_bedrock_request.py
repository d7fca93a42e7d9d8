"""Request parameters reach Bedrock, or are refused by name."""

import json
from typing import Any

import pytest

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject, ModelCall
from tests.support.converse import MODEL, sent

HI: JsonObject = {"role": "user", "content": "Hi"}
DEFAULT: JsonObject = {"maxTokens": 4096}
SECRET = "the user's secret"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Now.", "parameters": PARAMETERS},
}
CALLED: tuple[JsonObject, ...] = (
    {"role": "user", "content": "How warm is it in Köln?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Köln"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "18 °C"},
)


def refused(**params: Any) -> str:
    with pytest.raises(InvalidModelRequestError) as caught:
        sent(HI, **params)
    return str(caught.value)


def test_a_plain_request_sends_no_optional_field_but_an_output_limit() -> None:
    assert sent(HI) == {
        "modelId": MODEL,
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 4096},
    }


@pytest.mark.parametrize(
    ("params", "config"),
    [
        ({"max_tokens": 5}, {"maxTokens": 5}),
        ({"max_completion_tokens": 7, "max_tokens": 5}, {"maxTokens": 7}),
        ({"max_completion_tokens": None, "max_tokens": 5}, {"maxTokens": 5}),
        ({"temperature": 0, "top_p": 0.5}, {**DEFAULT, "temperature": 0, "topP": 0.5}),
        ({"stop": "END"}, {**DEFAULT, "stopSequences": ["END"]}),
        ({"stop": ["a", "b"]}, {**DEFAULT, "stopSequences": ["a", "b"]}),
        ({"stop": None, "temperature": None, "top_p": None, "max_tokens": None}, DEFAULT),
    ],
)
def test_limits_and_sampling_are_sent(params: JsonObject, config: JsonObject) -> None:
    assert sent(HI, **params)["inferenceConfig"] == config


def test_tuning_and_labeling_fields_are_dropped() -> None:
    request = sent(
        HI,
        seed=7,
        frequency_penalty=1,
        presence_penalty=1,
        reasoning_effort="low",
        user="u",
        metadata={"team": SECRET},
        store=True,
        service_tier="auto",
        parallel_tool_calls=False,
        unheard_of=SECRET,
    )
    assert request == sent(HI)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("logit_bias", {"50256": -100}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": SECRET}),
        ("web_search_options", {}),
        ("functions", [{"name": SECRET}]),
        ("function_call", {"name": SECRET}),
    ],
)
def test_fields_that_would_change_the_answer_are_refused_by_name(name: str, value: Any) -> None:
    message = refused(**{name: value})
    assert message.startswith(f"'{name}' cannot be sent to Bedrock.")
    assert SECRET not in message


def test_a_field_with_a_neutral_value_is_not_refused() -> None:
    request = sent(
        HI, n=1, logprobs=False, top_logprobs=0, logit_bias={}, modalities=["text"], audio=None
    )
    assert request == sent(HI)


def test_legacy_functions_are_refused_and_the_replacement_is_named() -> None:
    assert "Send 'tools' instead" in refused(functions=[{"name": "f"}])
    assert "Send 'tool_choice' instead" in refused(function_call="auto")


def test_a_tool_is_declared_with_its_schema() -> None:
    assert sent(HI, tools=[WEATHER])["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "Now.",
                    "inputSchema": {"json": PARAMETERS},
                }
            }
        ]
    }


@pytest.mark.parametrize(
    ("function", "schema"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"parameters": None, "description": None}, {"type": "object", "properties": {}}),
        ({"parameters": {}, "description": ""}, {"type": "object", "properties": {}}),
        (
            {"parameters": {"properties": {"a": {}}}, "description": " "},
            {"type": "object", "properties": {"a": {}}},
        ),
        (
            {"parameters": {"type": "object", "additionalProperties": False}, "strict": True},
            {"type": "object", "properties": {}, "additionalProperties": False},
        ),
    ],
)
def test_a_tool_without_a_schema_gets_an_object_schema(
    function: JsonObject, schema: JsonObject
) -> None:
    [tool] = sent(HI, tools=[{"type": "function", "function": {"name": "f", **function}}])[
        "toolConfig"
    ]["tools"]
    assert tool == {"toolSpec": {"name": "f", "inputSchema": {"json": schema}}}


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        ("all", "'tools' must be an array"),
        ([WEATHER, {"type": "custom", "custom": {"name": SECRET}}], "tools[1] must be a function"),
        ([{"type": "function", "function": {"name": ""}}], "tools[0] must be a function"),
        (
            [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}],
            "tools[0].function.parameters must be the JSON schema of an object",
        ),
        (
            [{"type": "function", "function": {"name": "f", "parameters": SECRET}}],
            "tools[0].function.parameters must be the JSON schema of an object",
        ),
    ],
)
def test_unsupported_tools_are_refused(tools: Any, reason: str) -> None:
    message = refused(tools=tools)
    assert reason in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("choice", "sent_choice"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "weather"}}, {"tool": {"name": "weather"}}),
    ],
)
def test_tool_choice_is_sent_unless_it_is_bedrocks_default(choice: Any, sent_choice: Any) -> None:
    config = sent(HI, tools=[WEATHER], tool_choice=choice)["toolConfig"]
    assert config.get("toolChoice") == sent_choice


@pytest.mark.parametrize(
    "choice", ["sometimes", {"type": "allowed_tools"}, {"type": "custom", "custom": {"name": "x"}}]
)
def test_an_unsupported_tool_choice_is_refused(choice: Any) -> None:
    assert "'tool_choice' must be" in refused(tools=[WEATHER], tool_choice=choice)


def test_tool_choice_without_tools_is_refused_unless_it_is_none() -> None:
    assert "'tools' is empty" in refused(tool_choice="required")
    assert sent(HI, tool_choice="none", tools=[]) == sent(HI)


def test_tools_that_must_not_be_called_are_not_declared() -> None:
    assert sent(HI, tools=[WEATHER], tool_choice="none") == sent(HI)


@pytest.mark.parametrize("params", [{}, {"tools": [WEATHER], "tool_choice": "none"}])
def test_earlier_tool_calls_become_text_when_no_tool_may_be_called(
    params: dict[str, Any],
) -> None:
    request = sent(*CALLED, **params)
    assert "toolConfig" not in request
    assert request["messages"] == [
        {"role": "user", "content": [{"text": "How warm is it in Köln?"}]},
        {
            "role": "assistant",
            "content": [{"text": '[Tool call call_1: weather {"city": "Köln"}]'}],
        },
        {"role": "user", "content": [{"text": "[Result of tool call call_1:]\n18 °C"}]},
    ]


def test_a_response_schema_is_sent_unchanged() -> None:
    schema = {"type": "object", "properties": {"größe": {"type": "number"}}}
    form = {"name": "size", "description": "How tall.", "schema": schema, "strict": True}
    request = sent(HI, response_format={"type": "json_schema", "json_schema": form})
    text_format = request["outputConfig"]["textFormat"]
    assert text_format["type"] == "json_schema"
    definition = text_format["structure"]["jsonSchema"]
    assert json.loads(definition.pop("schema")) == schema
    assert definition == {"name": "size", "description": "How tall."}


@pytest.mark.parametrize("form", [None, {"type": "text"}])
def test_the_text_format_is_not_sent(form: Any) -> None:
    assert sent(HI, response_format=form) == sent(HI)


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": SECRET}},
        {"type": "grammar", "grammar": SECRET},
        SECRET,
    ],
)
def test_any_other_response_format_is_refused(form: Any) -> None:
    message = refused(response_format=form)
    assert message.startswith("'response_format' must be text, or json_schema")
    assert SECRET not in message


CACHE_POINT = {"cachePoint": {"type": "default"}}
LONG_TEXT = "What is the capital of France? " * 200


def prompt(system: str, demo: str = "Hi") -> tuple[JsonObject, ...]:
    """The router's messages: a frozen beginning, and the query."""
    return (
        {"role": "system", "content": system},
        {"role": "user", "content": demo},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "A query"},
    )


def test_the_routers_prompt_is_cached_up_to_the_query() -> None:
    request = sent(*prompt("Short.", LONG_TEXT))
    assert request["system"] == [{"text": "Short."}]
    assert [turn["content"][-1] == CACHE_POINT for turn in request["messages"]] == [
        False,
        True,
        False,
    ]
    request = sent(*prompt(LONG_TEXT))
    assert request["system"][-1] == CACHE_POINT
    assert [turn["content"][-1] == CACHE_POINT for turn in request["messages"]] == [
        False,
        True,
        False,
    ]
    assert sent(*prompt(LONG_TEXT)[:2])["messages"] == [
        {"role": "user", "content": [{"text": "Hi"}]}
    ]


@pytest.mark.parametrize(
    ("cache_min_tokens", "is_marked"), [(1600, False), (1500, True), (None, True)]
)
def test_a_prefix_is_marked_from_the_length_on_that_its_model_caches(
    cache_min_tokens: int | None, is_marked: bool
) -> None:
    call = ModelCall("amazon.nova-micro-v1:0", prompt(LONG_TEXT))  # about 1,550 tokens
    request = converse_request(call, Capabilities(cache_min_tokens=cache_min_tokens))
    assert ("cachePoint" in json.dumps(request)) == is_marked


def test_short_prompts_and_models_that_charge_for_writing_have_no_cache_point() -> None:
    assert "cachePoint" not in json.dumps(sent(*prompt("Short.")))
    for model in ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.titan-text-lite-v1"):
        request = converse_request(ModelCall(model, prompt(LONG_TEXT)))
        assert "cachePoint" not in json.dumps(request)

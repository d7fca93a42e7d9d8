"""A request of Anthropic's client reaches Anthropic's own models as it was, through LiteLLM."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_switch.adapters.models.litellm_client import LiteLlmClient, imported_litellm
from route_switch.api.protocols.messages.messages_request import parse_messages_request
from route_switch.api.protocols.messages.turns import chat_messages
from route_switch.domain.completion import complete
from route_switch.domain.ports import ModelCall
from tests.conformance.conftest import Conformance
from tests.conformance.dialect import load
from tests.conformance.test_litellm import ANTHROPIC
from tests.integration.messages_client import WEATHER, client_of, create
from tests.support.upstream import Reply, running_upstream

MARK = {"type": "ephemeral"}
TEXTS = st.text("abc xyz", min_size=1, max_size=8).map(lambda text: f"<{text}>")
MARKS = st.sampled_from([{}, {"cache_control": MARK}])


def marked(block: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda one, mark: {**one, **mark}, block, MARKS)


SAID = marked(st.builds(lambda text: {"type": "text", "text": text}, TEXTS))
IMAGES = st.just(
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
)
SIGNED = st.builds(
    lambda text, signature: {"type": "thinking", "thinking": text, "signature": signature},
    TEXTS,
    TEXTS,
)
REDACTED = st.just({"type": "redacted_thinking", "data": "xyz"})


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns as Anthropic demands them: in turn, thoughts first, results right after the calls."""
    turns: list[dict[str, Any]] = []
    called: list[str] = []
    for number in range(draw(st.integers(1, 3))):
        results = [
            {"type": "tool_result", "tool_use_id": id_, "content": draw(TEXTS)} for id_ in called
        ]
        said = draw(st.lists(SAID | IMAGES, min_size=0 if results else 1, max_size=2))
        turns.append({"role": "user", "content": [*results, *said]})
        thoughts = draw(st.lists(SIGNED | REDACTED, max_size=2))
        called = [f"toolu_{number}{n}" for n in range(draw(st.integers(0, 2)))]
        calls = [
            {"type": "tool_use", "id": id_, "name": "weather", "input": {"city": draw(TEXTS)}}
            for id_ in called
        ]
        texts = draw(st.lists(SAID, min_size=0 if calls else 1, max_size=1))
        turns.append({"role": "assistant", "content": [*thoughts, *texts, *calls]})
    results = [{"type": "tool_result", "tool_use_id": id_, "content": "<x>"} for id_ in called]
    turns.append({"role": "user", "content": [*results, {"type": "text", "text": "<end>"}]})
    return turns


@settings(deadline=None)  # LiteLLM is slow at first
@given(conversations())
def test_a_conversation_is_the_same_again(turns: list[dict[str, Any]]) -> None:
    imported_litellm()
    from litellm.litellm_core_utils.prompt_templates.factory import anthropic_messages_pt

    messages = [*chat_messages(None, [*turns])]
    again = anthropic_messages_pt(messages=messages, model="claude", llm_provider="anthropic")
    assert again == turns


def test_a_request_is_the_same_again(
    conformance: Conformance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    conformance.prepare(ANTHROPIC, load("anthropic", "text"), events=False)
    request: dict[str, Any] = {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Weather in Bern?"}]}],
        "tools": [{**WEATHER, "type": "custom", "cache_control": MARK}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "max_tokens": 4000,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    }
    sampling = {"temperature": 0.5, "top_k": 5}
    create(client_of(conformance.api), **request, extra_body=sampling)
    sent = conformance.api.upstream.calls[-1]
    assert {name: sent.get(name) for name in (*request, *sampling)} == {**request, **sampling}


def test_thoughts_are_asked_for_and_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    thought = {"type": "thinking", "thinking": "Six times seven.", "signature": "AbCd"}
    request = {
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Six times seven?"}]},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "42."}]},
            {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
        ],
    }
    call = parse_messages_request(json.dumps(request).encode())
    with running_upstream(lambda _: Reply(ANTHROPIC.routed)) as upstream:
        monkeypatch.setenv("ANTHROPIC_API_BASE", upstream.url.removesuffix("/v1"))
        params = {k: v for k, v in call.params.items() if k != "reasoning_effort"}
        model = ModelCall("claude-sonnet-4-5", call.messages, params)
        complete(LiteLlmClient("anthropic", lambda: "key").stream(model))
    assert {name: upstream.calls[-1][name] for name in request} == request

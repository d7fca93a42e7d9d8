"""OpenAI's own servers refuse messages with fields that they do not know."""

import pytest

from route_switch.adapters.models.openai_compatible import request_body
from route_switch.domain.ports import JsonObject, ModelCall

ASKED: JsonObject = {"role": "user", "content": "Why?", "reasoning": "the user's own field"}
SAID: JsonObject = {"role": "assistant", "content": "Because."}
THOUGHT: JsonObject = {
    "reasoning_content": "Hm.",
    "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
}
CALL = ModelCall("gpt", (ASKED, {**SAID, **THOUGHT}), {"seed": 1})


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com", "x.openai.azure.com"])
def test_openai_gets_no_thoughts_of_other_models(host: str) -> None:
    assert request_body(host, CALL) == {"seed": 1, "model": "gpt", "messages": [ASKED, SAID]}


@pytest.mark.parametrize("host", ["127.0.0.1", "api.deepseek.com", "myopenai.com"])
def test_other_servers_get_them_back(host: str) -> None:
    assert request_body(host, CALL)["messages"] == [*CALL.messages]

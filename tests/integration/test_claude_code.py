"""Requests of Claude Code, as recorded: `recorded/claude-code.json`.

To record again, point `ANTHROPIC_BASE_URL` of `claude -p` at a stack whose models are scripted, and
replace all texts, tool descriptions, schemas and ids.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Api, by_model
from tests.integration.messages_client import call_of, events_of, said, sent
from tests.support.upstream import completion

RECORDED: list[Any] = json.loads(
    Path(__file__).with_name("recorded").joinpath("claude-code.json").read_text("utf-8")
)["requests"]
every_request = pytest.mark.parametrize("recorded", RECORDED, ids=range(len(RECORDED)))


@every_request
def test_a_recorded_request_is_answered(api: Api, recorded: Any) -> None:
    calls = [call_of("Read", '{"file_path": "a.py"}')]
    answered = said(content="I will look.", reasoning_content="Hm.", tool_calls=calls)
    api.upstream.script = by_model(router=completion("1"), small=answered)
    answer = api("POST", recorded["path"], recorded["body"], headers=recorded["headers"])
    assert answer.status == 200, answer.text
    blocks = [e["content_block"] for e in events_of(answer) if "content_block" in e]
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]


@every_request
def test_models_receive_a_conversation_that_every_server_takes(api: Api, recorded: Any) -> None:
    """Instructions first, and the results of all calls right after them."""
    api.upstream.script = by_model(router=completion("1"), small=completion("Done."))
    api("POST", recorded["path"], recorded["body"], headers=recorded["headers"])
    called: list[str] = []
    may_instruct = True
    for message in sent(api)["messages"]:
        may_instruct = may_instruct and message["role"] == "system"
        assert may_instruct or message["role"] != "system"
        if message["role"] == "tool":
            called.remove(message["tool_call_id"])
        else:
            assert called == []
        called += [call["id"] for call in message.get("tool_calls", ())]
    assert called == []


@every_request
def test_only_loaded_tools_are_sent(api: Api, recorded: Any) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Done."))
    api("POST", recorded["path"], recorded["body"], headers=recorded["headers"])
    names = [tool["function"]["name"] for tool in sent(api)["tools"]]
    has_loaded = "tool_reference" in json.dumps(recorded["body"]["messages"])
    assert ("WebFetch" in names) == has_loaded
    assert "DeferredToolPlaceholder" not in names

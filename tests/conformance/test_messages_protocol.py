"""Every dialect of OpenAI's form and of Bedrock, seen by Anthropic's client."""

from typing import Any

import anthropic
import pytest
from anthropic.types import Message

from tests.conformance.conftest import QUERY, Client, Conformance, both_ways, every_dialect
from tests.conformance.dialect import Dialect, Seen, load
from tests.conformance.test_bedrock import CLIENT as BEDROCK
from tests.conformance.test_openai_compatible import CLIENT as OPENAI
from tests.integration.messages_client import WEATHER, ask, client_of, streamed_by
from tests.integration.messages_client import create as whole

RECORDED = load(OPENAI.form, "openai-cached")

STOP_REASONS = {
    "stop": {"end_turn", "refusal"},
    "length": {"max_tokens"},
    "tool_calls": {"tool_use"},
    "function_call": {"tool_use"},
    "content_filter": {"refusal"},
}


@pytest.mark.usefixtures("without_records")
@every_dialect(OPENAI.form)
def test_openai_dialect(conformance: Conformance, dialect: Dialect) -> None:
    check(conformance, OPENAI, dialect)


@pytest.mark.usefixtures("without_records")
@every_dialect(BEDROCK.form)
def test_bedrock_dialect(conformance: Conformance, dialect: Dialect) -> None:
    check(conformance, BEDROCK, dialect)


@both_ways
def test_an_answer_in_this_protocol_is_recorded(conformance: Conformance, stream: bool) -> None:
    conformance.prepare(OPENAI, RECORDED, events=stream)
    answer = ask(conformance.api, QUERY, stream=stream)
    assert answer.status == 200
    conformance.check_record(answer, RECORDED.seen, stream=stream)


def check(conformance: Conformance, client: Client, dialect: Dialect) -> None:
    for stream in (False, True):
        conformance.prepare(client, dialect, events=stream)
        seen = dialect.streamed if stream and dialect.streamed else dialect.seen
        answered = streamed_by if stream else whole
        sdk = client_of(conformance.api)
        options = {k: v for k, v in dialect.request.items() if k in ("temperature", "top_p")}
        options = {k: min(v, 1) for k, v in options.items()}  # this protocol's highest
        fields = {"content": QUERY, "tools": [WEATHER], "extra_body": options}
        if seen.error is not None:
            with pytest.raises(anthropic.APIStatusError) as raised:
                answered(sdk, **fields)
            assert raised.value.status_code == seen.status
            body: Any = raised.value.body
            assert body["type"] == "error"
            assert seen.error.message in body["error"]["message"]
        else:
            check_message(answered(sdk, **fields), seen)


def check_message(message: Message, seen: Seen) -> None:
    Message.model_validate(message.to_dict(), strict=True)
    expected = seen.choices[0]
    blocks = message.content
    texts = "".join(block.text for block in blocks if block.type == "text")
    said = [expected["message"].get(name) or "" for name in ("content", "refusal")]
    assert texts == "".join(map(str, said))
    signed = expected["message"].get("thinking_blocks") or []
    thoughts = [block.to_dict() for block in blocks if "thinking" in block.type]
    assert not signed or thoughts == signed
    calls = expected["message"].get("tool_calls") or []
    names = [block.name for block in blocks if block.type == "tool_use"]
    for name, call in zip(names, calls, strict=False):
        assert call.get("function", {}).get("name", name) == name
    assert len(names) >= len(calls)
    reason = expected.get("finish_reason")
    assert reason is None or message.stop_reason in STOP_REASONS[reason]

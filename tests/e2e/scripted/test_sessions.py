"""A conversation over HTTP: the function's own permissions, and OpenAI's client unchanged."""

from typing import Any

from tests.e2e.conftest import ServedStack
from tests.e2e.scripted.test_scripted import LARGE, ROUTER, SMALL, by_model
from tests.support.upstream import Reply, chunk, completion, usage_chunk

CALL: Any = {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
TOOLS: Any = [{"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}]
ASK: Any = [{"role": "user", "content": "How high is the water at noon in Brest, to the meter?"}]
LOOP: Any = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "5.2 m"},
]


def test_an_agents_tool_loop_stays_on_the_model_that_began_it(scripted: ServedStack) -> None:
    calls = [chunk({"role": "assistant", "tool_calls": [{"index": 0, **CALL}]})]
    scripted.upstream.script = by_model(
        {
            ROUTER: completion("3"),
            LARGE: Reply(parts=[*calls, chunk({}, "tool_calls"), usage_chunk()]),
        }
    )
    client = scripted.openai.chat.completions
    stream = client.with_raw_response.create(model="auto", messages=ASK, tools=TOOLS, stream=True)
    assert stream.headers["x-route-session"] == "new"
    assert [each for each in stream.parse() if each.choices][-1].choices[0].finish_reason
    scripted.upstream.script = by_model(
        {ROUTER: completion("1"), LARGE: completion("5 meters."), SMALL: completion("Dunno.")}
    )
    scripted.upstream.calls.clear()

    answer = client.with_raw_response.create(model="auto", messages=ASK + LOOP, tools=TOOLS)

    assert answer.parse().choices[0].message.content == "5 meters."
    assert answer.headers["x-route-session"] == "kept"
    assert answer.headers["x-route-reason"] == "session"
    assert scripted.upstream.models_called() == [LARGE]

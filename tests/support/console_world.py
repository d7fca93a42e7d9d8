"""What the console shows in its tests: requests, keys and a learning run on a real local stack."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import JsonValue

from local.aws.client import StackInfo
from route_switch.domain.query import text_of
from tests.support.scripted_models import Models, numbers, recorded
from tests.support.upstream import Body, Reply, completion, streamed
from tests.support.weekly import SLOWEST_RUN_S, Weekly, stage_of

PLANTED = "<script>alert(1)</script><img src=x onerror=alert(2)>"
"""Planted wherever a person can write a text. It must show as text."""
QUERIES = (
    "When does the museum open on Sundays?",
    "Summarize the attached meeting notes in three bullet points.",
    "Prove that the square root of two is irrational.",
    f"Say hello to {PLANTED}",
)
ANSWER = ("It is ", "a scripted ", "answer.")
LOOK_S = 1.0
"""Seconds between looks at a run. Each takes processor time from it."""
_OF_LEARNING = re.compile(r"\bcase \d+")
_HARD, _EASY = "Prove", "open"


@dataclass
class ConsoleModels:
    """Answers people's requests, streamed if asked, and leaves those of a learning run to
    `Models`."""

    learning: Models = field(default_factory=Models)

    def __call__(self, body: Body) -> Reply:
        if _OF_LEARNING.search(_last(body)) or body["model"] in ("proposer", "judge"):
            return self.learning(body)
        if body["model"] == "router":
            return completion(_tier(_last(body)), 40, 1)
        return streamed(*ANSWER) if body.get("stream") else completion("".join(ANSWER))


def _last(body: Body) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    return text_of(messages[-1]) if isinstance(messages[-1], dict) else ""


def _tier(query: str) -> str:
    return "3" if _HARD in query else "1" if _EASY in query else "2"


def console_stage(url: str) -> dict[str, Any]:
    """The weekly stage, whose runs always wait for a person."""
    context = json.loads(Path("cdk.json").read_text("utf-8"))["context"]
    stage = stage_of(url, context)
    local = stage["stages"]["local"]
    local["learning"] = {**local["learning"], "approval": "always", "approval_hours": 0.5}
    return stage


@dataclass(frozen=True)
class ConsoleWorld:
    """A stack with the requests of `QUERIES` and what the tests of the console add."""

    weekly: Weekly

    @property
    def stack(self) -> StackInfo:
        return self.weekly.stack

    def call(
        self, method: str, path: str, body: Mapping[str, JsonValue] | None = None, key: str = ""
    ) -> Any:
        """Call the API as an admin, or with another key, and return the answer's JSON."""
        answer = httpx.request(
            method,
            f"{self.stack.endpoint}{path}",
            json=body,
            headers={"authorization": f"Bearer {key or self.stack.admin_key}"},
            timeout=60,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    @property
    def live(self) -> Any:
        return self.call("GET", "/v1/prompt")

    @property
    def live_number(self) -> int:
        return int(self.live["version"].removeprefix("live@"))

    def publish(self, document: str) -> None:
        base = self.live_number
        self.call("POST", "/v1/prompt", {"document": document, "base_version": base})

    def new_key(self, name: str, **settings: JsonValue) -> str:
        """Make a client key and return its secret."""
        made = self.call("POST", "/v1/keys", {"name": name, "role": "client", **settings})
        return str(made["key"])

    def start_run(self) -> str:
        """Start a learning run on examples that a search learns from, and return its id."""
        rows = numbers(train=20, validation=16, heldout=52)
        self.weekly.seed([recorded(number) for number in rows])
        return str(self.call("POST", "/v1/runs", {})["run"])

    def wait_for(self, run: str, state: str) -> None:
        """Wait until the run is in this state."""
        latest = time.monotonic() + SLOWEST_RUN_S
        while (found := self.call("GET", f"/v1/runs/{run}"))["state"] != state:
            assert time.monotonic() < latest, found
            time.sleep(LOOK_S)

    def stop_runs(self) -> None:
        """Stop what is under way, so that it takes no time from further tests."""
        workflow = self.weekly.client("stepfunctions")
        found = workflow.list_executions(
            stateMachineArn=self.stack.state_machine, statusFilter="RUNNING"
        )
        for execution in found["executions"]:
            workflow.stop_execution(executionArn=execution["executionArn"])

    def ask(self, query: str, key: str = "") -> str:
        """Send a request and return its id."""
        body: dict[str, JsonValue] = {
            "model": "auto",
            "messages": [{"role": "user", "content": query}],
            "user": PLANTED,
        }
        answer = self.call("POST", "/v1/chat/completions", body, key or self.stack.api_key)
        return str(answer["id"])

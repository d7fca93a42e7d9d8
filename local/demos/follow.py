"""Follows an execution of the learning workflow until it is over, and says where it is."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from rich.status import Status

from local.aws.client import StackInfo, aws_client

POLL_S = 0.5
TRIALS_A_LINE = 10
WAITS = "Approve"
STATES = {
    "Claim": "one run for one scheduled time, one run at a time",
    "Collect": "examples from the requests of the last weeks",
    "BuildOutcomes": "what each tier answers to each example, and how good that is",
    "Optimize": "the search for a better prompt",
    "Evaluate": "candidate, live prompt and baselines on held-out examples",
    "Approve": "a person decides",
    "Promote": "the candidate goes live",
    "Report": "the verdict, recorded",
    "Notify": "whoever subscribed is told",
    "Failed": "what failed, recorded; the live prompt stays",
    "Notify of the failure": "whoever subscribed is told",
    "Tell plainly": "whoever subscribed is told that something failed",
}
"""States that work, in a few words; those between them decide."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that is over. `told` is what whoever subscribed was told."""

    failed: bool
    outcome: str
    told: str


class Follower:
    """Prints each state as it is entered, and between them how the search goes: on a terminal in
    place, elsewhere a line now and then. `ask` is called once where the run waits for a person."""

    def __init__(
        self, console: Console, stack: StackInfo, run_id: str, ask: Callable[[], None]
    ) -> None:
        self._console = console
        self._run_id = run_id
        self._ask = ask
        self._workflow = aws_client("stepfunctions", stack.aws_endpoint, stack.region)
        self._s3 = aws_client("s3", stack.aws_endpoint, stack.region)
        self._bucket = stack.learning_bucket
        self._states: list[str] = []
        self._news: dict[str, Any] = {}
        self._began = time.monotonic()

    def __call__(self, execution: str) -> Ended:
        with self._console.status("") as status:
            while True:
                found = self._workflow.describe_execution(executionArn=execution)
                self._tell_states(execution, status)
                if found["status"] != "RUNNING":
                    return ended(found)
                self._tell_news(status)
                time.sleep(POLL_S)

    def _tell_states(self, execution: str, status: Status) -> None:
        states = list(self._entered(execution))
        for name in states[len(self._states) :]:
            seconds = time.monotonic() - self._began
            self._console.print(f"{seconds:6.1f} s  [bold]{name:14}[/] {STATES[name]}")
            status.update(STATES[name])
            if name == WAITS:
                status.stop()  # it would overwrite what is typed
                self._ask()
                status.start()
        self._states = states

    def _entered(self, execution: str) -> Iterator[str]:
        pages = self._workflow.get_paginator("get_execution_history")
        for page in pages.paginate(executionArn=execution):
            for event in page["events"]:
                name = event.get("stateEnteredEventDetails", {}).get("name")
                if name in STATES:
                    yield name

    def _tell_news(self, status: Status) -> None:
        news = self._read_news()
        if news == self._news:
            return
        status.update(sentence(news))
        if not self._console.is_terminal and is_worth_a_line(news, self._news):
            self._console.print(f"{'':9} {sentence(news)}")
        self._news = news

    def _read_news(self) -> dict[str, Any]:
        """Empty before the search has begun."""
        key = f"work/{self._run_id}/progress.json"
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError:
            return {}
        news: dict[str, Any] = json.loads(found["Body"].read())
        return news


def sentence(news: dict[str, Any]) -> str:
    """What `route_switch.adapters.learning.progress_file.News` wrote, to read."""
    said = [str(news["step"])]
    if "trial" in news:
        said += [f"trial {news['trial']}", f"best objective {news['best_objective']:.4f}"]
    return ", ".join([*said, f"spent ${news['spent_usd']:.4f}"])


def is_worth_a_line(news: dict[str, Any], before: dict[str, Any]) -> bool:
    """A step that begins, and every tenth trial or so."""
    tens, tens_before = (int(each.get("trial", 0)) // TRIALS_A_LINE for each in (news, before))
    return news["step"] != before.get("step") or tens > tens_before


def ended(found: dict[str, Any]) -> Ended:
    if found["status"] == "SUCCEEDED":
        output = json.loads(found["output"])
        return Ended(False, output["outcome"], output.get("message") or output["why"])
    cause = found.get("cause") or "The execution's history has the reason."
    return Ended(True, "failed", cause)

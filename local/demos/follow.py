"""Follow an execution of the learning workflow, and print its progress."""

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
    "Claim": "allow one run per scheduled time, and one run at a time",
    "Collect": "collect examples from recent requests",
    "BuildOutcomes": "get and grade each tier's answer to each example",
    "Optimize": "search for a better prompt",
    "Evaluate": "compare candidate, live prompt and baselines on held-out examples",
    "Approve": "wait for a person's decision",
    "Promote": "make the candidate live",
    "Report": "record the verdict",
    "Notify": "notify subscribers",
    "Failed": "record the failure; the live prompt is unchanged",
    "Notify of the failure": "notify subscribers",
    "Tell plainly": "notify subscribers that something failed",
}
"""Descriptions of the states that do work. The states between them only branch."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished execution. `notification` is the text that subscribers received."""

    failed: bool
    outcome: str
    notification: str


class Follower:
    """Print each state as it is entered, and the progress of the search in between.

    On a terminal, progress is shown in place; elsewhere, in occasional lines. `ask` is called once
    if the run waits for approval.
    """

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
        self._progress: dict[str, Any] = {}
        self._began = time.monotonic()

    def __call__(self, execution: str) -> FinishedRun:
        with self._console.status("") as status:
            while True:
                found = self._workflow.describe_execution(executionArn=execution)
                self._print_states(execution, status)
                if found["status"] != "RUNNING":
                    return finished_run(found)
                self._print_progress(status)
                time.sleep(POLL_S)

    def _print_states(self, execution: str, status: Status) -> None:
        states = list(self._entered(execution))
        for name in states[len(self._states) :]:
            seconds = time.monotonic() - self._began
            self._console.print(f"{seconds:6.1f} s  [bold]{name:14}[/] {STATES[name]}")
            status.update(STATES[name])
            if name == WAITS:
                status.stop()  # it would overwrite the person's input
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

    def _print_progress(self, status: Status) -> None:
        progress = self._read_progress()
        if progress == self._progress:
            return
        status.update(describe_progress(progress))
        if not self._console.is_terminal and is_milestone(progress, self._progress):
            self._console.print(f"{'':9} {describe_progress(progress)}")
        self._progress = progress

    def _read_progress(self) -> dict[str, Any]:
        """Return the run's progress file; empty before the search begins."""
        key = f"work/{self._run_id}/progress.json"
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError:
            return {}
        progress: dict[str, Any] = json.loads(found["Body"].read())
        return progress


def describe_progress(progress: dict[str, Any]) -> str:
    """Describe the content that `ProgressFile` wrote."""
    said = [str(progress["step"])]
    if "trial" in progress:
        said += [f"trial {progress['trial']}", f"best objective {progress['best_objective']:.4f}"]
    return ", ".join([*said, f"spent ${progress['spent_usd']:.4f}"])


def is_milestone(progress: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a new step began, or another ten trials passed."""
    tens, tens_before = (int(p.get("trial", 0)) // TRIALS_A_LINE for p in (progress, before))
    return progress["step"] != before.get("step") or tens > tens_before


def finished_run(found: dict[str, Any]) -> FinishedRun:
    if found["status"] == "SUCCEEDED":
        output = json.loads(found["output"])
        return FinishedRun(False, output["outcome"], output.get("message") or output["why"])
    cause = found.get("cause") or "See the execution's history for the reason."
    return FinishedRun(True, "failed", cause)

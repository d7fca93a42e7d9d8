"""Asking a person: the state waits with a token until somebody answers, or nobody does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.workflow.events import AskEvent


class Publish(Protocol):
    """Publishes a notification."""

    def __call__(self, subject: str, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """Asked twice for one waiting state, it tells twice: better than not at all."""

    runs: DynamoDbRuns
    publish: Publish
    stage: str
    hours: float
    report_of: Callable[[str], str]

    def __call__(self, event: AskEvent) -> None:
        run = event.run.id
        self.runs.wait_for_approval(run, event.token)
        self.publish(
            f"route-switch {self.stage}: a better prompt needs approval (run {run})",
            "A better routing prompt was found, and a person has to approve it: "
            f"{event.why}\nRead\n{self.report_of(run)}\nand then run one of\n"
            f"route-switch approve {run} --stage {self.stage}\n"
            f"route-switch reject {run} --stage {self.stage}\n"
            f"After {self.hours:g} hours, silence means no.",
        )

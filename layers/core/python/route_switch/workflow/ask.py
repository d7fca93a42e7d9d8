"""The approval step: the state waits with a token until a person answers or the time is over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.domain.learning.prompt_news import waits_for_approval
from route_switch.workflow.events import AskEvent
from route_switch.workflow.mail import Mail, subject_line


class Notify(Protocol):
    """Send a notification to the stage's owner."""

    def __call__(self, subject: str, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AskForApproval:
    """Ask a person to approve a candidate. A retry may ask twice, which is better than never."""

    runs: DynamoDbRuns
    notify: Notify
    mail: Mail
    stage: str
    hours: float
    report_of: Callable[[str], str]

    def __call__(self, event: AskEvent) -> None:
        run = event.run.id
        self.runs.wait_for_approval(run, event.token)
        details = (
            "A better routing prompt was found, and a person has to approve it: "
            f"{event.why}\nRead the report\n{self.report_of(run)}\nand then run one of\n"
            f"route-switch approve {run} --stage {self.stage}\n"
            f"route-switch reject {run} --stage {self.stage}\n"
            f"Without an answer within {self.hours:g} hours, the candidate is rejected."
        )
        self.notify(
            subject_line(self.stage, f"a better prompt needs approval (run {run})"),
            self.mail(lambda _: waits_for_approval(run, self.stage), details),
        )

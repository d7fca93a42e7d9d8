"""Learning runs on Step Functions: start them, answer them, and see whether they run."""

import json
from typing import TYPE_CHECKING

from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.learning.stored_run import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsRuns:
    """Executions of a standard state machine, which accepts each name once in 90 days."""

    def __init__(self, step_functions: "SFNClient", state_machine_arn: str) -> None:
        self._step_functions = step_functions
        self._state_machine_arn = state_machine_arn

    def start(self, name: str, run: StartRun) -> bool:
        content = {
            "scheduled_time": f"{run.scheduled_time:%Y-%m-%dT%H:%M:%SZ}",
            "trigger": run.trigger,
            "reason": run.reason,
        }
        try:
            self._step_functions.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(content)
            )
        except self._step_functions.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def execution(self, arn: str) -> Execution:
        """Step Functions keeps an execution for 90 days after its end."""
        client = self._step_functions
        try:
            status = client.describe_execution(executionArn=arn)["status"]
        except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
            return "unknown"
        return "running" if status == "RUNNING" else "ended"

    def of_name(self, name: str) -> Execution:
        return self.execution(self.arn_of(name))

    def arn_of(self, name: str) -> str:
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


class StepFunctionsApprovals:
    def __init__(self, step_functions: "SFNClient") -> None:
        self._step_functions = step_functions

    def answer(self, token: str, *, approved: bool, by: str) -> bool:
        """Return False if the run is not waiting any more."""
        output = json.dumps({"approved": approved, "by": by})
        known = self._step_functions.exceptions
        try:
            self._step_functions.send_task_success(taskToken=token, output=output)
        except (known.TaskTimedOut, known.TaskDoesNotExist):
            return False
        return True

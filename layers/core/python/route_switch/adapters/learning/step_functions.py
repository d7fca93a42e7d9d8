"""Start learning runs on Step Functions."""

import json
from typing import TYPE_CHECKING

from route_switch.domain.learning.learning_run import StartRun

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

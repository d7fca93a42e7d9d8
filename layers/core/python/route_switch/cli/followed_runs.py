"""A stage's learning runs with their present state."""

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.run_files import RunFilesReader
from route_switch.adapters.learning.step_functions import StepFunctionsRuns
from route_switch.cli.stage import Deployed
from route_switch.services.learning.follow_runs import FollowRuns


def stored_runs(deployed: Deployed) -> DynamoDbRuns:
    return DynamoDbRuns(deployed.connect("dynamodb"), deployed.settings.results_table)


def follow_runs(deployed: Deployed) -> FollowRuns:
    machine = deployed.outputs.get("LearningStateMachine", "")
    workflow = StepFunctionsRuns(deployed.connect("stepfunctions"), machine)
    bucket = LearningBucket(deployed.connect("s3"), deployed.output("LearningBucket"))
    progress = RunFilesReader(bucket).progress
    return FollowRuns(stored_runs(deployed), workflow.execution, workflow.of_name, progress)

"""The function behind the owner's routes: keys, switches, the prompt and learning runs."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import CfnElement, Duration
from aws_cdk import Stack as CdkStack
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from infra.bedrock import invocable_arns
from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.learning import allow_executions
from infra.nag import acknowledge
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.router import api_environment
from infra.stage import Stage
from route_switch.adapters.keys_table import KEY_PREFIX
from route_switch.adapters.learning.dynamodb_drift import DRIFT_PARTITIONS
from route_switch.adapters.learning.dynamodb_runs import RUNS
from route_switch.adapters.learning.learning_bucket import PROGRESS
from route_switch.adapters.operations.dynamodb_audit import AUDIT_PARTITIONS
from route_switch.adapters.prompts.dynamodb_quality import REJECTED_PK, ROLLBACK_PK
from route_switch.adapters.prompts.prompt_lock import PK as PROMPT_LOCK
from route_switch.adapters.results_table import LEARNING_INDEX
from route_switch.adapters.s3_local_models import MODELS


class OwnerFunction(PythonFunction):
    """Change what the owner may change. The management function, which every client key reaches,
    has none of these permissions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        layers: Sequence[PythonLayer],
        machine: stepfunctions.IStateMachine,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="owner",
            timeout=Duration.seconds(29),  # as long as API Gateway waits
            reserved_concurrency=stage.bounded(5),
            layers=layers,
            environment={
                **api_environment(stage, data, prompt),
                "LEARNING_CONFIG": stage.learning.model_dump_json(
                    exclude_defaults=True, by_alias=True
                ),
                "LEARNING_BUCKET": data.learning.bucket_name,
                "STATE_MACHINE_ARN": machine.state_machine_arn,
                **(
                    {}
                    if data.provider_secret is None
                    else {"PROVIDER_SECRET": data.provider_secret.secret_arn}
                ),
            },
        )
        self._allow_keys(data)
        self._allow_switches(prompt)
        self._allow_prompt(data, prompt)
        self._allow_runs(stage, data, machine)
        self._allow_learning(data)
        self._allow_preview(stage, data)
        self.allow_items(data.results, ["dynamodb:PutItem"], AUDIT_PARTITIONS)

    def _allow_keys(self, data: Data) -> None:
        self.allow(["dynamodb:Scan"], data.keys.table_arn)
        # A transaction needs the permissions of its writes.
        actions = [f"dynamodb:{n}Item" for n in ("ConditionCheck", "Get", "Put", "Update")]
        self.allow_items(data.keys, actions, f"{KEY_PREFIX}*")
        # What keys have spent and reserved, and how often this one asked in this minute.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "KEY#*", "BUDGET#*")
        self.allow_items(data.results, ["dynamodb:UpdateItem"], "BUDGET#*", "RATE#*")

    def _allow_prompt(self, data: Data, prompt: PromptParameters) -> None:
        live = parameter_arn(self, prompt.live_name)
        self.allow(["ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"], live)
        lock = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
        self.allow_items(data.results, lock, PROMPT_LOCK)
        # Whether the numbers of a prompt's local model are stored. It cannot store any.
        self.allow_objects(data.learning, ["s3:GetObject"], prefixes=(MODELS,), lists=True)

    def _allow_runs(self, stage: Stage, data: Data, machine: stepfunctions.IStateMachine) -> None:
        actions = ["states:SendTaskSuccess", "states:StartExecution"]
        self.allow(actions, machine.state_machine_arn)
        allow_executions(self, stage)
        # Runs and their end; an update forgets the token of an approval that was answered.
        runs = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        self.allow_items(data.results, runs, RUNS)
        # The function that starts a run takes its lock.
        lock = [f"dynamodb:{action}Item" for action in ("Delete", "Get", "Put")]
        self.allow_items(data.results, lock, "LOCK#learning")
        self.allow_objects(data.learning, ["s3:GetObject"], prefixes=("runs/",))
        # Nothing else of a run's working files, which hold texts of users.
        progress = data.learning.arn_for_objects(f"work/*/{PROGRESS}")
        self.allow(["s3:GetObject"], progress)
        logical_id = CdkStack.of(self).get_logical_id(
            cast("CfnElement", data.learning.node.default_child)
        )
        reason = "Each run has a folder of its own, named when it starts."
        acknowledge(self.role, f"IAM5[Resource::<{logical_id}.Arn>/work/*/{PROGRESS}]", reason)

    def _allow_learning(self, data: Data) -> None:
        self.allow_items(data.results, ["dynamodb:GetItem"], "LEARNING#*")
        # Counters, not the items of requests, which hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*")
        events = (DRIFT_PARTITIONS, ROLLBACK_PK, REJECTED_PK)
        self.allow_items(data.results, ["dynamodb:Query"], *events)

    def _allow_preview(self, stage: Stage, data: Data) -> None:
        """Read a sample of requests with their texts, and call the router LLM, no other model."""
        self.allow(["dynamodb:Query"], f"{data.results.table_arn}/index/{LEARNING_INDEX}")
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "RESULT#*")
        self.allow_objects(data.texts, ["s3:GetObject"])
        # What the calls cost, in the sums and in the key's budget.
        self.allow_items(data.results, ["dynamodb:UpdateItem"], "DAY#*", "KEY#*")
        config = stage.router
        arns = invocable_arns(self, [config.models.router], config.bedrock_region)
        if arns:
            self.allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], *arns)
        if data.provider_secret is not None:
            secret = data.provider_secret.secret_arn
            self.allow(["secretsmanager:GetSecretValue"], secret)

    def _allow_switches(self, prompt: PromptParameters) -> None:
        switches = parameter_arn(self, prompt.switches_name)
        self.allow(["ssm:GetParameter", "ssm:PutParameter"], switches)

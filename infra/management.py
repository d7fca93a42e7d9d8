"""The function behind all API routes other than routing."""

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction, StageFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.router import api_environment
from infra.stage import Stage
from route_switch.adapters.learning.demo_claims import CLAIMS
from route_switch.adapters.listed_results import LISTED_PARTITIONS
from route_switch.adapters.operations.dynamodb_audit import AUDIT_PARTITIONS
from route_switch.adapters.results_table import FORGOTTEN, USERS_INDEX
from route_switch.domain.overview_counters import RATED, SCORES

BACKUP_DAYS = 35
"""How far back DynamoDB's point-in-time recovery reaches."""


class ManagementFunction(PythonFunction):
    """Read and delete what the router records. It calls no model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        layers: Sequence[PythonLayer],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="management",
            timeout=Duration.seconds(29),  # as long as API Gateway waits
            reserved_concurrency=stage.bounded(20),
            layers=layers,
            environment={
                **api_environment(stage, data, prompt),
                "LEARNING_BUCKET": data.learning.bucket_name,
                "BACKUP_DAYS": str(BACKUP_DAYS if stage.backups else 0),
            },
        )
        self.allow(["dynamodb:GetItem", "dynamodb:Scan"], data.keys.table_arn)
        self.allow_items(data.results, ["dynamodb:GetItem"], "RESULT#*")
        self.allow_objects(data.texts, ["s3:GetObject"])
        # Costs are summed from counters, so no items of requests are read in bulk. The list of
        # results has entries of its own; of requests, it reads the feedback only.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "KEY#*", "LEARNING#*")
        self.allow_items(data.results, ["dynamodb:Query"], LISTED_PARTITIONS)
        self.allow_items(
            data.results, ["dynamodb:BatchGetItem"], "RESULT#*", attributes=("pk", "feedback")
        )
        self.allow(
            ["ssm:GetParameter", "ssm:GetParameterHistory"],
            parameter_arn(self, prompt.live_name),
        )
        self.allow(["ssm:GetParameter"], parameter_arn(self, prompt.seed_name))
        # A deletion is recorded. No role may update or delete an entry. A put could replace one:
        # the condition of the write, which IAM cannot demand, rules that out.
        self.allow_items(data.results, ["dynamodb:PutItem", "dynamodb:Query"], AUDIT_PARTITIONS)
        self.allow_items(data.results, ["dynamodb:UpdateItem"], "RATE#*")
        self._allow_feedback(data)
        self._allow_deletion(data)

    def _allow_feedback(self, data: Data) -> None:
        actions = ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"]
        self.allow_items(data.results, actions, "RESULT#*")
        self.allow_items(
            data.results,
            ["dynamodb:UpdateItem"],
            "QUALITY#*",
            attributes=("n", "total", "total_squares"),
        )
        # Of a day and of a key, the counters of ratings alone: not costs, which budgets rest on.
        self.allow_items(
            data.results, ["dynamodb:UpdateItem"], "DAY#*", "KEY#*", attributes=(RATED, SCORES)
        )

    def _allow_deletion(self, data: Data) -> None:
        results = data.results
        self.allow(["dynamodb:Query"], f"{results.table_arn}/index/{USERS_INDEX}")
        self.allow_items(results, ["dynamodb:DeleteItem"], "RESULT#*", LISTED_PARTITIONS)
        self.allow_items(results, ["dynamodb:DeleteItem"], "SESSION#*")
        self.allow_items(results, ["dynamodb:PutItem"], FORGOTTEN, "COUNTED#*")
        self.allow_items(results, ["dynamodb:GetItem"], "LOCK#learning")
        self.allow(["dynamodb:DeleteItem"], data.idempotency.table_arn)
        self.allow_objects(data.texts, ["s3:DeleteObject"], lists=True)
        allow_forgetting(self, data)


def allow_forgetting(function: StageFunction, data: Data) -> None:
    """Grant what `route_switch.adapters.learning.learning_texts` does in the learning bucket."""
    function.allow_objects(
        data.learning,
        ["s3:GetObject", "s3:DeleteObject"],
        prefixes=("answers/", "prompts/", "runs/", "work/"),
        lists=True,
    )
    function.allow_objects(data.learning, ["s3:GetObject", "s3:PutObject"], prefixes=(CLAIMS,))

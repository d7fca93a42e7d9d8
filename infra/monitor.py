"""The hourly check of quality, spending and accounts: a schedule, and a function that may order a
rollback."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.scheduled import MissedStarts, run_on_schedule
from infra.stage import Stage
from route_switch.adapters.keys_table import LIMITED_UNTIL
from route_switch.adapters.listed_results import LISTED_PARTITIONS
from route_switch.adapters.operations.dynamodb_audit import AUDIT_PARTITIONS
from route_switch.adapters.prompts.dynamodb_quality import ROLLBACK_PK
from route_switch.adapters.results_table import REJECTED


class MonitorFunction(PythonFunction):
    """Read the prompt's history and the counters; invoke `promoter`, which may change the prompt.

    It writes the item of the rollback that it ordered, until when the upgrades of a key are
    limited, and what the router would have written: lost records with their counters, and budgets.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        promoter: PythonFunction,
        layers: Sequence[PythonLayer],
        missed: MissedStarts,
        router_log: logs.ILogGroup,
    ) -> None:
        cap = stage.router.max_upgrade_share
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="monitor",
            timeout=Duration.minutes(5),
            layers=layers,
            environment={
                "RESULTS_TABLE": data.results.table_name,
                "KEYS_TABLE": data.keys.table_name,
                **prompt.parameters,
                "PROMOTER_FUNCTION": promoter.function.function_arn,
                "TRUSTED_KEYS": " ".join(stage.learning.trusted_keys),
                "RECORDS_QUEUE_URL": data.records.queue_url,
                "RETENTION_DAYS": str(stage.router.retention_days),
                "ROUTER_LOG_GROUP": router_log.log_group_name,
                **({} if cap is None else {"MAX_UPGRADE_SHARE": str(cap)}),
            },
        )
        self.allow(["ssm:GetParameterHistory"], parameter_arn(self, prompt.live_name))
        self.allow(["lambda:InvokeFunction"], promoter.function.function_arn)
        # Not the items of requests, which hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "LEARNING#*", "KEY#*")
        self.allow(["dynamodb:Scan"], data.keys.table_arn)
        # Only this attribute of a key: not its tiers, not its budget, not its role.
        self.allow_attributes(data.keys, ["dynamodb:UpdateItem"], "pk", LIMITED_UNTIL)
        self.allow_items(data.results, ["dynamodb:PutItem"], AUDIT_PARTITIONS)
        self.allow_items(data.results, ["dynamodb:GetItem", "dynamodb:Query"], "QUALITY#*")
        self.allow_items(data.results, ["dynamodb:DeleteItem", "dynamodb:PutItem"], ROLLBACK_PK)
        self._allow_accounts(data, router_log)
        run_on_schedule(
            self,
            "Hourly",
            scheduler.ScheduleExpression.cron(minute="0", time_zone=TimeZone.ETC_UTC),
            description="Checks feedback on the live prompt, and spending",
            missed=missed,
        )

    def _allow_accounts(self, data: Data, router_log: logs.ILogGroup) -> None:
        """Grant what saving a lost record and settling a budget takes."""
        self.allow(["sqs:DeleteMessage", "sqs:ReceiveMessage"], data.records.queue_arn)
        self.allow(["logs:FilterLogEvents"], router_log.log_group_arn)
        results = data.results
        self.allow_items(results, ["dynamodb:PutItem"], "RESULT#*", LISTED_PARTITIONS, REJECTED)
        self.allow_items(results, ["dynamodb:UpdateItem"], "DAY#*", "KEY#*", "BUDGET#*")
        self.allow_items(results, ["dynamodb:ConditionCheckItem"], "COUNTED#*")
        self.allow_items(results, ["dynamodb:BatchGetItem"], "BUDGET#*")
        # Which requests are recorded, but not what they say: those items hold texts.
        self.allow_items(
            results, ["dynamodb:BatchGetItem"], "RESULT#*", "COUNTED#*", attributes=("pk",)
        )

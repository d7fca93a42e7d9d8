"""The function that routes and answers requests."""

import math
from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bedrock import invocable_arns
from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.stage import Stage
from route_switch.adapters.listed_results import LISTED_PARTITIONS
from route_switch.adapters.s3_local_models import MODELS
from route_switch.domain.router_config import RouterConfig

RECORD_S = 10
"""Time to save the record of a request that used all of its time."""


class RouterFunction(PythonFunction):
    """The router, with its environment and exactly the permissions that it uses."""

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
            folder="router",
            timeout=Duration.seconds(math.ceil(stage.router.request_deadline_s) + RECORD_S),
            layers=layers,
            environment=_environment(stage, data, prompt),
            reserved_concurrency=stage.reserved_concurrency,
            # Streaming depends on the runtime's client: a patch comes with a deployment, whose
            # canary and alarms see it, and never between two.
            runtime_updates=lambda_.RuntimeManagementMode.FUNCTION_UPDATE,
            memory_mb=stage.router_memory_mb,
        )
        self._allow_data(data)
        live, seed, switches = (
            parameter_arn(self, name)
            for name in (prompt.live_name, prompt.seed_name, prompt.switches_name)
        )
        ratios = parameter_arn(self, prompt.ratios_name)
        self.allow(["ssm:GetParameters"], live, switches, ratios)
        self.allow(["ssm:GetParameter"], live, seed)  # the seed, and older versions of live
        self._allow_models(stage.router)

    def _allow_data(self, data: Data) -> None:
        # A transaction needs the permissions of its writes.
        actions = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
        partitions = ("RESULT#*", LISTED_PARTITIONS, "DAY#*", "KEY#*", "RATE#*", "BUDGET#*")
        self.allow_items(data.results, actions, *partitions)
        # Whether a write whose response was lost has been done.
        self.allow_items(data.results, ["dynamodb:GetItem"], "RESULT#*")
        # The state of sessions is read before an answer and written after it.
        actions = ["dynamodb:GetItem", "dynamodb:PutItem"]
        self.allow_items(data.results, actions, "SESSION#*")
        # The budget of router calls in shadow follows from the counters.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*")
        self.allow(["dynamodb:GetItem"], data.keys.table_arn)
        self.allow(
            [f"dynamodb:{action}Item" for action in ("Get", "Put", "Update", "Delete")],
            data.idempotency.table_arn,
        )
        self.allow_objects(data.texts, ["s3:GetObject", "s3:PutObject"])
        # The numbers of the live prompt's local model.
        self.allow_objects(data.learning, ["s3:GetObject"], prefixes=(MODELS,))
        self.allow(["sqs:SendMessage"], data.records.queue_arn)
        for secret in (data.text_hash_secret, data.provider_secret):
            if secret is not None:
                self.allow(["secretsmanager:GetSecretValue"], secret.secret_arn)

    def _allow_models(self, config: RouterConfig) -> None:
        arns = invocable_arns(self, config.models.models, config.bedrock_region)
        if arns:
            self.allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], *arns)


def _environment(stage: Stage, data: Data, prompt: PromptParameters) -> dict[str, str]:
    """Return the environment that `route_switch.wiring.settings.Settings` reads."""
    environment = {
        **api_environment(stage, data, prompt),
        "RECORDS_QUEUE_URL": data.records.queue_url,
        "LEARNING_BUCKET": data.learning.bucket_name,
        **preload_environment(stage),
    }
    if data.text_hash_secret is not None:
        environment["TEXT_HASH_SECRET"] = data.text_hash_secret.secret_arn
    if data.provider_secret is not None:
        environment["PROVIDER_SECRET"] = data.provider_secret.secret_arn
    return environment


def preload_environment(stage: Stage) -> dict[str, str]:
    """Return the variables that import LiteLLM at start-up, with its packaged prices, if needed."""
    if not stage.foreign_providers:
        return {}
    return {"PRELOAD": "litellm", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def api_environment(stage: Stage, data: Data, prompt: PromptParameters) -> dict[str, str]:
    """Return the environment that `route_switch.wiring.settings.ApiSettings` reads."""
    return {
        "ROUTE_SWITCH_CONFIG": stage.router.model_dump_json(exclude_defaults=True),
        "RESULTS_TABLE": data.results.table_name,
        "KEYS_TABLE": data.keys.table_name,
        "IDEMPOTENCY_TABLE": data.idempotency.table_name,
        "TEXTS_BUCKET": data.texts.bucket_name,
        **prompt.parameters,
        "SWITCHES_PARAMETER": prompt.switches_name,
        **({"CORS_ORIGINS": ",".join(stage.cors_origins)} if stage.cors_origins else {}),
    }

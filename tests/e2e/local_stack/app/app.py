"""A small app with the resource types of the real one, to test the local stack."""

import platform
import sys
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from tests.e2e.local_stack.app.workflow import Workflow

HERE = Path(__file__).parent
RUNTIME = lambda_.Runtime(f"python3.{sys.version_info.minor}", lambda_.RuntimeFamily.PYTHON)
X86 = platform.machine() == "x86_64"
ARCHITECTURE = lambda_.Architecture.X86_64 if X86 else lambda_.Architecture.ARM_64
SMALL_ERRORS = {"application/json": '{"error": {"message": $context.error.messageString}}'}


class SmallStack(cdk.Stack):
    def __init__(self, scope: Construct) -> None:
        synthesizer = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        super().__init__(scope, "Local", stack_name="route-switch-local", synthesizer=synthesizer)
        self.greeting = str(self.node.try_get_context("greeting") or "hello")
        self.layers = [
            self._layer("Shared", "shared"),
            self._layer("Override", str(self.node.try_get_context("layer") or "override")),
        ]
        self._data()
        self._api(self._function("Router", "router", timeout_s=6))
        self.workflow = self._workflow()
        setup = self._function("SetUp", "setup", timeout_s=10)
        allow(setup, ["ssm:PutParameter"], "arn:aws:ssm:*:*:parameter/small/*")
        self._first_keys(setup)

    def _layer(self, name: str, folder: str) -> lambda_.LayerVersion:
        code = lambda_.Code.from_asset(str(HERE / "layers" / folder))
        return lambda_.LayerVersion(self, name, code=code, compatible_runtimes=[RUNTIME])

    def _data(self) -> None:
        text = dynamodb.AttributeType.STRING
        self.table = dynamodb.TableV2(
            self,
            "Results",
            partition_key=dynamodb.Attribute(name="pk", type=text),
            sort_key=dynamodb.Attribute(name="sk", type=text),
            time_to_live_attribute="expires_at",
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="by_user", partition_key=dynamodb.Attribute(name="user", type=text)
                )
            ],
        )
        self.bucket = s3.Bucket(self, "Texts", enforce_ssl=True)
        self.queue = sqs.Queue(self, "Records")
        self.secret = secretsmanager.Secret(self, "Provider")
        seed = ssm.StringParameter(
            self, "Seed", parameter_name="/small/prompt/seed", string_value=self.greeting
        )
        self.variables = {
            "GREETING": self.greeting,
            "TABLE": self.table.table_name,
            "BUCKET": self.bucket.bucket_name,
            "QUEUE_URL": self.queue.queue_url,
            "SECRET": self.secret.secret_name,
            "SEED": seed.parameter_name,
        }

    def _function(self, name: str, folder: str, timeout_s: int) -> lambda_.Function:
        function = lambda_.Function(
            self,
            name,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="handler.handle",
            code=lambda_.Code.from_asset(str(HERE / "functions" / folder)),
            layers=self.layers,
            environment=self.variables,
            timeout=cdk.Duration.seconds(timeout_s),
            memory_size=256,
            log_group=logs.LogGroup(self, f"{name}Log", retention=logs.RetentionDays.ONE_WEEK),
        )
        self.table.grant_read_write_data(function)
        return function

    def _api(self, router: lambda_.Function) -> None:
        api = apigateway.RestApi(
            self,
            "Api",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            cloud_watch_role=False,
        )
        # Long enough for eight cold starts at once on two busy cores.
        integration = apigateway.LambdaIntegration(router, timeout=cdk.Duration.seconds(5))
        versioned = api.root.add_resource("v1")
        for name in ("echo", *filter(None, [self.node.try_get_context("route")])):
            versioned.add_resource(name).add_method("POST", integration)
        versioned.add_resource("results").add_resource("{id}").add_method("GET", integration)
        api.add_gateway_response(
            "NotFound",
            type=apigateway.ResponseType.MISSING_AUTHENTICATION_TOKEN,
            status_code="404",
            templates=SMALL_ERRORS,
        )
        api.add_gateway_response(
            "Broken", type=apigateway.ResponseType.DEFAULT_5_XX, templates=SMALL_ERRORS
        )

    def _workflow(self) -> Workflow:
        worker = self._function("Worker", "worker", timeout_s=6)
        calls = ("DescribeExecution", "SendTaskSuccess", "StopExecution")
        allow(worker, [f"states:{call}" for call in calls], "*")
        hour = str(self.node.try_get_context("hour") or "3")
        return Workflow(self, worker, hour, self.greeting)

    def _first_keys(self, setup: lambda_.Function) -> None:
        parameter = "/small/first-keys"
        resource = cdk.CustomResource(
            self,
            "FirstKeys",
            service_token=setup.function_arn,
            resource_type="Custom::SetUp",
            properties={"Parameter": parameter, "Greeting": self.greeting},
        )
        outputs = {
            "FirstKeysParameter": resource.get_att_string("Parameter"),
            "LivePromptParameter": "/small/prompt/live",
            "ResultsTable": self.table.table_name,
            "ProviderSecret": self.secret.secret_name,
            "LearningStateMachine": self.workflow.machine.state_machine_arn,
            "LearningBucket": self.bucket.bucket_name,
            "RunsTopic": self.workflow.topic.topic_arn,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)


def allow(function: lambda_.Function, actions: list[str], resource: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))


def synthesize(target: Path, **context: str) -> None:
    app = cdk.App(outdir=str(target), context=context, analytics_reporting=False)
    SmallStack(app)
    app.synth()


if __name__ == "__main__":
    synthesize(Path(sys.argv[1]), **dict(pair.split("=") for pair in sys.argv[2:]))

"""Lambda functions in Python, each with a log group and a role of its own."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.encryption import allow_use, customer_key
from infra.layers import (
    MAX_UNZIPPED_BYTES,
    PythonLayer,
    architecture,
    runtime,
    size_of,
)
from infra.metric_names import metrics_namespace
from infra.nag import acknowledge
from infra.stage import Stage
from route_switch.domain.errors import ConfigurationError

FUNCTIONS = Path("functions")
MAX_ENVIRONMENT_BYTES = 3_500
"""Below Lambda's 4,096 bytes: what only the deployment knows is counted by `_NAME_BYTES`."""
_NAME_BYTES = 100
_IMAGE_PLATFORMS = {
    "arm64": ecr_assets.Platform.LINUX_ARM64,
    "x86_64": ecr_assets.Platform.LINUX_AMD64,
}


class StageFunction(Construct):
    """A function with a log group and a role of its own; it may do only what `allow` says."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        folder: str,
        make: Callable[..., lambda_.Function],
        timeout: Duration,
        memory_mb: int,
        environment: Mapping[str, str],
    ) -> None:
        """`make` knows how the code of `functions/<folder>` is packed."""
        super().__init__(scope, construct_id)
        self.folder = FUNCTIONS / folder
        environment = {
            "POWERTOOLS_LOG_LEVEL": stage.log_level,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(stage),
            **environment,
        }
        check_environment(self.folder, environment)
        log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=customer_key(self),
            retention=logs.RetentionDays[stage.log_retention],
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = make(
            self,
            "Function",
            architecture=architecture(stage),
            role=self.role,
            log_group=log_group,
            memory_size=memory_mb,
            timeout=timeout,
            environment=environment,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
        )
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
        allow_use(self, self.role)
        if stage.tracing:
            reason = "X-Ray's actions know no resources."
            acknowledge(self.role, "IAM5[Resource::*]", reason)

    def allow(self, actions: Sequence[str], *resources: str) -> None:
        """Grants exactly these actions on exactly these ARNs."""
        statement = iam.PolicyStatement(actions=list(actions), resources=list(resources))
        self.role.add_to_policy(statement)

    def allow_items(
        self, table: dynamodb.ITableV2, actions: Sequence[str], *partitions: str
    ) -> None:
        """Grants the actions on items whose partition key is one of these (`*` at the end)."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[table.table_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}},
            )
        )

    def allow_objects(
        self,
        bucket: s3.IBucket,
        actions: Sequence[str],
        *,
        prefixes: Sequence[str] = ("",),
        lists: bool = False,
    ) -> None:
        """Grants the actions on all objects under the prefixes: their names are made at run
        time. `lists` lets it see which there are; without, a missing one is a forbidden one."""
        self.allow(actions, *(bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes))
        if lists:
            self.allow(["s3:ListBucket"], bucket.bucket_arn)
        logical_id = Stack.of(self).get_logical_id(cast("CfnElement", bucket.node.default_child))
        reason = "Objects are named when they are written; nothing else lies there."
        for prefix in prefixes:
            acknowledge(self.role, f"IAM5[Resource::<{logical_id}.Arn>/{prefix}*]", reason)


class PythonFunction(StageFunction):
    """`functions/<folder>/handler.py` with layers, as zip files."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        folder: str,
        timeout: Duration,
        layers: Sequence[PythonLayer],
        environment: Mapping[str, str],
        reserved_concurrency: int | None = None,
    ) -> None:
        code = lambda_.Code.from_asset(
            str(FUNCTIONS / folder), exclude=["__pycache__", "*.pyc", "*.md"]
        )
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder=folder,
            make=partial(
                lambda_.Function,
                runtime=runtime(stage),
                code=code,
                handler="handler.lambda_handler",
                layers=list(layers),
                reserved_concurrent_executions=reserved_concurrency,
                # Of the functions with an alias: what served before can be chosen again.
                current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            ),
            timeout=timeout,
            memory_mb=stage.memory_mb,
            environment=environment,
        )
        self.unzipped_bytes = check_size(self.folder, layers)


class ImageFunction(StageFunction):
    """`functions/<folder>/Dockerfile`, built from the files that `.dockerignore` lets in.

    Docker is needed for the deployment only. A Dockerfile may use what `local/aws/image.py`
    can follow.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        folder: str,
        timeout: Duration,
        memory_mb: int,
        environment: Mapping[str, str],
    ) -> None:
        code = lambda_.DockerImageCode.from_image_asset(
            ".",
            file=str(FUNCTIONS / folder / "Dockerfile"),
            build_args={"PYTHON_VERSION": stage.python},
            platform=_IMAGE_PLATFORMS[stage.architecture],
        )
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder=folder,
            make=partial(lambda_.DockerImageFunction, code=code),
            timeout=timeout,
            memory_mb=memory_mb,
            environment=environment,
        )


def check_environment(folder: Path, environment: Mapping[str, str]) -> None:
    """Lambda would refuse it only at the deployment, with a message that names no variable."""
    sizes = {
        name: len(name) + (_NAME_BYTES if Token.is_unresolved(value) else len(value.encode()))
        for name, value in environment.items()
    }
    total = sum(sizes.values())
    if total > MAX_ENVIRONMENT_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ConfigurationError(
            f"{folder}: its environment takes {total:,} bytes and may take "
            f"{MAX_ENVIRONMENT_BYTES:,} (Lambda's limit is 4 KB); {largest} takes "
            f"{sizes[largest]:,}. Configure fewer models or fallbacks."
        )


def check_size(folder: Path, layers: Sequence[PythonLayer]) -> int:
    """The unzipped bytes of a function with its layers; raises where Lambda would refuse them."""
    total = size_of(folder) + sum(layer.unzipped_bytes for layer in layers)
    if total > MAX_UNZIPPED_BYTES:
        raise ConfigurationError(
            f"{folder}: takes {total / 2**20:.0f} MB with its layers, unzipped, and Lambda's "
            f"limit is {MAX_UNZIPPED_BYTES / 2**20:.0f} MB. Remove dependencies from layers/."
        )
    return total

"""Lambda functions, as zip files or as container images."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from aws_cdk import Annotations, CfnElement, Duration, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.base_image import DIGESTS, pinned_image
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
from infra.removal import KEEP, removal_policy
from infra.stage import Stage
from route_switch.domain.errors import ConfigurationError

FUNCTIONS = Path("functions")
MAX_ENVIRONMENT_BYTES = 3_500
"""Less than Lambda's 4,096 bytes, because values known only at deployment are estimated."""
_UNRESOLVED_BYTES = 100
SOURCES_OF_BUILDS = ("page", "built.json")
"""Names in a function's folder from which its other files are built. They are not deployed."""
SMALL_MB = 1024
"""Memory of functions that rarely run."""
_IMAGE_PLATFORMS = {
    "arm64": ecr_assets.Platform.LINUX_ARM64,
    "x86_64": ecr_assets.Platform.LINUX_AMD64,
}


UNPINNED = (
    f"{DIGESTS} has no digest for this Python version, so the base image is a tag: it may differ "
    "between builds, and is not rebuilt when AWS patches it. Run 'make lock' with access to "
    "public.ecr.aws."
)


class StageFunction(Construct):
    """A function with its own log group and role. The role has only the permissions that `allow…`
    grants."""

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
        """`make` creates the Lambda function from the code in `functions/<folder>`."""
        super().__init__(scope, construct_id)
        self.folder = FUNCTIONS / folder
        environment = {
            "POWERTOOLS_LOG_LEVEL": stage.log_level,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(stage),
            **environment,
        }
        check_environment(self.folder, environment)
        self.log_group = log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=customer_key(self),
            retention=logs.RetentionDays[stage.log_retention],
            removal_policy=removal_policy(stage),
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
            reason = "X-Ray's actions do not support resources."
            acknowledge(self.role, "IAM5[Resource::*]", reason)

    def allow(self, actions: Sequence[str], *resources: str) -> None:
        """Grant exactly these actions on exactly these ARNs."""
        statement = iam.PolicyStatement(actions=list(actions), resources=list(resources))
        self.role.add_to_policy(statement)

    def allow_items(
        self,
        table: dynamodb.ITableV2,
        actions: Sequence[str],
        *partitions: str,
        attributes: Sequence[str] = (),
    ) -> None:
        """Grant the actions on items with these partition keys, which may end in `*`. With
        `attributes`, a request may name these only, next to the items' keys."""
        conditions: dict[str, dict[str, Sequence[str]]] = {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}
        }
        if attributes:
            named = sorted({"pk", "sk", *attributes})
            conditions["ForAllValues:StringEquals"] = {"dynamodb:Attributes": named}
            conditions["StringEqualsIfExists"] = {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]}
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions), resources=[table.table_arn], conditions=conditions
            )
        )

    def allow_attributes(
        self, table: dynamodb.ITableV2, actions: Sequence[str], *attributes: str
    ) -> None:
        """Grant the actions on these attributes of any item."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[table.table_arn],
                conditions={"ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)}},
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
        """Grant the actions on all objects under the prefixes; object names are made at run time.

        `lists` also grants listing the bucket. Without it, S3 answers 403 for a missing object.
        """
        self.allow(actions, *(bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes))
        if lists:
            self.allow(["s3:ListBucket"], bucket.bucket_arn)
        logical_id = Stack.of(self).get_logical_id(cast("CfnElement", bucket.node.default_child))
        reason = "Objects get their names at run time; the prefix holds nothing else."
        for prefix in prefixes:
            acknowledge(self.role, f"IAM5[Resource::<{logical_id}.Arn>/{prefix}*]", reason)


class PythonFunction(StageFunction):
    """`functions/<folder>/handler.py` as a zip file, with layers."""

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
        memory_mb: int = SMALL_MB,
        runtime_updates: lambda_.RuntimeManagementMode | None = None,
    ) -> None:
        """`runtime_updates` says when AWS may patch the runtime; by default at any time."""
        code = lambda_.Code.from_asset(
            str(FUNCTIONS / folder), exclude=["__pycache__", "*.pyc", "*.md", *SOURCES_OF_BUILDS]
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
                runtime_management_mode=runtime_updates,
                # For functions with an alias: keep old versions, to move the alias back to. A
                # version left by a rollback would make the next deployment of its code fail.
                current_version_options=lambda_.VersionOptions(removal_policy=KEEP),
            ),
            timeout=timeout,
            memory_mb=memory_mb,
            environment=environment,
        )
        self.unzipped_bytes = check_size(self.folder, layers)


class ImageFunction(StageFunction):
    """`functions/<folder>/Dockerfile` as a container image, for libraries too large for a zip.

    The image is built from the files that `.dockerignore` includes. Only the deployment needs
    Docker. The Dockerfile may use only the instructions that `local/aws/image.py` supports.
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
        image = pinned_image(stage.python)
        if image is None and stage.name != "local":
            Annotations.of(scope).add_warning_v2("route-switch:unpinned-image", UNPINNED)
        code = lambda_.DockerImageCode.from_image_asset(
            ".",
            file=str(FUNCTIONS / folder / "Dockerfile"),
            build_args={
                "PYTHON_VERSION": stage.python,
                **({} if image is None else {"BASE_IMAGE": image}),
            },
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
    """Raise `ConfigurationError` if Lambda would refuse the environment as too large.

    Lambda would refuse it only at deployment, without naming a variable.
    """
    sizes = {
        name: len(name) + (_UNRESOLVED_BYTES if Token.is_unresolved(value) else len(value.encode()))
        for name, value in environment.items()
    }
    total = sum(sizes.values())
    if total > MAX_ENVIRONMENT_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ConfigurationError(
            f"{folder}: the environment takes {total:,} bytes, but may take at most "
            f"{MAX_ENVIRONMENT_BYTES:,} (Lambda's limit is 4 KB). {largest} takes "
            f"{sizes[largest]:,}: configure fewer models or fallbacks."
        )


def check_size(folder: Path, layers: Sequence[PythonLayer]) -> int:
    """Return the unzipped bytes of a function with its layers.

    Raise `ConfigurationError` if they exceed Lambda's limit.
    """
    total = size_of(folder) + sum(layer.unzipped_bytes for layer in layers)
    if total > MAX_UNZIPPED_BYTES:
        raise ConfigurationError(
            f"{folder}: with its layers it takes {total / 2**20:.0f} MB unzipped, but Lambda's "
            f"limit is {MAX_UNZIPPED_BYTES / 2**20:.0f} MB. Remove dependencies from layers/."
        )
    return total

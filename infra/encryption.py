"""Encryption at rest with a customer-managed key, if the stage sets `encryption: customer`.

A stage has one key: the same functions read everything in it, and each key costs a dollar a month.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.removal import removal_policy
from infra.stage import Stage

CONSTRUCT_ID = "Key"
THROUGH = ("dynamodb", "s3", "secretsmanager", "sns", "sqs")
"""The services through which functions use the key; they cannot use it directly."""
USES = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


LOGS_USES = (
    "kms:Decrypt*",
    "kms:Describe*",
    "kms:Encrypt*",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
)
"""What CloudWatch Logs does with a key, as its documentation grants it:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""


def add_customer_key(stack: Stack, stage: Stage) -> None:
    """Create the key if the stage wants one. Call this before creating anything encrypted."""
    if stage.encryption == "aws":
        return
    key = kms.Key(
        stack,
        CONSTRUCT_ID,
        description=f"Data of route-switch, stage {stage.name}",
        enable_key_rotation=True,
        removal_policy=removal_policy(stage),
    )
    # Log groups and alarms have no role to grant the key to.
    logs = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
    key.add_to_resource_policy(
        _statement(
            f"logs.{stack.region}.amazonaws.com",
            LOGS_USES,
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        )
    )
    source = {"StringEquals": {"aws:SourceAccount": stack.account}}
    key.add_to_resource_policy(_statement("cloudwatch.amazonaws.com", USES, source))


def _statement(
    service: str, actions: Sequence[str], conditions: Mapping[str, object]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(actions),
        principals=[iam.ServicePrincipal(service)],
        resources=["*"],  # in a key policy: this key
        conditions=conditions,
    )


def customer_key(scope: Construct) -> kms.IKey | None:
    """Return the customer-managed key of the stack around `scope`, or None if there is none."""
    return cast("kms.IKey | None", Stack.of(scope).node.try_find_child(CONSTRUCT_ID))


def allow_use(scope: Construct, role: iam.Role) -> None:
    """Let a role read and write encrypted data through the services that store it."""
    key = customer_key(scope)
    if key is None:
        return
    region = Stack.of(scope).region
    through = [f"{service}.{region}.amazonaws.com" for service in THROUGH]
    role.add_to_policy(
        iam.PolicyStatement(
            actions=list(USES),
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": through}},
        )
    )

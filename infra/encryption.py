"""Encryption at rest with a key of the customer's own, where a stage asks for it.

One key for the stage: everything in it belongs to one product and is read by the same functions,
and each key costs a dollar a month.
"""

from collections.abc import Mapping
from typing import cast

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stage import Stage

CONSTRUCT_ID = "Key"
THROUGH = ("dynamodb", "s3", "secretsmanager", "sns", "sqs")
"""The services that functions use the key through, and never by themselves."""
USES = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def add_customer_key(stack: Stack, stage: Stage) -> None:
    """Before anything that it is for: constructs find it by `customer_key`."""
    if stage.encryption == "aws":
        return
    key = kms.Key(
        stack,
        CONSTRUCT_ID,
        description=f"What route-switch stores, stage {stage.name}",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    )
    # Log groups and alarms have no role that could be allowed; CDK itself allows EventBridge.
    logs = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
    key.add_to_resource_policy(
        _statement(
            f"logs.{stack.region}.amazonaws.com",
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        )
    )
    source = {"StringEquals": {"aws:SourceAccount": stack.account}}
    key.add_to_resource_policy(_statement("cloudwatch.amazonaws.com", source))


def _statement(service: str, conditions: Mapping[str, object]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(USES),
        principals=[iam.ServicePrincipal(service)],
        resources=["*"],  # in a key's policy: this key
        conditions=conditions,
    )


def customer_key(scope: Construct) -> kms.IKey | None:
    """The key of the stack that `scope` lies in; None where AWS's keys are used."""
    return cast("kms.IKey | None", Stack.of(scope).node.try_find_child(CONSTRUCT_ID))


def allow_use(scope: Construct, role: iam.Role) -> None:
    """Lets a role read and write what is encrypted, through the services that hold it."""
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

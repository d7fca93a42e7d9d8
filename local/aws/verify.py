"""Check with each service that a resource exists: moto also reports some that it never made."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

PROBES = {
    "AWS::ApiGateway::RestApi": ("apigateway", "get_rest_api", "restApiId"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "get_dashboard", "DashboardName"),
    "AWS::DynamoDB::GlobalTable": ("dynamodb", "describe_table", "TableName"),
    "AWS::DynamoDB::Table": ("dynamodb", "describe_table", "TableName"),
    "AWS::Events::Rule": ("events", "describe_rule", "Name"),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": ("kms", "describe_key", "KeyId"),
    "AWS::Lambda::Alias": ("lambda", "get_function", "FunctionName"),
    "AWS::Lambda::EventInvokeConfig": (
        "lambda",
        "get_function_event_invoke_config",
        "FunctionName",
    ),
    "AWS::Lambda::Function": ("lambda", "get_function", "FunctionName"),
    "AWS::Lambda::Version": ("lambda", "get_function", "FunctionName"),
    "AWS::S3::Bucket": ("s3", "head_bucket", "Bucket"),
    "AWS::SNS::Subscription": ("sns", "get_subscription_attributes", "SubscriptionArn"),
    "AWS::SNS::Topic": ("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": ("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::SSM::Parameter": ("ssm", "get_parameter", "Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "describe_secret", "SecretId"),
    "AWS::StepFunctions::StateMachine": (
        "stepfunctions",
        "describe_state_machine",
        "stateMachineArn",
    ),
}
"""The service, a call that fails if the resource is missing, and its name argument, by type."""
CHECKED_BY_LISTING = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::KMS::Key",
    "AWS::Lambda::LayerVersion",
    "AWS::Logs::LogGroup",
    "AWS::Scheduler::Schedule",
}
CHECKED_TYPES = frozenset(PROBES) | CHECKED_BY_LISTING
"""Types whose existence can be checked."""


def exists(client: Callable[[str], Any], resource: dict[str, Any]) -> bool:
    """Whether the service has the resource. Types outside `CHECKED_TYPES` always exist.

    `client` returns a client for a service; `resource` comes from CloudFormation's list.
    """
    type_, name = resource["ResourceType"], resource["PhysicalResourceId"]
    try:
        match type_:
            case "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm":
                found = client("cloudwatch").describe_alarms(
                    AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
                return bool(found["MetricAlarms"] + found["CompositeAlarms"])
            case "AWS::KMS::Key":
                key = client("kms").describe_key(KeyId=name)["KeyMetadata"]
                return bool(key["KeyState"] != "PendingDeletion")
            case "AWS::Lambda::LayerVersion":
                layer, version = name.split(":")[-2:]
                client("lambda").get_layer_version(LayerName=layer, VersionNumber=int(version))
            case "AWS::Logs::LogGroup":
                return has_named(
                    client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"],
                    "logGroupName",
                    name,
                )
            case "AWS::Scheduler::Schedule":
                listed = client("scheduler").list_schedules(NamePrefix=name)["Schedules"]
                return has_named(listed, "Name", name)
        if type_ in PROBES:
            service, call, argument = PROBES[type_]
            getattr(client(service), call)(**{argument: name})
    except ClientError:
        return False
    return True


def has_named(listed: list[dict[str, Any]], key: str, name: str) -> bool:
    return any(each[key] == name for each in listed)

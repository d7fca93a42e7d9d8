"""The CloudFormation resource types that this package puts or deletes itself."""

from collections.abc import Callable
from dataclasses import dataclass

from local.aws import (
    api_resources,
    data_resources,
    lambda_resources,
    monitoring_resources,
    workflow,
)
from local.aws.custom_resource import delete_custom_resource, put_custom_resource
from local.aws.request import Attributes, Request, delete_nothing, put_nothing

Put = Callable[[Request], Attributes]
Delete = Callable[[Request], None]


@dataclass(frozen=True)
class Kind:
    """How resources of a type are put and deleted. None leaves it to moto."""

    put: Put | None
    delete: Delete | None
    name: str = ""
    """The property that names the resource. A new name replaces the resource."""


NOTHING = Kind(put_nothing, delete_nothing)
CUSTOM = Kind(put_custom_resource, delete_custom_resource)
KINDS = {
    "AWS::ApiGateway::Account": NOTHING,
    "AWS::ApiGateway::Deployment": Kind(
        api_resources.put_deployment, api_resources.delete_deployment
    ),
    "AWS::ApiGateway::GatewayResponse": Kind(
        api_resources.put_gateway_response, api_resources.delete_gateway_response
    ),
    "AWS::ApiGateway::Method": Kind(None, delete_nothing),
    "AWS::ApiGateway::Resource": Kind(None, api_resources.delete_resource),
    "AWS::ApiGateway::RestApi": Kind(None, api_resources.delete_api),
    "AWS::ApiGateway::Stage": Kind(
        api_resources.put_stage, api_resources.delete_stage, "StageName"
    ),
    "AWS::CloudFormation::CustomResource": CUSTOM,
    "AWS::CloudWatch::Alarm": Kind(
        monitoring_resources.put_alarm, monitoring_resources.delete_alarm, "AlarmName"
    ),
    "AWS::CloudWatch::CompositeAlarm": Kind(
        monitoring_resources.put_composite_alarm, monitoring_resources.delete_alarm, "AlarmName"
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        monitoring_resources.put_dashboard, monitoring_resources.delete_dashboard, "DashboardName"
    ),
    # Unused, because aliases are switched at once.
    "AWS::CodeDeploy::Application": NOTHING,
    "AWS::CodeDeploy::DeploymentGroup": NOTHING,
    "AWS::DynamoDB::GlobalTable": Kind(
        data_resources.put_table, data_resources.delete_table, "TableName"
    ),
    "AWS::DynamoDB::Table": Kind(
        data_resources.put_table, data_resources.delete_table, "TableName"
    ),
    "AWS::KMS::Alias": Kind(
        data_resources.put_key_alias, data_resources.delete_key_alias, "AliasName"
    ),
    "AWS::KMS::Key": Kind(data_resources.put_key, data_resources.delete_key),
    "AWS::Lambda::Alias": Kind(lambda_resources.put_alias, lambda_resources.delete_alias, "Name"),
    "AWS::Lambda::EventInvokeConfig": Kind(
        lambda_resources.put_event_invoke_config, lambda_resources.delete_event_invoke_config
    ),
    "AWS::Lambda::Function": Kind(
        lambda_resources.put_function, lambda_resources.delete_function, "FunctionName"
    ),
    "AWS::Lambda::LayerVersion": Kind(
        lambda_resources.put_layer, lambda_resources.delete_layer, "LayerName"
    ),
    # Deleted with its function. The local stack does not check who may invoke functions.
    "AWS::Lambda::Permission": Kind(None, delete_nothing),
    "AWS::Lambda::Version": Kind(lambda_resources.put_version, lambda_resources.delete_version),
    "AWS::S3::Bucket": Kind(None, data_resources.delete_bucket),
    # moto applies a Deny without its conditions, so the CDK's "TLS only" would deny everything.
    "AWS::S3::BucketPolicy": NOTHING,
    "AWS::SNS::Subscription": Kind(workflow.put_subscription, workflow.delete_subscription),
    "AWS::SNS::Topic": Kind(workflow.put_topic, workflow.delete_topic, "TopicName"),
    "AWS::SNS::TopicPolicy": NOTHING,
    "AWS::SQS::QueuePolicy": NOTHING,
    "AWS::SSM::Parameter": Kind(
        data_resources.put_parameter, data_resources.delete_parameter, "Name"
    ),
    "AWS::Scheduler::Schedule": Kind(workflow.put_schedule, workflow.delete_schedule, "Name"),
    "AWS::Scheduler::ScheduleGroup": Kind(
        workflow.put_schedule_group, workflow.delete_schedule_group, "Name"
    ),
    "AWS::SecretsManager::Secret": Kind(
        data_resources.put_secret, data_resources.delete_secret, "Name"
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        workflow.put_state_machine, workflow.delete_state_machine, "StateMachineName"
    ),
}
BY_MOTO = Kind(None, None)


def kind_of(type_: str) -> Kind:
    return CUSTOM if type_.startswith("Custom::") else KINDS.get(type_, BY_MOTO)

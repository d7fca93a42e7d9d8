"""Which CloudFormation resource types this package puts itself, and how."""

from collections.abc import Callable

from infra.local import resources, workflow
from infra.local.resources import Attributes, Request

Put = Callable[[Request], Attributes]
TYPES: dict[str, tuple[str, Put]] = {
    "AWS::ApiGateway::Account": ("", resources.put_nothing),
    "AWS::ApiGateway::Deployment": ("", resources.put_deployment),
    "AWS::ApiGateway::GatewayResponse": ("", resources.put_gateway_response),
    "AWS::ApiGateway::Stage": ("StageName", resources.put_stage),
    "AWS::CloudFormation::CustomResource": ("", resources.put_custom_resource),
    "AWS::DynamoDB::GlobalTable": ("TableName", resources.put_table),
    "AWS::DynamoDB::Table": ("TableName", resources.put_table),
    "AWS::Lambda::EventInvokeConfig": ("", workflow.put_event_invoke_config),
    "AWS::Lambda::Function": ("FunctionName", resources.put_function),
    "AWS::Lambda::LayerVersion": ("LayerName", resources.put_layer),
    # moto obeys a policy's Deny without its conditions, and CDK's "only over TLS" is one.
    "AWS::S3::BucketPolicy": ("", resources.put_nothing),
    "AWS::SNS::TopicPolicy": ("", resources.put_nothing),
    "AWS::SQS::QueuePolicy": ("", resources.put_nothing),
    "AWS::SNS::Subscription": ("", workflow.put_subscription),
    "AWS::SNS::Topic": ("TopicName", workflow.put_topic),
    "AWS::SSM::Parameter": ("Name", resources.put_parameter),
    "AWS::Scheduler::Schedule": ("Name", workflow.put_schedule),
    "AWS::Scheduler::ScheduleGroup": ("Name", workflow.put_schedule_group),
    "AWS::SecretsManager::Secret": ("Name", resources.put_secret),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", workflow.put_state_machine),
}
"""Type: the property that names the resource, how it is put."""


def find_put(type_: str) -> Put | None:
    """How the type is put; None if moto does it."""
    if type_.startswith("Custom::"):
        return resources.put_custom_resource
    return TYPES[type_][1] if type_ in TYPES else None

"""CloudFormation resource types of Step Functions, EventBridge Scheduler and SNS."""

import json
import re
from collections.abc import Mapping

from local.aws.request import Attributes, Properties, Request, pick

SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
SCHEDULE_KEYS = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
)
TOPIC_KEYS = ("DisplayName", "KmsMasterKeyId")
SUBSCRIPTION_KEYS = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")


def put_state_machine(request: Request) -> Attributes:
    """Use the API: a machine that moto's CloudFormation creates is never executed."""
    client, wanted = request.cloud.client("stepfunctions"), request.properties
    settings = {"definition": definition(wanted), "roleArn": wanted["RoleArn"]}
    for key in ("LoggingConfiguration", "TracingConfiguration"):
        if key in wanted:
            settings[lower_first(key)] = as_api(wanted[key])
    if request.previous is None:
        kind = wanted.get("StateMachineType", "STANDARD")
        arn = client.create_state_machine(name=request.name, type=kind, **settings)
        arn = arn["stateMachineArn"]
    else:
        arn = request.previous.attributes["Ref"]
        client.update_state_machine(stateMachineArn=arn, **settings)
    return {"Ref": arn, "Arn": arn, "Name": arn.rpartition(":")[2]}


def definition(properties: Properties) -> str:
    """Return the definition with the template's substitutions."""
    values: Mapping[str, object] = properties.get("DefinitionSubstitutions", {})
    text: str = properties["DefinitionString"]
    return SUBSTITUTION.sub(lambda match: str(values.get(match[1], match[0])), text)


def as_api(value: object) -> object:
    """Convert property names to the API's, which start with a lower-case letter."""
    if isinstance(value, dict):
        return {lower_first(key): as_api(each) for key, each in value.items()}
    return [as_api(each) for each in value] if isinstance(value, list) else value


def lower_first(key: str) -> str:
    return key[0].lower() + key[1:]


def put_schedule(request: Request) -> Attributes:
    client = request.cloud.client("scheduler")
    put = client.create_schedule if request.previous is None else client.update_schedule
    arn = put(Name=request.name, **pick(request.properties, SCHEDULE_KEYS))["ScheduleArn"]
    return {"Ref": request.name, "Arn": arn}


def put_schedule_group(request: Request) -> Attributes:
    if request.previous is not None:
        return request.previous.attributes
    group = request.cloud.client("scheduler").create_schedule_group(Name=request.name)
    return {"Ref": request.name, "Arn": group["ScheduleGroupArn"]}


def put_topic(request: Request) -> Attributes:
    """Create or update a topic. Creating an existing one returns it with its subscriptions."""
    wanted = pick(request.properties, TOPIC_KEYS)
    client = request.cloud.client("sns")
    arn = client.create_topic(Name=request.name)["TopicArn"]
    for key, value in wanted.items():
        client.set_topic_attributes(TopicArn=arn, AttributeName=key, AttributeValue=value)
    for each in request.properties.get("Subscription", []):
        client.subscribe(TopicArn=arn, Protocol=each["Protocol"], Endpoint=each["Endpoint"])
    return {"Ref": arn, "TopicArn": arn, "TopicName": request.name}


def put_subscription(request: Request) -> Attributes:
    """Create or update a subscription. A new endpoint replaces it, as in AWS."""
    client, wanted = request.cloud.client("sns"), request.properties
    attributes = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in pick(wanted, SUBSCRIPTION_KEYS).items()
    }
    arn = client.subscribe(
        TopicArn=wanted["TopicArn"],
        Protocol=wanted["Protocol"],
        Endpoint=wanted["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    if request.previous is not None and request.previous.attributes["Ref"] != arn:
        client.unsubscribe(SubscriptionArn=request.previous.attributes["Ref"])
    return {"Ref": arn, "Arn": arn}


def delete_state_machine(request: Request) -> None:
    request.cloud.client("stepfunctions").delete_state_machine(stateMachineArn=request.name)


def delete_schedule(request: Request) -> None:
    group = request.properties.get("GroupName", "default")
    request.cloud.client("scheduler").delete_schedule(Name=request.name, GroupName=group)


def delete_schedule_group(request: Request) -> None:
    request.cloud.client("scheduler").delete_schedule_group(Name=request.name)


def delete_topic(request: Request) -> None:
    request.cloud.client("sns").delete_topic(TopicArn=request.name)


def delete_subscription(request: Request) -> None:
    request.cloud.client("sns").unsubscribe(SubscriptionArn=request.name)

"""The template's state machine definition, for comparison with the executed one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.client import STACK_NAME, StackInfo
from tests.support.executions import aws


@dataclass(frozen=True)
class StateMachine:
    definition: str
    role_arn: str


def state_machine(template: Mapping[str, Any], stack: StackInfo) -> StateMachine:
    """Return the template's only state machine, with the physical names of the stack's
    resources."""
    (machine,) = (
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::StepFunctions::StateMachine"
    )
    ids = physical_ids(stack)
    return StateMachine(
        resolved(machine["DefinitionString"], ids), resolved(machine["RoleArn"], ids)
    )


def physical_ids(stack: StackInfo) -> dict[str, str]:
    found = aws(stack, "cloudformation").describe_stack_resources(StackName=STACK_NAME)
    ids = {
        each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
        for each in found["StackResources"]
    }
    return ids | {"AWS::Partition": "aws"}


def resolved(value: Any, ids: Mapping[str, str]) -> str:
    """Evaluate the intrinsic functions that CDK uses in a definition, as CloudFormation does."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return ids[name]
        case {"Fn::GetAtt": [name, "Arn"]} if "Role" in name:
            return f"arn:aws:iam::123456789012:role/{ids[name]}"
        case {"Fn::GetAtt": [name, "Arn"]}:
            return f"arn:aws:lambda:us-east-1:123456789012:function:{ids[name]}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator.join(resolved(part, ids) for part in parts))
    raise AssertionError(f"a definition holds {value}")

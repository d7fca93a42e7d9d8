"""The roles of a stack, and what happens without one of their grants."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.aws.client import DENIALS, StackInfo, aws_client, client_in_role


def role_of(stack: StackInfo, part: str) -> dict[str, Any]:
    """Return IAM's description of the one role whose name contains this."""
    roles = aws_client("iam", stack.aws_endpoint, stack.region).list_roles()["Roles"]
    found: list[dict[str, Any]] = [role for role in roles if part in role["RoleName"]]
    (role,) = found
    return role


def as_role(stack: StackInfo, part: str, service: str) -> Any:
    """Return a client with the role's permissions."""
    arn = role_of(stack, part)["Arn"]
    return client_in_role(service, stack.aws_endpoint, stack.region, arn)


@contextmanager
def without_grant(stack: StackInfo, part: str, action: str, on: str) -> Iterator[None]:
    """Remove from the role the one grant of this action whose resource or partition condition
    contains `on`. Restore it after the block."""
    iam, role = aws_client("iam", stack.aws_endpoint, stack.region), role_of(stack, part)
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    policy = {"RoleName": role["RoleName"], "PolicyName": name}
    before = iam.get_role_policy(**policy)["PolicyDocument"]
    changed = json.loads(json.dumps(before))
    (statement,) = (
        each
        for each in changed["Statement"]
        if action in listed(each["Action"]) and on in json.dumps(each)
    )
    statement["Action"] = [each for each in listed(statement["Action"]) if each != action]
    changed["Statement"] = [each for each in changed["Statement"] if each["Action"]]
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(before))


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def denials(state: Path) -> list[str]:
    """Return the denials of the stack's roles since the last call, in the stack's words."""
    file = state / DENIALS
    if not file.exists():
        return []
    lines = file.read_text().splitlines()
    file.write_text("")
    return lines

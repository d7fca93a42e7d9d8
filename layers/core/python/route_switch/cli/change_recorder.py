"""Record the changes that the caller of a command makes."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.cli.terminal import say
from route_switch.services.operations.record_change import RecordChange


def change_recorder(connect: Callable[[str], Any], table: str) -> RecordChange:
    """Return a recorder of changes that the caller's AWS identity makes. `connect` creates a boto3
    client, whose type is known at run time only."""

    def caller() -> str:
        try:
            return str(connect("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError) as error:
            say(f"note: the audit trail will not name you: {error}", err=True)
            return "unknown (AWS did not name the caller)"

    return RecordChange(DynamoDbAudit(connect("dynamodb"), table), caller)

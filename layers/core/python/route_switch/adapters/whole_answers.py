"""Reject an answer of AWS with status 200 that is not JSON.

botocore takes it for an empty answer: a write that may not have happened would count as done, and
its record would be in neither the table nor the queue.
"""

import json
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import HTTPClientError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel

    Client = TypeVar("Client", bound=BaseClient)


def refuse_malformed(client: "Client") -> "Client":
    """Raise botocore's `HTTPClientError` for such an answer. Answers in XML (S3's) raise already.
    It is not asked for again: a caller that must know looks up what was written."""
    if client.meta.service_model.resolved_protocol == "json":
        client.meta.events.register("before-parse", _check, "refuse-malformed")
    return client


def _check(
    operation_model: "OperationModel", response_dict: dict[str, object], **_: object
) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or not body or not isinstance(body, bytes):
        return
    try:
        json.loads(body)
    except ValueError as error:
        raise HTTPClientError(
            error=f"the answer to {operation_model.name} is not JSON; it may have been cut off"
        ) from error

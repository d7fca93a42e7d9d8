"""The custom resource of the first deployment: makes the first keys, and has the promoter start
the live prompt."""

import json
import logging
from typing import Any
from urllib.request import Request, urlopen

from route_switch.services.operations.first_deploy import ensure_first_keys
from route_switch.wiring.setup import first_keys, handover, promoter

Event = dict[str, Any]  # CloudFormation's; only strings are read from it

_log = logging.getLogger()


def lambda_handler(event: Event, _context: object) -> None:
    """Answers CloudFormation whatever happens: without an answer the stack would hang."""
    try:
        if event["RequestType"] != "Delete":
            set_up(event["RequestType"])
    except Exception as error:
        _log.exception("The setup failed.")
        respond(event, "FAILED", f"{type(error).__name__}: {error}")
    else:
        respond(event, "SUCCESS", "")


def set_up(request_type: str) -> None:
    """Keys are made on Create only; a live prompt that is missing is made on Update as well."""
    if request_type == "Create":
        ensure_first_keys(first_keys(), handover())
    promoter()({"step": "start"})


def respond(event: Event, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason[:1000],  # CloudFormation takes 4 KB for the whole answer
        "PhysicalResourceId": event.get("PhysicalResourceId", "first-deploy"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # An empty content type is part of the signed address.
    request = Request(  # noqa: S310 - the address comes from CloudFormation
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urlopen(request, timeout=10).close()  # noqa: S310 - as above

"""The first deployment's custom resource: create the first keys, and start routing and the live
prompt."""

import json
import logging
from typing import Any
from urllib.request import Request, urlopen

from route_switch.services.operations.first_deploy import ensure_first_keys, start_routing
from route_switch.wiring.setup import first_keys, handover, promoter, routing_start, switches

Event = dict[str, Any]  # CloudFormation's event; only strings are read from it

_log = logging.getLogger()


def lambda_handler(event: Event, _context: object) -> None:
    """Set up, and always answer CloudFormation: without an answer the stack would hang."""
    try:
        if event["RequestType"] != "Delete":
            set_up(event["RequestType"])
    except Exception as error:
        _log.exception("The setup failed.")
        respond(event, "FAILED", f"{type(error).__name__}: {error}")
    else:
        respond(event, "SUCCESS", "")


def set_up(request_type: str) -> None:
    """Create keys and switches on Create only, and a missing live prompt also on Update."""
    if request_type == "Create":
        start_routing(switches(), routing_start())
        ensure_first_keys(first_keys(), handover())
    promoter()({"step": "start"})


def respond(event: Event, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason[:1000],  # CloudFormation accepts 4 KB for the whole answer
        "PhysicalResourceId": event.get("PhysicalResourceId", "first-deploy"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # The signed URL requires an empty content type.
    request = Request(  # noqa: S310 - the URL comes from CloudFormation
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urlopen(request, timeout=10).close()  # noqa: S310 - as above

"""Do what the event's body asks for, to test the local stack."""

import base64
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from small.layer import LAYER  # type: ignore[import-not-found]  # in the layers


def handle(event: dict[str, Any], context: Any) -> Any:
    if "httpMethod" not in event:
        return run(event)
    body = event["body"] or "{}"
    if event["isBase64Encoded"]:
        body = base64.b64decode(body).decode(errors="replace")
    order = json.loads(body)
    if "answer" in order:
        return order["answer"]
    result = {**run(order), "event": event, "request_id": context.aws_request_id}
    return {
        "statusCode": 200,
        "headers": {"x-route-tier": "1"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        "body": json.dumps(result),
    }


def run(order: dict[str, Any]) -> dict[str, Any]:
    time.sleep(order.get("sleep", 0))
    if "raise" in order:
        raise ValueError(order["raise"])
    if "exit" in order:
        os._exit(1)
    if "allocate_mb" in order:
        bytearray(order["allocate_mb"] * 1024 * 1024)
    return {
        "greeting": os.environ["GREETING"],
        "environment": dict(os.environ),
        "layer": LAYER,
        "pid": os.getpid(),
        "found": [name for name in order.get("find", []) if importlib.util.find_spec(name)],
        "path": sys.path,
        "written": [place for place in order.get("write", []) if can_write(place)],
        "temporary": can_write(tempfile.gettempdir()),
        "big": "x" * order.get("size", 0),
    }


def can_write(folder: str) -> bool:
    place = Path(os.path.expandvars(folder))
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / "written-by-a-function").write_text("")
    except OSError:
        return False
    return True

"""A worker of the small workflow, which does what its event asks for. It uses no SDK."""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

KEY, REGION = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_REGION")
CREDENTIAL = f"{KEY}/20260101/{REGION}/states/aws4_request"


class ProviderDownError(Exception):
    """A temporary provider outage."""


def handle(event: dict[str, Any], context: object) -> Any:
    if "says" in event:  # in the log, so that a test sees that, and how often, it was called
        sys.stdout.write(event["says"] + "\n")
        sys.stdout.flush()
    if "token" in event:
        return None
    if (path := event.get("fails_while")) and Path(path).exists():
        raise ProviderDownError("the provider is down")
    if path := event.get("waits_while"):
        while Path(path).exists():
            time.sleep(0.01)
    if call := event.get("call"):
        return call_states(call["action"], call["body"])
    steps = event.get("steps_done", 0) + 1
    answer = {"steps_done": steps, "done": steps >= event.get("steps", 1), "pid": os.getpid()}
    return answer | ({"big": "x" * event["size"]} if "size" in event else {})


def call_states(action: str, body: dict[str, Any]) -> Any:
    headers = {
        "X-Amz-Target": f"AWSStepFunctions.{action}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, Signature=none",
    }
    url = os.environ["AWS_ENDPOINT_URL_SFN"]
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    return json.loads(urllib.request.urlopen(request).read() or b"{}")  # noqa: S310

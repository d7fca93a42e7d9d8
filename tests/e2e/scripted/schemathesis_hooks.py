"""What schemathesis cannot know of the API."""

import hashlib
import re
from typing import Any

import schemathesis

from route_switch.api.chat_request import IDEMPOTENCY_KEY


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: "schemathesis.Case[Any]", kwargs: dict[str, object]
) -> None:
    """Which tier a model's name stands for, the stage knows and no schema: a name that
    schemathesis has seen in an answer goes without a range that may contradict it. And a key is
    for one request: with another body it is another key, unless it is a wrong one."""
    if isinstance(case.body, dict) and "/" in str(case.body.get("model")):
        case.body.pop("route_switch", None)
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(IDEMPOTENCY_KEY, key):
        body = hashlib.sha256(repr(case.body).encode()).hexdigest()
        case.headers["Idempotency-Key"] = f"{key[:150]}{body}"

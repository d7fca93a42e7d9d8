"""Rules of the API that schemathesis cannot derive from the OpenAPI document."""

import hashlib
import re
from typing import Any

import schemathesis

from route_switch.api.client_call import IDEMPOTENCY_KEY


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: "schemathesis.Case[Any]", kwargs: dict[str, object]
) -> None:
    """Adjust a request before it is sent.

    No schema says which tier a model name belongs to. A name that schemathesis saw in an answer is
    sent without a tier range, which might contradict it. An idempotency key belongs to one request,
    so another body gets another key, unless the key is invalid on purpose.
    """
    if isinstance(case.body, dict) and "/" in str(case.body.get("model")):
        case.body.pop("route_switch", None)
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(IDEMPOTENCY_KEY, key):
        body = hashlib.sha256(repr(case.body).encode()).hexdigest()
        case.headers["Idempotency-Key"] = f"{key[:150]}{body}"

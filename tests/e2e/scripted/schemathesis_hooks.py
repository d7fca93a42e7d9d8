"""Rules of the API that schemathesis cannot derive from the OpenAPI document."""

import hashlib
import os
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
    so another body gets another key, unless the key is invalid on purpose. Only /v1/route explains
    without `dry_run`. What other tests need of the stack stays as it is.
    """
    if isinstance(case.body, dict):
        if "/" in str(case.body.get("model")):
            case.body.pop("route_switch", None)
        options = case.body.get("route_switch")
        is_chat = case.operation.path != "/v1/route"
        if is_chat and isinstance(options, dict) and not options.get("dry_run"):
            options.pop("explain", None)
    leave_the_stack_alone(case)
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(IDEMPOTENCY_KEY, key):
        body = hashlib.sha256(repr(case.body).encode()).hexdigest()
        case.headers["Idempotency-Key"] = f"{key[:150]}{body}"


def leave_the_stack_alone(case: "schemathesis.Case[Any]") -> None:
    """Change no key that other tests send, and no switch that they depend on, and make no long
    preview. Only valid values are replaced, by valid ones, so that what is invalid on purpose stays
    so."""
    if case.operation.path.startswith("/v1/keys/"):
        key_id = case.path_parameters.get("id")
        if key_id in os.environ["PROTECTED_KEYS"].split():
            case.path_parameters["id"] = "key_of_others"
    if case.operation.path == "/v1/prompt/preview" and isinstance(case.body, dict):
        sample = case.body.get("sample", 25)
        is_valid = type(sample) is int and 1 <= sample <= 100
        # Each request costs two calls of the router LLM.
        case.body |= {"sample": 2} if is_valid else {}
    if case.operation.path == "/v1/switches" and isinstance(case.body, dict):
        harmless = {"pin_tier": (1, 2, 3), "routing": ("shadow", "off"), "learning": ("on",)}
        for name, value in (("pin_tier", None), ("routing", "on"), ("learning", "off")):
            if type(case.body.get(name)) in (int, str) and case.body[name] in harmless[name]:
                case.body[name] = value

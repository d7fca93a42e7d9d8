"""A validated request of any protocol, in the form that is routed: an OpenAI chat request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from route_switch.api.route_options import RouteOptions
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.services.deadline import Deadline
from route_switch.services.inbound_request import InboundRequest

IDEMPOTENCY_KEY = r"^[!-~]([ -~]{0,253}[!-~])?$"
MAX_USER_LENGTH = 256
ToolKind = Literal["function", "custom", "tool_search"]


@dataclass(frozen=True, slots=True)
class ToolName:
    """A tool as the client knows it."""

    kind: ToolKind
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class ClientCall:
    """`content` is the request as the client sent it: retries are compared by it, and an answer may
    repeat parts of it. `messages` are OpenAI chat messages, and `params` all other fields that are
    passed to the tier's model. With `include_usage`, a stream reports its usage. `tools` has the
    client's tools by the names of their functions, where these may differ. A sentence in `left_out`
    names each part of the request that is not passed on."""

    content: JsonObject
    messages: tuple[JsonObject, ...]
    params: JsonObject
    options: RouteOptions = field(default_factory=RouteOptions)
    model: str = "auto"
    user: str | None = None
    stream: bool = False
    include_usage: bool = True
    tools: Mapping[str, ToolName] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def inbound_request(
    call: ClientCall, key: ApiKey, request_id: str, deadline: Deadline, idempotency_id: str | None
) -> InboundRequest:
    """Convert the request for the services."""
    return InboundRequest(
        request_id=request_id,
        deadline=deadline,
        key=key,
        model=call.model,
        messages=call.messages,
        params=call.params,
        user=call.user,
        tiers=call.options.tiers,
        idempotency_id=idempotency_id,
        stream=call.stream,
        explain=call.options.explain,
        profile=call.options.profile,
    )


def check_idempotency_key(value: str | None) -> str | None:
    """Return the header's value. Raise `RequestRefusedError` if it is not a valid key."""
    if value is None or re.fullmatch(IDEMPOTENCY_KEY, value):
        return value
    raise RequestRefusedError(
        "An Idempotency-Key must have 1 to 255 printable ASCII characters. Send a UUID.",
        code="invalid_value",
        param="Idempotency-Key",
    )

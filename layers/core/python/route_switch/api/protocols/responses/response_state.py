"""A model's reasoning as a client carries it to the next request: `encrypted_content`.

It holds the fields of an assistant message that a provider wants back, such as signed thoughts. It
is encoded, not encrypted: signatures and redacted thoughts are protected by their provider.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from pydantic import JsonValue

from route_switch.api.request_shape import check_shape
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.json_values import InvalidJsonError, parse_json, valid_json
from route_switch.domain.message_pieces import THOUGHTS
from route_switch.domain.ports import JsonObject

_MARK = "rs1."
CALLS = "tool_calls"
"""Fields of tool calls other than their function, by the call's id."""


def thoughts_in(message: JsonObject) -> JsonObject:
    """Return the fields of a message or delta that hold a model's thoughts."""
    return {
        name: value
        for name, value in message.items()
        if name.startswith(THOUGHTS) and value not in (None, "", [], {})
    }


def encode_state(fields: JsonObject) -> str:
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return _MARK + urlsafe_b64encode(text.encode()).decode()


def decode_state(content: JsonValue) -> JsonObject | None:
    """Return the fields, or None for the content of another service."""
    if not isinstance(content, str) or not content.startswith(_MARK):
        return None
    try:
        fields = valid_json(parse_json(urlsafe_b64decode(content.removeprefix(_MARK))))
        if not isinstance(fields, dict):
            return None
        check_shape(fields)
    except (ValueError, InvalidJsonError, RequestRefusedError):
        return None
    known = thoughts_in(fields)
    return known | ({CALLS: fields[CALLS]} if isinstance(fields.get(CALLS), dict) else {})

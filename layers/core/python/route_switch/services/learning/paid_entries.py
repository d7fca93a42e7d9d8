"""What is remembered of a paid call: its key, and its answer as JSON."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.answers import tool_calls_of
from route_switch.domain.ports import JsonObject
from route_switch.domain.usage import Usage
from route_switch.services.learning.paid_calls import Purpose, Reply


def key_of(
    name: str,
    messages: tuple[JsonObject, ...],
    params: Mapping[str, JsonValue],
    rollout: JsonValue,
) -> str:
    normalized = {name: _normalized(value) for name, value in params.items()}
    content = json.dumps([name, messages, normalized, rollout], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _normalized(value: JsonValue) -> JsonValue:
    """Treat a temperature of 0.0, as DSPy writes it, like 0, so that the call is not paid for
    twice."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def reply_of(entry: JsonObject) -> Reply:
    if "refused" in entry:
        raise InvalidModelRequestError(str(entry["refused"]))
    tokens, calls = entry["tokens"], entry.get("tool_calls")
    assert isinstance(tokens, list)  # noqa: S101 (written by `MeteredCalls`; tells the type checker)
    return Reply(
        text=str(entry["text"]),
        usage=Usage(*(int(number_in(t)) for t in tokens)),
        cost_usd=number_in(entry["cost_usd"]),
        latency_ms=number_in(entry["latency_ms"]),
        cut_off=entry.get("cut_off") is True,
        tool_calls=tool_calls_of({"tool_calls": calls}),
    )


def unanswered_entry(purpose: Purpose, usd: float) -> JsonObject:
    return {"purpose": purpose.value, "cost_usd": usd}


def number_in(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0

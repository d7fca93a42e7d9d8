"""What must hold between the fields of a chat request, in JSON schema's words: the OpenAPI document
tells it, and `chat_request` checks it with messages of its own."""

from pydantic import JsonValue

from route_switch.domain.tiers import Tier

REFUSED_FIELDS = (
    *("api_base", "api_key", "api_version", "base_url", "custom_llm_provider", "extra_headers"),
    *("fallbacks", "models", "provider", "input_cost_per_token", "output_cost_per_token"),
)
"""What would choose another provider, address or price than the owner did."""


def _one_of(*schemas: JsonValue) -> JsonValue:
    return {"anyOf": [*schemas]}


def _where(**properties: JsonValue) -> JsonValue:
    """A field that is absent is as it should be."""
    return {"properties": properties}


def _within(tier: Tier) -> JsonValue:
    """A tier that is asked for by name lies in the range that is asked for."""
    options = _where(min_tier={"maximum": tier.value}, max_tier={"minimum": tier.value})
    return _one_of(_where(model={"not": {"const": tier.alias}}), _where(route_switch=options))


IN_ORDER: list[JsonValue] = [
    _where(min_tier={"enum": [1]}),
    _where(min_tier={"enum": [1, 2]}, max_tier={"enum": [2, 3]}),
    _where(max_tier={"enum": [3]}),
]
"""`min_tier` is not above `max_tier`: one of these holds."""

_STREAMED: JsonValue = {"properties": {"stream": {"const": True}}, "required": ["stream"]}
_DECIDED_AND_ANSWERED = _where(dry_run={"const": False})
TOGETHER: list[JsonValue] = [
    {"propertyNames": {"not": {"enum": [*REFUSED_FIELDS]}}},
    _one_of(_where(stream_options={"type": "null"}), _STREAMED),
    _one_of(_where(stream={"enum": [False, None]}), _where(route_switch=_DECIDED_AND_ANSWERED)),
    *map(_within, Tier),
]
"""All of these hold."""

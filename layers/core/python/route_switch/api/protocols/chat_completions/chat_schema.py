"""Constraints between the fields of a chat request as JSON schema, for the OpenAPI document.
`chat_request` enforces them with its own messages."""

from pydantic import JsonValue

from route_switch.domain.tiers import Tier

REFUSED_FIELDS = (
    *("api_base", "api_key", "api_version", "base_url", "custom_llm_provider", "extra_headers"),
    *("fallbacks", "models", "provider", "input_cost_per_token", "output_cost_per_token"),
    *("plugins", "preset", "route", "transforms", "web_search_options"),
)
"""Fields that would choose another provider, address or price than the owner's. Other unknown
fields reach no provider either (`domain.parameters.FIELDS`), but need not be refused."""
TOOL_TYPES = ("function", "custom")
"""Tools that the client runs. Those of other types run at a provider, at a price of their own."""


def _one_of(*schemas: JsonValue) -> JsonValue:
    return {"anyOf": [*schemas]}


def _where(**properties: JsonValue) -> JsonValue:
    """An absent field satisfies its constraint."""
    return {"properties": properties}


def _within(tier: Tier) -> JsonValue:
    """A tier requested by name must be in the requested range."""
    options = _where(min_tier={"maximum": tier.value}, max_tier={"minimum": tier.value})
    return _one_of(_where(model={"not": {"const": tier.alias}}), _where(route_switch=options))


_STREAMED: JsonValue = {"properties": {"stream": {"const": True}}, "required": ["stream"]}
_DECIDED_AND_ANSWERED = _where(dry_run={"const": False})
_OWN_TOOL: JsonValue = {"properties": {"type": {"enum": [*TOOL_TYPES]}}, "required": ["type"]}
COMBINATIONS: list[JsonValue] = [
    {"propertyNames": {"not": {"enum": [*REFUSED_FIELDS]}}},
    _one_of(_where(stream_options={"type": "null"}), _STREAMED),
    _where(tools={"items": _OWN_TOOL}),
    _one_of(_where(stream={"enum": [False, None]}), _where(route_switch=_DECIDED_AND_ANSWERED)),
    *map(_within, Tier),
]
"""All of these must hold."""

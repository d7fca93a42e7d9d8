"""The models that a caller may name, in OpenAI's list format."""

from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.domain.aliases import is_pattern
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.router_config import RouterConfig
from route_switch.services.eligible_models import aliases_for, resolve_override


def models_body(config: RouterConfig, key: ApiKey) -> JsonObject:
    """List `auto`, the tiers, the tier models and the stage's aliases that the key may name.
    Patterns are left out, because a person does not pick them from a list."""
    data: list[JsonValue] = [_model(name) for name in dict.fromkeys(_names(config, key))]
    return {"object": "list", "data": data}


def _names(config: RouterConfig, key: ApiKey) -> Iterator[str]:
    """A tier's model has its plain name too, if that means this tier."""
    catalog, allowed = config.models, sorted(key.allowed_tiers)
    yield "auto"
    yield from (tier.alias for tier in allowed)
    for tier in allowed:
        of = catalog.tiers[tier]
        if catalog.tier_of(of.model) is tier:
            yield of.model
        yield of.name
    for alias in aliases_for(key, catalog, config.aliases):
        if not is_pattern(alias):
            yield alias


def model_body(config: RouterConfig, key: ApiKey, name: str) -> JsonObject:
    """Raise `RequestRefusedError` when the key may not name this model."""
    resolve_override(name, key, config.models, config.aliases)
    return _model(name)


def _model(name: str) -> JsonObject:
    owner = name.partition("/")[0] if "/" in name else "route-switch"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}

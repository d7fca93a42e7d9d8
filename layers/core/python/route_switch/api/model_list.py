"""The models that a caller may name, in OpenAI's list format."""

from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import ModelCatalog
from route_switch.services.eligible_models import resolve_override


def models_body(catalog: ModelCatalog, key: ApiKey) -> JsonObject:
    """List `auto`, the tiers' aliases and the tier models that the key may name."""
    allowed = sorted(key.allowed_tiers)
    names = ["auto", *(t.alias for t in allowed), *(catalog.tiers[t].model for t in allowed)]
    data: list[JsonValue] = [_model(name) for name in dict.fromkeys(names)]
    return {"object": "list", "data": data}


def model_body(catalog: ModelCatalog, key: ApiKey, name: str) -> JsonObject:
    """Raise `RequestRefusedError` when the key may not name this model."""
    resolve_override(name, key, catalog)
    return _model(name)


def _model(name: str) -> JsonObject:
    owner = name.partition("/")[0] if "/" in name else "route-switch"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}

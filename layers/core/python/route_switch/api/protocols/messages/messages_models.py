"""The models that a caller may name, in the list format of Anthropic's API."""

from collections.abc import Mapping

from route_switch.domain.ports import JsonObject

VERSION = "anthropic-version"
"""A header that Anthropic's clients send with every request."""
NEVER = "1970-01-01T00:00:00Z"


def models_for(headers: Mapping[str, str], body: JsonObject) -> JsonObject:
    """Return a model, or a list of models, in the form of the client that asks: `body` is in
    OpenAI's."""
    if VERSION not in headers:
        return body
    listed = body.get("data")
    if not isinstance(listed, list):
        return _model(body)
    models = [_model(each) for each in listed if isinstance(each, dict)]
    return {
        "data": [*models],
        "has_more": False,
        "first_id": models[0]["id"] if models else None,
        "last_id": models[-1]["id"] if models else None,
    }


def _model(model: JsonObject) -> JsonObject:
    id_ = model["id"]
    return {"type": "model", "id": id_, "display_name": id_, "created_at": NEVER}

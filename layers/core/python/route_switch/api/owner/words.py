"""The API's names of settings and actions."""

import json

from pydantic import JsonValue

from route_switch.domain.operations.words import Words

_FIELDS = {"grace": "grace_hours"}


def _field(setting: str) -> str:
    return f"'{_FIELDS.get(setting, setting)}'"


def _with_value(setting: str, value: JsonValue) -> str:
    return f"{_field(setting)}: {json.dumps(value)}"


API_WORDS = Words(
    setting=_field,
    example=_with_value,
    create_key="POST /v1/keys",
    list_keys="GET /v1/keys",
    list_runs="GET /v1/runs",
    publish="POST /v1/prompt",
    turn_learning_on='PATCH /v1/switches and {"learning": "on"}',
    force="",
)

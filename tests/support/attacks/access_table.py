"""Every operation of the OpenAPI document, tried by every kind of caller.

`EXPECTED` has the statuses. A new operation without a row fails the walk.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import JsonValue

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.api.openapi import document
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import to_markdown
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    OTHER_KEY,
    SMALL_ONLY_KEY,
    Api,
    add_key,
)

REVOKED, NO_RATE, SPENT, UNUSED = "rs-revoked", "rs-no-rate", "rs-spent", "rs-unused"
KEYS: Mapping[str, str | None] = {
    "no key": None,
    "malformed": "rs client",
    "wrong": "rs-wrong",
    "revoked": REVOKED,
    "client": CLIENT_KEY,
    "Tier 1 only": SMALL_ONLY_KEY,
    "rate used up": NO_RATE,
    "budget used up": SPENT,
    "other client": OTHER_KEY,
    "admin": ADMIN_KEY,
}
"""Who asks. `client` made the request that the operations on records are about."""
UNKNOWN = ("no key", "malformed", "wrong", "revoked")

_ALL = dict.fromkeys(KEYS, 200)
_KEY_NEEDED = {**_ALL, **dict.fromkeys(UNKNOWN, 401)}
_ANSWERED = {**_KEY_NEEDED, "rate used up": 429, "budget used up": 429}
_OWN_OR_ADMIN = {**_KEY_NEEDED, **dict.fromkeys(KEYS, 404), **dict.fromkeys(UNKNOWN, 401)} | {
    "client": 200,
    "admin": 200,
}
_ADMIN = {**dict.fromkeys(KEYS, 403), **dict.fromkeys(UNKNOWN, 401), "admin": 200}
_NOTHING_STORED = {**dict.fromkeys(KEYS, 404), **dict.fromkeys(UNKNOWN, 401)}

EXPECTED: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("POST", "/v1/chat/completions"): _ANSWERED,
    ("POST", "/v1/messages"): _ANSWERED,
    ("POST", "/v1/messages/count_tokens"): {**_KEY_NEEDED, "rate used up": 429},
    ("POST", "/v1/responses"): _ANSWERED,
    ("POST", "/v1/completions"): _ANSWERED,
    ("POST", "/v1/route"): _ANSWERED,
    ("GET", "/v1/responses/{id}"): _NOTHING_STORED,
    ("POST", "/v1/responses/{id}"): _NOTHING_STORED,
    ("DELETE", "/v1/responses/{id}"): _NOTHING_STORED,
    ("GET", "/v1/models"): _KEY_NEEDED,
    ("GET", "/v1/models/{id}"): {**_KEY_NEEDED, "Tier 1 only": 403},
    ("GET", "/v1/results"): _ADMIN,
    ("GET", "/v1/results/{id}"): _OWN_OR_ADMIN,
    ("DELETE", "/v1/results/{id}"): {**_OWN_OR_ADMIN, "rate used up": 429},
    ("DELETE", "/v1/users/{user}"): {**_KEY_NEEDED, "rate used up": 429},
    ("POST", "/v1/feedback"): {**_OWN_OR_ADMIN, "admin": 404},
    ("GET", "/v1/costs"): _ADMIN,
    ("GET", "/v1/prompt"): _ADMIN,
    ("GET", "/v1/prompt/history"): _ADMIN,
    ("GET", "/v1/audit"): _ADMIN,
    ("GET", "/v1/keys"): _ADMIN,
    ("POST", "/v1/keys"): {**_ADMIN, "admin": 201},
    ("PATCH", "/v1/keys/{id}"): _ADMIN,
    ("DELETE", "/v1/keys/{id}"): _ADMIN,
    ("POST", "/v1/keys/{id}/rotate"): {**_ADMIN, "admin": 409},  # it was revoked just now
    ("GET", "/v1/switches"): _ADMIN,
    ("PATCH", "/v1/switches"): _ADMIN,
    ("POST", "/v1/prompt/preview"): _ADMIN,
    ("GET", "/v1/learning"): _ADMIN,
    ("GET", "/v1/runs"): _ADMIN,
    ("POST", "/v1/runs"): {**_ADMIN, "admin": 409},  # learning is off
    ("GET", "/v1/runs/{id}"): {**_ADMIN, "admin": 404},
    ("GET", "/v1/runs/{id}/report"): {**_ADMIN, "admin": 404},
    ("POST", "/v1/runs/{id}/approve"): {**_ADMIN, "admin": 404},
    ("POST", "/v1/runs/{id}/reject"): {**_ADMIN, "admin": 404},
    ("POST", "/v1/prompt"): _ADMIN,
    ("POST", "/v1/prompt/rollback"): {**_ADMIN, "admin": 404},
    ("GET", "/health"): _ALL,
    ("GET", "/openapi.json"): _ALL,
}

TEXT = "Explain step by step how the tides depend on the Moon."
_CHAT: JsonObject = {"messages": [{"role": "user", "content": TEXT}], "user": "ada"}
_BODIES: Mapping[str, JsonObject] = {
    "/v1/chat/completions": _CHAT,
    "/v1/route": _CHAT,
    "/v1/messages": {
        "model": "auto",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": TEXT}],
    },
    "/v1/messages/count_tokens": {
        "model": "auto",
        "messages": [{"role": "user", "content": TEXT}],
    },
    "/v1/responses": {"model": "auto", "input": TEXT},
    "/v1/completions": {"model": "auto", "prompt": TEXT},
    "/v1/keys": {"name": "new"},
    "/v1/keys/{id}": {"tiers": [1, 2]},
    "/v1/keys/{id}/rotate": {"grace_hours": 1},
    "/v1/switches": {"learning": "off"},
    "/v1/prompt": {
        "document": to_markdown(packaged_prompt()),
        "base_version": None,
    },
    "/v1/prompt/preview": {"document": to_markdown(packaged_prompt())},
    "/v1/runs": {},
    "/v1/runs/{id}/approve": {},
    "/v1/runs/{id}/reject": {},
    "/v1/prompt/rollback": {"version": 9, "base_version": 1},
}


@dataclass(frozen=True, slots=True)
class Cell:
    method: str
    path: str
    caller: str
    expected: int | None
    status: int


def operations() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    paths = document()["paths"]
    assert isinstance(paths, dict)
    for path, methods in paths.items():
        assert isinstance(methods, dict)
        found += ((method.upper(), path) for method in methods)
    return found


def add_keys() -> None:
    add_key(REVOKED, revoked_at={"S": "2026-01-02T00:00:00+00:00"})
    add_key(UNUSED)
    add_key(NO_RATE, requests_per_minute={"N": "1"})
    add_key(SPENT, monthly_budget_usd={"N": "0.0000001"})


def walk(api: Api) -> Iterator[Cell]:
    """Ask as every caller."""
    for method, path in operations():
        made = ""
        for caller, key in KEYS.items():
            made = made or _made(api, path)
            expected = EXPECTED.get((method, path), {}).get(caller)
            status = _status(api, method, _target(path, made), key, _body(path, made))
            if expected == HTTPStatus.TOO_MANY_REQUESTS and status != expected:
                # This request was the only one of the minute that the key may send.
                status = _status(api, method, _target(path, made), key, _body(path, made))
            made = "" if method == "DELETE" and status == HTTPStatus.OK else made
            yield Cell(method, path, caller, expected, status)


def _status(api: Api, method: str, target: str, key: str | None, body: JsonValue) -> int:
    return api(method, target, body, key).status


def _made(api: Api, path: str) -> str:
    """Return the id of a request of `client`, or of a key, for operations on one."""
    if "keys" in path:
        return f"key_{UNUSED}"
    if "results" not in path and "feedback" not in path:
        return "resp_1"
    return str(api("POST", "/v1/chat/completions", {**_CHAT, "model": "tier-1"}).body["id"])


def _body(path: str, made: str) -> JsonValue:
    return {"request_id": made, "thumb": "up"} if "feedback" in path else _BODIES.get(path)


def _target(path: str, made: str) -> str:
    name = "tier-3" if "models" in path else made
    return path.replace("{id}", name).replace("{user}", "ada")

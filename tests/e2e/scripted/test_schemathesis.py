"""Compare the served OpenAPI document with the API."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.routes import ROUTES
from tests.e2e.conftest import ServedStack
from tests.support.upstream import completion

SETTINGS = Path(__file__).with_name("schemathesis.toml")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
Json = Any  # documents, which are read at many places


@pytest.fixture
def document(scripted: ServedStack) -> Json:
    """The served document, made stricter.

    Responses allow additional fields, so that clients accept new ones; here they are forbidden, so
    that none is undocumented. The request id for feedback is that of a real answer.
    """
    scripted.upstream.script = lambda _: completion("2")
    served = httpx.get(f"{scripted.stack.endpoint}/openapi.json").json()
    schemas = served["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    schemas["FeedbackRequest"]["properties"]["request_id"]["examples"] = [answered(scripted)]
    return served


def answered(served: ServedStack) -> str:
    """Return the id of a request that was made with schemathesis' key."""
    sdk = served.openai.with_options(api_key=served.stack.admin_key)
    answer = sdk.chat.completions.create(
        model="tier-1", messages=[{"role": "user", "content": "hello"}]
    )
    return answer.id


def test_schemathesis_finds_no_failures(
    scripted: ServedStack, document: Json, tmp_path: Path
) -> None:
    stack = scripted.stack
    location, log = tmp_path / "openapi.json", tmp_path / "log.har"
    location.write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    options = ["--url", stack.endpoint, "--report-har-path", str(log)]
    run = subprocess.run(
        [*command, str(location), *options],
        env={**os.environ, "ROUTE_SWITCH_KEY": stack.admin_key, "SCHEMATHESIS_HOOKS": str(HOOKS)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answers = {route for route in ROUTES if "200" in operation(document, *route)["responses"]}
    assert answered_routes(json.loads(log.read_text())) == answers, "some routes never returned 200"


def operation(document: Json, method: str, route: str) -> Json:
    return document["paths"][route.replace("+}", "}")][method.lower()]


def answered_routes(log: Json) -> set[tuple[str, str]]:
    """Return the routes with a 200 response in an HTTP archive."""
    said = {
        (entry["request"]["method"], urlsplit(entry["request"]["url"]).path)
        for entry in log["log"]["entries"]
        if entry["response"]["status"] == 200
    }
    return {
        (method, route)
        for method, route in ROUTES
        if any(verb == method and pattern(route).fullmatch(path) for verb, path in said)
    }


def pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\+?\}", "[^/]+", route))

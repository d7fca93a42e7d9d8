"""The served OpenAPI document against the API that serves it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
from pydantic import JsonValue

from tests.e2e.conftest import Served

SETTINGS = Path(__file__).with_name("schemathesis.toml")


def test_schemathesis_finds_nothing(scripted: Served, tmp_path: Path) -> None:
    stack = scripted.stack
    document = httpx.get(f"{stack.endpoint}/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        close(schema)
    location = tmp_path / "openapi.json"
    location.write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    found = subprocess.run(
        [*command, str(location), "--url", stack.endpoint],
        env={**os.environ, "ROUTE_SWITCH_KEY": stack.admin_key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    print(found.stdout)
    assert found.returncode == 0, found.stdout + found.stderr


def close(schema: dict[str, JsonValue]) -> None:
    """Clients may meet new fields, so the document leaves answers open; here, none is forgotten."""
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)

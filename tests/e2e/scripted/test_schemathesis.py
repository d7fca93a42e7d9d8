"""Compare the served OpenAPI document with the API."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.routes import ROUTES
from local.aws.client import aws_client
from route_switch.optimizer.report.json_file import to_json
from tests.e2e.conftest import ServedStack, switch_routing
from tests.support.report import finished
from tests.support.upstream import completion

SETTINGS = Path(__file__).with_name("schemathesis.toml")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
OWN_KEYS = ("key", "key-to-revoke")
Json = Any  # documents, which are read at many places


@pytest.fixture
def document(scripted: ServedStack) -> Json:
    """The served document, made stricter.

    Responses allow additional fields, so that clients accept new ones; here they are forbidden, so
    that none is undocumented. The request id for feedback is that of a real answer.
    """
    scripted.upstream.script = lambda _: completion("2")
    served = httpx.get(f"{scripted.stack.endpoint}/openapi.json", timeout=60).json()
    schemas = served["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    schemas["FeedbackRequest"]["properties"]["request_id"]["examples"] = [answered(scripted)]
    name_what_the_owner_can_change(scripted, served)
    return served


@pytest.fixture(autouse=True)
def _learning_is_off(scripted: ServedStack) -> Iterator[None]:
    """So that no run starts."""
    owner(scripted, "PATCH", "/v1/switches", {"learning": "off"})
    yield
    switch_routing(scripted.stack, "on")


def owner(scripted: ServedStack, method: str, path: str, body: Json = None) -> Json:
    stack = scripted.stack
    headers = {"Authorization": f"Bearer {stack.admin_key}"}
    url = f"{stack.endpoint}{path}"
    return httpx.request(method, url, json=body, headers=headers, timeout=60).json()


def name_what_the_owner_can_change(scripted: ServedStack, document: Json) -> None:
    """Give the document ids that exist: two keys of its own, an ended run with a report, and the
    live prompt, whose publication and rollback change nothing."""
    parameters = document["components"]["parameters"]
    for name in OWN_KEYS:
        made = owner(scripted, "POST", "/v1/keys", {"name": name})
        parameters[name]["example"] = made["key_id"]
    parameters["run"]["example"] = put_run(scripted)
    live = owner(scripted, "GET", "/v1/prompt")
    version = int(live["version"].removeprefix("live@"))
    schemas = document["components"]["schemas"]
    examples = {"document": live["document"], "base_version": version, "version": version}
    for name in ("PublishPromptRequest", "PreviewRequest", "RollbackRequest"):
        schemas[name]["examples"] = [
            {field: examples[field] for field in schemas[name]["required"]}
        ]


def put_run(scripted: ServedStack) -> str:
    stack, run = scripted.stack, "2026-11-15T030000Z"
    texts = {"pk": "RUNS", "sk": run, "trigger": "schedule", "outcome": "not better"}
    aws_client("dynamodb", stack.aws_endpoint, stack.region).put_item(
        TableName=stack.results_table,
        Item={**{name: {"S": text} for name, text in texts.items()}, "started_at": {"N": "1"}},
    )
    s3 = aws_client("s3", stack.aws_endpoint, stack.region)
    for name, content in (("report.html", "<p>The run</p>"), ("report.json", to_json(finished()))):
        s3.put_object(Bucket=stack.learning_bucket, Key=f"runs/{run}/{name}", Body=content.encode())
    return run


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
    made = {document["components"]["parameters"][name]["example"] for name in OWN_KEYS}
    known = {key["key_id"] for key in owner(scripted, "GET", "/v1/keys")["data"]}
    protected = sorted(known - made)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    options = ["--url", stack.endpoint, "--report-har-path", str(log)]
    run = subprocess.run(
        [*command, str(location), *options],
        env={
            **os.environ,
            "ROUTE_SWITCH_KEY": stack.admin_key,
            "SCHEMATHESIS_HOOKS": str(HOOKS),
            "PROTECTED_KEYS": " ".join(protected),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answers = {route for route in ROUTES if "200" in operation(document, *route)["responses"]}
    answers -= {("POST", f"/v1/runs/{{id}}/{verb}") for verb in ("approve", "reject")}  # none waits
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

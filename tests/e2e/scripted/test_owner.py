"""The owner's routes on the deployed template, with the permissions of its role. A missing one
fails the fixture of the stack."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.aws.client import aws_client
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import to_markdown
from tests.e2e.conftest import ORIGIN, ServedStack, switch_routing
from tests.support.upstream import Body, Reply, completion

MARK = "a question about the moon"
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."
Json = dict[str, Any]  # answers, which are read at many places


def by_prompt(body: Body) -> Reply:
    """The router LLM names Tier 3 once the prompt mentions the moon."""
    routed = "3" if MARK in str(body["messages"]) else "1"
    return completion(routed, 100, 1) if "mini" in str(body["model"]) else completion("Hi.", 5, 5)


@dataclass(frozen=True)
class OwnerClient:
    endpoint: str
    key: str

    def __call__(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.endpoint}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=60)


@pytest.fixture
def owner(scripted: ServedStack) -> Iterator[OwnerClient]:
    yield OwnerClient(scripted.stack.endpoint, scripted.stack.admin_key)
    switch_routing(scripted.stack, "on")


def ok(answer: httpx.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


def test_a_key_lives_a_whole_life(scripted: ServedStack, owner: OwnerClient) -> None:
    scripted.upstream.script = lambda _: completion("Hi.")
    made = ok(owner("POST", "/v1/keys", {"name": "search", "tiers": [1, 2]}), 201)
    key_id, key = made["key_id"], OwnerClient(owner.endpoint, made["key"])
    asked = {"model": "tier-1", "messages": [{"role": "user", "content": "hello"}]}
    ok(key("POST", "/v1/chat/completions", asked))
    assert key("GET", "/v1/keys").status_code == 403
    changed = ok(owner("PATCH", f"/v1/keys/{key_id}", {"monthly_budget_usd": 5, "name": "web"}))
    assert (changed["name"], changed["month"]["requests"]) == ("web", 1)
    rotated = ok(owner("POST", f"/v1/keys/{key_id}/rotate", {"grace_hours": 1}))
    newest = OwnerClient(owner.endpoint, rotated["key"])
    for each in (key, newest):
        ok(each("GET", "/v1/models"))
    [listed] = [k for k in ok(owner("GET", "/v1/keys"))["data"] if k["key_id"] == key_id]
    assert len(listed["former_secrets_end_at"]) == 1
    assert ok(owner("DELETE", f"/v1/keys/{key_id}"))["revoked_at"] is not None
    entries = ok(owner("GET", "/v1/audit?what=keys"))["data"]
    of_key = [each for each in entries if each["subject"] == key_id]
    assert [each["action"] for each in of_key] == ["revoke", "rotate", "set", "create"]
    assert all(each["by"].startswith("key:key_") and each["confirmed"] for each in of_key)


def test_a_prompt_is_previewed_published_and_rolled_back(
    scripted: ServedStack, owner: OwnerClient
) -> None:
    scripted.upstream.script = by_prompt
    ask = {"model": "auto", "messages": [{"role": "user", "content": f"{LONG} Once."}]}
    ok(OwnerClient(owner.endpoint, scripted.stack.api_key)("POST", "/v1/chat/completions", ask))
    live = ok(owner("GET", "/v1/prompt"))
    base = int(live["version"].removeprefix("live@"))
    prompt = packaged_prompt()
    edited = prompt.model_copy(update={"instruction": f"{prompt.instruction}\n- {MARK}"})
    document = {"document": to_markdown(edited)}
    preview = ok(owner("POST", "/v1/prompt/preview", {**document, "sample": 100}))
    assert preview["compared"] >= 1
    assert {(each["from"], each["to"]) for each in preview["moves"]} == {(1, 3)}
    assert preview["router_cost_usd"] > 0
    change = {**document, "base_version": base}
    assert ok(owner("POST", "/v1/prompt", {**change, "dry_run": True}))["version"] is None
    assert ok(owner("POST", "/v1/prompt", change))["version"] == base + 1
    assert owner("POST", "/v1/prompt/rollback", {"version": base, "base_version": base}).json()[
        "error"
    ]["code"] == ("prompt_changed")
    back = {"version": base, "base_version": base + 1}
    done = ok(owner("POST", "/v1/prompt/rollback", back))
    assert (done["version"], done["content_of"]) == (base + 2, base)
    assert ok(owner("GET", "/v1/prompt"))["digest"] == live["digest"]
    [rolled_back, pushed, *_] = ok(owner("GET", "/v1/audit?what=prompt"))["data"]
    assert (rolled_back["action"], pushed["action"]) == ("rollback", "push")
    assert pushed["by"].startswith("key:key_")


def test_switches_learning_and_runs_are_shown_and_changed(
    scripted: ServedStack, owner: OwnerClient
) -> None:
    before = ok(owner("GET", "/v1/switches"))
    assert ok(owner("PATCH", "/v1/switches", {"learning": "off"}))["learning"] == "off"
    refused = owner("POST", "/v1/runs")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "learning_off")
    ok(owner("PATCH", "/v1/switches", {"learning": before["learning"]}))
    learning = ok(owner("GET", "/v1/learning"))
    assert (learning["object"], learning["drift"]) == ("learning", [])
    run = "2026-11-22T030000Z"
    stack = scripted.stack
    execution = f"{stack.state_machine.replace(':stateMachine:', ':execution:')}:{run}"
    item = {"pk": "RUNS", "sk": run, "execution": execution, "trigger": "schedule"}
    aws_client("dynamodb", stack.aws_endpoint, stack.region).put_item(
        TableName=stack.results_table,
        Item={**{name: {"S": text} for name, text in item.items()}, "started_at": {"N": "1"}},
    )
    [listed] = [r for r in ok(owner("GET", "/v1/runs?limit=100"))["data"] if r["run"] == run]
    assert listed["state"] == "stopped"
    assert ok(owner("GET", f"/v1/runs/{run}"))["summary"] is None
    assert owner("GET", f"/v1/runs/{run}/report").status_code == 404
    assert owner("POST", f"/v1/runs/{run}/approve").status_code == 409
    audited = ok(owner("GET", "/v1/audit?what=switches"))["data"]
    assert "learning off" in audited[1]["after"]


def test_pages_of_listed_origins_may_change_keys(scripted: ServedStack) -> None:
    asked = httpx.options(
        f"{scripted.stack.endpoint}/v1/keys/key_1",
        headers={"origin": ORIGIN, "access-control-request-method": "PATCH"},
    )
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in asked.headers["access-control-allow-methods"]


def test_a_client_key_reaches_none_of_these_routes(scripted: ServedStack) -> None:
    client = OwnerClient(scripted.stack.endpoint, scripted.stack.api_key)
    for method, path in (("GET", "/v1/keys"), ("PATCH", "/v1/switches"), ("POST", "/v1/runs")):
        refused = client(method, path, {})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "admin_key_required")


def test_the_log_holds_no_secret(scripted: ServedStack, owner: OwnerClient) -> None:
    secret = ok(owner("POST", "/v1/keys", {"name": "secret"}), 201)["key"]
    [log] = [file for file in scripted.logs.iterdir() if "Owner" in file.name]
    assert secret not in log.read_text("utf-8")
    assert json.dumps(secret)[1:-1] not in log.read_text("utf-8")

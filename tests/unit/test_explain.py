"""`route-switch explain`: the decision of `POST /v1/route` in words."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from route_switch.cli.explain import KEY_VARIABLE
from route_switch.cli.main import app
from route_switch.cli.stage_names import UsageError
from route_switch.domain.errors import RouteSwitchError
from tests.support.upstream import Reply, Upstream, failure, running_upstream

DECISION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "route",
    "tier": 2,
    "reason": "router",
    "model": "openai/gpt-4.1-mini",
    "prompt_version": "live@3",
    "router_tokens": 1016,
    "estimated_cost_usd": {"1": 0.00018, "2": 0.0005, "3": None},
    "why": "",
    "query_tokens": 23,
    "bypass_tokens": 8,
    "assumed_output_tokens": 300,
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def explain(*options: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["explain", "Why is it so?", *options])


def asked(*options: str, reply: Reply | None = None) -> tuple[Result, Upstream]:
    with running_upstream(lambda _: reply or Reply(DECISION)) as api:
        return explain("--endpoint", api.url, *options), api


def refusal(result: Result) -> RouteSwitchError:
    assert isinstance(result.exception, RouteSwitchError), result.output
    return result.exception


def test_a_decision_is_told_in_words() -> None:
    result, api = asked("--api-key", "rs-mine")
    assert result.exit_code == 0, result.output
    shown = " ".join(result.stdout.split())
    for text in (
        "tier 2 openai/gpt-4.1-mini",
        "reason Router: it chose the tier",
        "prompt live@3, 1016 router tokens",
        "about 23 tokens. Queries under 8 tokens go to Tier 1 without a router call.",
        "With an answer of 300 tokens",
    ):
        assert text in shown
    for tier, amount in (("1", "$0.000180"), ("2", "$0.000500"), ("3", "unknown")):
        assert f"│ {tier} │ {amount} │" in shown
    assert api.calls == [{"messages": [{"role": "user", "content": "Why is it so?"}]}]
    assert api.paths == ["/v1/route"]
    assert api.headers[0]["authorization"] == "Bearer rs-mine"


def test_json_is_the_apis_body() -> None:
    result, _ = asked("--api-key", "rs-mine", "--json")
    assert json.loads(result.stdout) == DECISION


def test_the_local_stack_needs_no_options() -> None:
    with running_upstream(lambda _: Reply(DECISION)) as api:
        Path(".local").mkdir()
        stack = {"endpoint": api.url.removesuffix("/v1"), "api_key": "rs-local"}
        Path(".local/stack.json").write_text(json.dumps(stack), "utf-8")
        assert explain().exit_code == 0
    assert api.headers[0]["authorization"] == "Bearer rs-local"


def test_the_local_stacks_key_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".local").mkdir()
    Path(".local/stack.json").write_text('{"endpoint": "http://x", "api_key": "rs-local"}')
    result, api = asked()
    assert isinstance(refusal(result), UsageError)
    assert f"Set {KEY_VARIABLE}" in str(refusal(result))
    assert api.calls == []
    monkeypatch.setenv(KEY_VARIABLE, "rs-of-the-environment")
    _, api = asked()
    assert api.headers[0]["authorization"] == "Bearer rs-of-the-environment"


def test_the_apis_error_is_passed_on() -> None:
    result, _ = asked("--api-key", "rs-x", reply=failure(401, "Invalid API key."))
    assert "refused with status 401: Invalid API key." in str(refusal(result))
    other = Reply("<html>", 404)
    assert "not route-switch's API" in str(refusal(asked("--api-key", "x", reply=other)[0]))


def test_an_api_out_of_reach_is_an_error() -> None:
    result = explain("--endpoint", "http://127.0.0.1:9", "--api-key", "rs-x")
    assert "does not answer" in str(refusal(result))
    assert "does not answer" in str(refusal(explain("--endpoint", "nowhere", "--api-key", "x")))

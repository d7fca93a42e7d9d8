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
    "explanation": {
        "sentences": [
            "The router LLM chose Tier 2.",
            "It named criterion 1: “a \u202e”.",
        ],
        "changes": ["A request can name its tier."],
        "evidence": None,
    },
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


def test_a_decision_is_described_in_words() -> None:
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
    assert "refused the request with status 401: Invalid API key." in str(refusal(result))
    other = Reply("<html>", 404)
    assert "not route-switch's API" in str(refusal(asked("--api-key", "x", reply=other)[0]))


def test_an_api_out_of_reach_is_an_error() -> None:
    result = explain("--endpoint", "http://127.0.0.1:9", "--api-key", "rs-x")
    assert "does not answer" in str(refusal(result))
    assert "does not answer" in str(refusal(explain("--endpoint", "nowhere", "--api-key", "x")))


def test_reasons_and_changes_are_sentences_of_their_own() -> None:
    result, _ = asked("--api-key", "rs-mine")
    why, _, change = result.stdout.partition("What would change it\n")
    assert why.partition("\nWhy\n")[2].startswith("  The router LLM chose Tier 2.\n")
    assert change.startswith("  A request can name its tier.\n")
    assert "\u202e" not in result.stdout, "nothing of the prompt controls the terminal"


def test_an_api_of_an_earlier_release_has_no_explanation() -> None:
    old = {name: value for name, value in DECISION.items() if name != "explanation"}
    result, _ = asked("--api-key", "rs-mine", reply=Reply(old))
    assert result.exit_code == 0, result.output
    assert "What would change it" not in result.stdout


def test_deep_asks_for_the_paid_explanation() -> None:
    _, api = asked("--api-key", "rs-mine", "--deep")
    assert api.calls[0]["route_switch"] == {"explain": True}


def conversation(content: str, *options: str) -> tuple[Result, Upstream]:
    Path("c.json").write_text(content, "utf-8")
    with running_upstream(lambda _: Reply(DECISION)) as api:
        command = ["explain", "--messages", "c.json", "--endpoint", api.url, "--api-key", "k"]
        return CliRunner().invoke(app, [*command, *options]), api


TURNS = [
    {"role": "user", "content": "Prove it."},
    {"role": "assistant", "content": "\ud800 Done."},
    {"role": "user", "content": "continue"},
]


def test_a_conversation_is_a_list_of_messages() -> None:
    result, api = conversation(json.dumps(TURNS))
    assert result.exit_code == 0, result.output
    assert api.calls == [{"messages": TURNS}]


def test_a_conversation_is_also_a_whole_request() -> None:
    request = {"messages": TURNS, "tools": [{"type": "function"}], "stream": True, "stop": None}
    own = {"route_switch": {"max_tier": 2}}
    _, api = conversation(json.dumps({**request, **own}), "--deep")
    del request["stream"]
    assert api.calls == [{**request, "route_switch": {"max_tier": 2, "explain": True}}]


@pytest.mark.parametrize("content", ["{", "[" * 9999, "1", '{"messages": "hi"}', "{}", "\ufeff"])
def test_a_file_without_messages_is_an_error(content: str) -> None:
    result, api = conversation(content)
    assert "c.json" in str(refusal(result))
    assert api.calls == []


@pytest.mark.parametrize("arguments", [[], ["hello", "--messages", "c.json"], ["  "]])
def test_exactly_one_of_query_and_conversation_is_needed(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["explain", *arguments])
    assert isinstance(refusal(result), UsageError)


def test_the_bypass_of_single_queries_is_not_told_of_a_conversation() -> None:
    result, _ = conversation(json.dumps(TURNS))
    assert "message  about 23 tokens, the last one of the conversation\n" in result.stdout
    assert "Queries under" not in result.stdout


def test_a_session_is_named_in_its_header() -> None:
    _, api = asked("--api-key", "rs-app", "--session-id", "chat-7")
    assert api.headers[0]["x-session-id"] == "chat-7"
    assert "x-session-id" not in asked("--api-key", "rs-app")[1].headers[0]


def test_the_local_stacks_admin_key_is_preferred() -> None:
    with running_upstream(lambda _: Reply(DECISION)) as api:
        Path(".local").mkdir()
        stack = {"endpoint": api.url, "api_key": "rs-local", "admin_key": "rs-owner"}
        Path(".local/stack.json").write_text(json.dumps(stack), "utf-8")
        assert explain().exit_code == 0
    assert api.headers[0]["authorization"] == "Bearer rs-owner"

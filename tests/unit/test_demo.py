"""What `make demo` asks, and what it shows of the answers."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from local.aws.client import StackInfo
from local.aws.errors import LocalStackError
from local.demos import demo as demos
from local.demos.chats import ANSWER_CHARACTERS, ANSWER_LINES, beginning_of, print_chats
from local.demos.demo import PER_WORKLOAD, choose_queries
from local.demos.traffic import Exchange, Record
from route_switch.cli.main import app
from route_switch.cli.stage import find_stage
from route_switch.cli.stage_names import UsageError
from route_switch_offline import OFFLINE_MODELS, load_sample
from tests.support.sample import chat_rows

CHATS = chat_rows()[:4]


def test_the_demo_asks_chats_first_and_two_queries_without_a_recording() -> None:
    rows = {row.query: row for row in load_sample()}
    chosen = [rows[query] for query in choose_queries(load_sample())]
    assert len(chosen) == len({row.id for row in chosen}) == 38
    chats = PER_WORKLOAD["general"]
    assert {row.workload for row in chosen[:chats]} == {"general"}
    assert all(row.workload != "general" for row in chosen[chats:])
    assert sum(not row.models for row in chosen) == 2


def answered(number: int, tier: int) -> tuple[Exchange, Record]:
    row, model = CHATS[number], OFFLINE_MODELS[tier - 1]
    recorded = row.models[model]
    body = {"id": str(number), "choices": [{"message": {"content": recorded.answer}}]}
    record = {
        "tier": tier,
        "model": model,
        "provider_model": recorded.recorded_model,
        "cost_usd": recorded.cost_usd,
    }
    return Exchange(row.query, 200, httpx.Headers(), body, 1.0), record


def test_the_first_chat_of_each_tier_is_shown_with_the_model_that_wrote_the_answer() -> None:
    pairs = [answered(0, 2), answered(1, 2), answered(2, 3)]
    failed = Exchange(CHATS[3].query, 502, httpx.Headers(), {}, 1.0)
    console = Console(width=100, record=True, file=io.StringIO())
    records = {each.body["id"]: record for each, record in pairs}
    chats = frozenset(row.query for row in CHATS)
    print_chats(console, [failed, *(each for each, _ in pairs)], records, chats)
    printed = console.export_text()
    assert re.findall(r"^Tier (\d), (\S+), \$0\.\d{6}$", printed, re.MULTILINE) == [
        ("2", "mixtral-8x7b-instruct"),
        ("3", "gpt-4-1106-preview"),
    ]
    first_words = pairs[0][0].text.split()[:5]
    assert " ".join(first_words) in " ".join(printed.split())


def test_a_long_answer_is_cut_after_whole_words_and_lines() -> None:
    assert beginning_of(" Yes. \n") == "Yes."
    cut = beginning_of("word " * 200)
    assert cut.endswith("word …")
    assert len(cut) <= ANSWER_CHARACTERS + 2
    assert beginning_of("\n".join("abcdefgh")).splitlines() == [*"abcde", "f …"]
    assert ANSWER_LINES == 6


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> StackInfo:
    """A stack that is only described: nothing is started or sent."""
    names = ("api_key", "admin_key", "aws_endpoint", "region", "prompt_parameter", "results_table")
    info = StackInfo(endpoint="http://127.0.0.1:4321", **dict.fromkeys(names, "x"))

    @contextmanager
    def started(*_: object) -> Iterator[StackInfo]:
        yield info

    monkeypatch.setattr(demos, "started_stack", started)
    monkeypatch.setattr(demos, "_print_totals", lambda *_: None)
    monkeypatch.setattr(demos, "_send_all", lambda *_: [])
    return info


def shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, once: bool) -> tuple[str, bool]:
    """Return what the demo prints, and whether it waited for Ctrl-C."""
    console = Console(width=60, force_terminal=terminal, color_system=None, file=io.StringIO())
    waited: list[bool] = []
    monkeypatch.setattr(demos, "new_console", lambda: console)
    monkeypatch.setattr(demos, "wait_for_stop", lambda: waited.append(True))
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    demos.demo(Path("cdk.out"), Path(".local/demo"), once)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), bool(waited)


@pytest.mark.usefixtures("stack")
def test_on_a_terminal_the_demo_ends_with_console_and_commands_and_keeps_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed, waited = shown(monkeypatch, terminal=True, once=False)
    assert waited
    lines = printed.splitlines()
    assert lines[-8] == (
        "The console is at http://127.0.0.1:4321/console (key: admin_key or api_key in "
        ".local/demo/stack.json)."
    )
    assert lines[-5] == "export ROUTE_SWITCH_STACK=.local/demo/stack.json"
    assert lines[-1] == "Ctrl-C stops the stack."


@pytest.mark.usefixtures("stack")
def test_the_commands_at_the_end_of_the_demo_reach_its_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printed, _ = shown(monkeypatch, terminal=True, once=False)
    (variable, file) = re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE)[0]
    commands = re.findall(r"^\.venv/bin/route-switch (\w+)$", printed, re.MULTILINE)
    about = {"region": "us-east-1", "prompt_parameter": "/x/live", "aws_endpoint": "http://demo"}
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(parents=True)
    Path(file).write_text(json.dumps(about), "utf-8")
    Path(".local/stack.json").write_text(json.dumps(about | {"aws_endpoint": "http://up"}), "utf-8")
    monkeypatch.setenv(variable, file)
    assert find_stage(None).endpoint == "http://demo"
    assert len(commands) == 2
    assert {*commands} <= {command.name for command in app.registered_commands}
    Path(file).unlink()
    with pytest.raises(UsageError, match=f"the stack that {variable} names has stopped"):
        find_stage(None)


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(("terminal", "once"), [(False, False), (True, True), (False, True)])
def test_without_a_terminal_or_when_asked_the_demo_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, once: bool
) -> None:
    printed, waited = shown(monkeypatch, terminal=terminal, once=once)
    assert not waited
    assert "The stack stops now, and its console at http://127.0.0.1:4321/console" in printed
    assert "'make up' starts another one, without them." in printed


def test_a_demo_whose_requests_fail_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, stack: StackInfo
) -> None:
    failed = Exchange("Why?", 502, httpx.Headers(), {}, 1.0)
    monkeypatch.setattr(demos, "_send_all", lambda *_: [failed])
    with pytest.raises(LocalStackError, match="1 of 1 requests failed"):
        shown(monkeypatch, terminal=True, once=False)

"""`make weekly` on scripted models: a person who approves, one who is silent, and a failed run."""

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from local.aws.errors import LocalStackError
from local.demos.traffic import Exchange
from local.demos.weekly import Week
from route_switch.cli.prompt_preview import preview
from route_switch.cli.stage import find_deployed
from route_switch.cli.switch import RoutingState, routing
from route_switch.domain.learning.promise import promised_loss
from route_switch.domain.prompt_document import parse_prompt
from route_switch_offline import load_sample
from tests.support.processes import kill_function
from tests.support.scripted_models import CRITERION, numbers, query, recorded
from tests.support.weekly import Weekly

ENOUGH = numbers(train=20, validation=16, heldout=54)


@pytest.fixture
def week(weekly: Weekly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Week:
    """A week on the stack of scripted models, approved in advance.

    The router's processes are killed, because they cache the previous test's prompt for a minute.
    """
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(json.dumps(vars(weekly.stack)))
    monkeypatch.chdir(tmp_path)
    deployed = find_deployed(None)
    kill_function(weekly.stack, deployed.outputs["RouterFunction"], "runtime")
    console = Console(width=100, force_terminal=False)
    return Week(console, weekly.stack, deployed, approved=True)


@pytest.mark.usefixtures("models")
def test_an_approved_candidate_goes_live_and_the_api_uses_it(
    week: Week, weekly: Weekly, capsys: pytest.CaptureFixture[str]
) -> None:
    before, _ = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    with weekly.configured(approval="always", max_quality_loss=0.1):
        week.learn([answered(query(1))])
    assert promised_loss(parse_prompt(weekly.live[1])) == 0.1
    printed = capsys.readouterr().out
    assert "at most 10% of answers are worse than Tier 3's" in printed
    assert re.search(r"The run waits for 'route-switch approve \S+Z'", printed)
    assert re.search(r"Z: approved as arn:", printed)
    assert "\npromoted\nIn the last 7 days, " in printed
    assert f"\nA better routing prompt is live as version {before + 1}." in printed
    assert f"prompt live@{before + 1} (before: live@{before})" in printed
    assert re.search(rf"^\+.*{re.escape(CRITERION)}", printed, re.MULTILINE)


@pytest.mark.usefixtures("models")
def test_without_a_terminal_no_question_is_asked_and_the_candidate_is_rejected(
    week: Week, weekly: Weekly, capsys: pytest.CaptureFixture[str]
) -> None:
    before = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    with weekly.configured(approval="always"), weekly.short_approval_wait(seconds=4):
        replace(week, approved=False).learn([answered(query(1))])
    printed = capsys.readouterr().out
    assert "There is no terminal to ask at. No answer in time means no." in printed
    assert "\nnot approved\nIn the last 7 days, " in printed
    assert "\nNobody approved the candidate in time" in printed
    assert weekly.live == before


@pytest.mark.usefixtures("models")
def test_a_week_in_shadow_ends_live_and_says_what_routing_would_have_saved(
    week: Week, weekly: Weekly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    router = week.deployed.outputs["RouterFunction"]
    row = load_sample()[0]
    rows = [row.model_copy(update={"query": query(number)}) for number in range(12)]
    try:
        week.switch(RoutingState.SHADOW, rows[0].query)
        week.send(rows)
        # A warm process reads the switch only after a minute.
        kill_function(weekly.stack, router, "runtime")
        week.go_live(rows)
        (tmp_path / "edited.md").write_text(with_criterion(weekly.live[1]), "utf-8")
        preview(tmp_path / "edited.md", days=1, sample=1000, show=1, budget_usd=1.0)
    finally:
        routing(RoutingState.ON)
        kill_function(weekly.stack, router, "runtime")
    in_shadow, live = capsys.readouterr().out.split("$ route-switch savings")
    assert "$ route-switch switch routing shadow" in in_shadow
    assert "0% / 0% / 100% on Tier 1 / 2 / 3" in in_shadow
    assert "Routing is in shadow: Tier 3 answers." in live
    assert re.search(r"In shadow\n +requests +\d\d", live)
    assert "$ route-switch switch routing on" in live
    assert "Sent 2 real queries" in live
    assert "were answered: 0% / 0% / 100%" not in live
    assert re.search(r"[1-9]\d* of \d+ requests would move \(\d", live)
    assert re.search(r"All answers would cost \$\S+ instead of \$", live)


@pytest.mark.usefixtures("models")
def test_a_failed_run_is_an_error_with_the_text_of_the_notification(
    week: Week, weekly: Weekly
) -> None:
    weekly.seed([{"query": ""}])
    with pytest.raises(LocalStackError, match=r"The run failed: .*The live prompt is unchanged"):
        week.learn([answered(query(1))])


def with_criterion(document: str) -> str:
    """Return the prompt with the criterion that the scripted router looks for."""
    return document.replace("\n- ", f"\n- {CRITERION}\n- ", 1)


def answered(text: str) -> Exchange:
    return Exchange(text, 200, httpx.Headers(), {}, 1.0)

"""`route-switch prompt preview` compares what `POST /v1/prompt/preview` does."""

from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.cli import prompt_preview
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed, Stage
from route_switch.domain.errors import RouteSwitchError
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import LONG, Api, MakeApi, by_model
from tests.integration.test_owner_preview import DOCUMENT, LIVE, moving, preview
from tests.support.upstream import completion


@pytest.fixture
def stage(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Api:
    """A stage with three queries, one of which was asked twice; `edited.md` would move them."""
    api = make_api(text_storage="full")
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=LIVE, Type="String")
    deployed = Deployed(boto3.client, read_settings(), {})
    monkeypatch.setattr(prompt_preview, "find_deployed", lambda _: deployed)
    monkeypatch.setattr(
        prompt_preview, "find_stage", lambda _: Stage("/test/prompt", boto3.Session())
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.chdir(tmp_path)
    Path("edited.md").write_text(DOCUMENT, "utf-8")
    api.upstream.script = by_model(
        router=completion("2", 1000, 1), medium=completion("By gravity.", 100, 200)
    )
    for n in (0, 1, 2, 2):
        assert api.chat(f"{LONG} Version {n}.").status == 200
    api.upstream.script = moving
    return api


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["prompt", "preview", "edited.md", *arguments])


def test_it_counts_the_same_moves_and_the_same_costs_as_the_api(stage: Api) -> None:
    said = run("--show", "9")
    assert said.exit_code == 0, said.output
    body = preview(stage).body
    assert (body["compared"], body["queries"]) == (4, 3)
    assert "4 of 4 requests would move (100.0%)." in said.stdout
    assert "They ask 3 distinct queries" in said.stdout
    assert "  Tier 2 to 3: 4" in said.stdout
    assert "All answers would cost $0.0280 instead of $0.00520" in said.stdout
    assert body["cost_usd_after"] == pytest.approx(0.028)
    assert body["cost_usd_before"] == pytest.approx(0.0052)
    assert said.stdout.count("  2 to 3  ") == 3
    notes = [f"note: {note}" for note in body["notes"]]  # type: ignore[attr-defined]  # a list
    assert said.stderr.splitlines() == notes


def test_a_budget_ends_it_with_what_was_compared_and_names_the_option(stage: Api) -> None:
    said = run("--budget-usd", "0.0005")
    # Queries are compared at the same time, so that it may end before the first one is done.
    told = said.stderr + str(said.exception or "")
    assert "of 3 distinct queries were compared: the budget was used up." in told
    assert "Raise --budget-usd, or lower --sample." in told


def test_a_budget_for_no_query_is_an_error(stage: Api) -> None:
    done = run("--budget-usd", "0")
    assert isinstance(done.exception, RouteSwitchError)
    assert "Only 0 of 3 distinct queries were compared: the budget" in str(done.exception)


def test_a_stage_without_texts_has_nothing_to_compare(
    stage: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings()
    router = settings.router.model_copy(update={"text_storage": "none"})
    deployed = Deployed(boto3.client, settings.model_copy(update={"router": router}), {})
    monkeypatch.setattr(prompt_preview, "find_deployed", lambda _: deployed)
    done = run()
    assert isinstance(done.exception, RouteSwitchError)
    assert "text" in str(done.exception)

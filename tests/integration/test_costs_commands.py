"""`route-switch costs` and `results` show what the API answers."""

import json
import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.cli import costs, results, results_list
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.cli.stage_names import UsageError
from route_switch.domain.errors import RouteSwitchError
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, CATALOG, LONG, Api, MakeApi, by_model
from tests.support.clock import NOW, stop_clock
from tests.support.upstream import completion, failure

TODAY = NOW.date()


@pytest.fixture
def api(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A stage with two requests, whose savings are estimated."""
    made = make_api(models=CATALOG.model_copy(update={"tier_3_output_ratio": {}}))
    made.upstream.script = by_model(
        router=completion("2", 101, 1), small=completion("Hi."), medium=completion("Yes.", 37, 211)
    )
    deployed = Deployed(boto3.client, read_settings(), {})
    for command in (costs, results):
        monkeypatch.setattr(command, "find_deployed", lambda stage: deployed)
    return made


def run(*arguments: str) -> Result:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result


def refusal(*arguments: str) -> RouteSwitchError:
    result = CliRunner().invoke(app, [*arguments])
    assert isinstance(result.exception, RouteSwitchError), result.output
    return result.exception


def words(result: Result) -> str:
    return " ".join(result.stdout.replace("│", " ").split())


def answer_of(api: Api, path: str) -> dict[str, object]:
    answer = api("GET", path, key=ADMIN_KEY)
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ([], ""),
        (["--days", "2"], f"from={TODAY - timedelta(1)}"),
        (["--from", "2026-01-03", "--to", "2026-02-01"], "from=2026-01-03&to=2026-02-01"),
        *(([option, "tier"], "group_by=tier") for option in ("--by", "--group-by")),
        (["--by", "key"], "group_by=key"),
        (["--by", "tag"], "group_by=tag"),
        (["--by", "model"], "group_by=model"),
    ],
)
def test_costs_as_json_are_the_apis_body(
    api: Api, monkeypatch: pytest.MonkeyPatch, options: list[str], query: str
) -> None:
    stop_clock(monkeypatch, costs)
    api.chat("hello")
    api.chat(LONG)
    printed = json.loads(run("costs", *options, "--json").stdout)
    assert printed == answer_of(api, f"/v1/costs?{query}")


def test_costs_show_rows_a_total_and_how_well_the_saving_is_known(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch, costs)
    api.chat("hello")
    api.chat(LONG)
    shown = words(run("costs", "--days", "3"))
    assert f"{TODAY} 2 $0.0012" in shown
    assert "total 2 $0.0012" in shown
    assert "The total saving lies between $" in shown
    assert "2 answers estimated as if Tier 3's answers were as long (0.4 to 2.5 times" in shown
    assert str(TODAY - timedelta(1)) not in shown, "a day without requests has no row"


@pytest.mark.parametrize("by", ["day", "tier", "model", "key", "tag"])
def test_costs_without_any_request_are_shown_without_an_error(api: Api, by: str) -> None:
    assert "total 0 $0.00" in words(run("costs", "--by", by))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--days", "2", "--from", "2026-01-01"], "Use --days, or --from"),
        (["--from", "soon"], "'from' is not a date: 'soon'"),
        (["--by", "color"], "Use one of day, tier, model, key, tag"),
    ],
)
def test_invalid_options_are_usage_errors(options: list[str], says: str) -> None:
    error = refusal("costs", *options)
    assert isinstance(error, UsageError)
    assert says in str(error)


def test_one_result_as_json_is_the_apis_body(api: Api) -> None:
    request_id = str(api.chat(LONG).body["id"])
    printed = json.loads(run("results", request_id, "--json").stdout)
    assert printed == answer_of(api, f"/v1/results/{request_id}")


def test_one_result_shows_tier_reason_cost_and_what_the_saving_rests_on(api: Api) -> None:
    request_id = str(api.chat(LONG).body["id"])
    shown = words(run("results", request_id))
    for text in ("tier 2", "reason router", "model openai/medium", "saved ~$0.00552"):
        assert text in shown
    assert "no learning run has measured it yet; between 0.0017" in shown
    assert LONG not in shown


def test_one_result_of_a_conversation_shows_its_session(api: Api) -> None:
    api.chat(LONG)
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    turns = [{"role": role, "content": LONG} for role in ("user", "assistant", "user")]
    answer = api.chat(LONG, messages=turns)
    shown = words(run("results", str(answer.body["id"])))
    assert "session moved down, to save about 0.01" in shown


def test_results_lists_the_newest_first_and_as_many_as_asked_for(api: Api) -> None:
    made = [str(api.chat(text).body["id"]) for text in ("hello", LONG, "bye")]
    listed: dict[str, Any] = json.loads(run("results", "--json").stdout)
    assert [each["request_id"] for each in listed["data"]] == made[::-1]
    two = words(run("results", "--limit", "2"))
    assert made[0] not in two
    assert two.index(made[2]) < two.index(made[1])
    assert "2 router openai/medium" in two


def test_an_unknown_request_is_an_error(api: Api) -> None:
    assert "There is no request 'chatcmpl-none'" in str(refusal("results", "chatcmpl-none"))


def test_results_are_filtered_by_options(api: Api) -> None:
    bypassed, routed = (str(api.chat(text).body["id"]) for text in ("hello", LONG))
    api("POST", "/v1/feedback", {"request_id": bypassed, "thumb": "up"})
    for options, wanted in (
        (["--tier", "2"], [routed]),
        (["--reason", "bypass"], [bypassed]),
        (["--model", "openai/medium"], [routed]),
        (["--thumb", "up"], [bypassed]),
        (["--status", "failed"], []),
        (["--key", "key_none"], []),
        (["--to", str(TODAY - timedelta(1))], []),
    ):
        listed = json.loads(run("results", *options, "--json").stdout)
        assert [each["request_id"] for each in listed["data"]] == wanted
    error = refusal("results", "--reason", "magic")
    assert isinstance(error, UsageError)
    assert "--reason: 'reason' must be one of bypass" in str(error)


def test_listed_results_as_json_are_the_apis_rows(api: Api) -> None:
    api.chat("hello")
    listed = json.loads(run("results", "--json").stdout)
    assert listed["data"] == answer_of(api, "/v1/results")["data"]


def test_an_empty_list_says_which_requests_it_lacks(api: Api) -> None:
    nothing = run("results")
    assert "recorded before the stage had this release are not listed" in nothing.stderr
    api.chat("hello")
    assert run("results").stderr == ""
    assert run("results", "--tier", "3").stderr == ""


def test_a_list_that_stops_early_says_where(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        api.chat("hello")
    assert run("results", "--limit", "2").stderr == ""
    monkeypatch.setattr(results_list, "MAX_EXAMINED", 2)
    monkeypatch.setattr(results_list, "MAX_LIMIT", 1)
    stopped = run("results").stderr
    oldest = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
    looked_at = f"warning: 2 requests were looked at, back to {oldest}"
    assert re.fullmatch(rf"{looked_at}\. For older ones, use --to\.\n", stopped)


def test_one_result_shows_each_call_and_why_it_failed(api: Api) -> None:
    api.upstream.script = by_model(
        small=failure(500), small_2=failure(429), medium=completion("Here.")
    )
    shown = words(run("results", str(api.chat("hello").body["id"])))
    assert "call openai/small (Tier 1) failed: status 500, " in shown
    assert "call openai/small-2 (Tier 1) failed: status 429" in shown
    assert "call openai/medium (Tier 2) answered, " in shown

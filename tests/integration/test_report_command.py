"""`route-switch report` on a stage with requests, ratings and a learning run, against moto."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli import report
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.operations.audit import AuditEntry, Change
from route_switch.domain.prompt_document import to_markdown
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, LONG, STATE_MACHINE, Api, by_model
from tests.support.clock import NOW, stop_clock
from tests.support.html_page import Page
from tests.support.upstream import completion

QUERY = f"{LONG} My name is <script>Ann</script>."
RUN = "2026-11-22T030000Z"


class Functions:
    """Answers as Lambda does: with the environment that a deployed function has."""

    @staticmethod
    def get_function_configuration(FunctionName: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        variables = {
            "steps": {"LEARNING_CONFIG": '{"monthly_usd": 25}'},
            "widget": {"MONTHLY_BUDGET_USD": "50.0"},
        }
        return {"Environment": {"Variables": variables[FunctionName]}}


@pytest.fixture
def stage(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Api:
    """A stage in AWS with a live prompt, two answered queries and a rating."""

    def connect(service: str) -> Any:
        return Functions() if service == "lambda" else boto3.client(service)

    outputs = {
        "ApiEndpoint": "https://example.test/prod",
        "LearningBucket": "learning",
        "LearningFunction": "steps",
        "CostsWidgetFunction": "widget",
    }
    stop_clock(monkeypatch, report)
    deployed = Deployed(connect, read_settings(), outputs)
    monkeypatch.setattr(report, "find_deployed", lambda stage: deployed)
    monkeypatch.chdir(tmp_path)
    api.upstream.script = by_model(router=completion("1", 100, 1), small=completion("Ann!", 40, 9))
    boto3.client("ssm").put_parameter(
        Name="/test/prompt/live", Value=to_markdown(packaged_prompt()), Type="String"
    )
    ids = [api.chat(QUERY, user="<b>ann</b>").body["id"] for _ in range(2)]
    rating = {"request_id": ids[0], "thumb": "up", "comment": "<i>good</i>"}
    assert api("POST", "/v1/feedback", rating).status == 200
    return api


def run(*arguments: str) -> Result:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["report", *arguments])
    assert done.exit_code == 0, done.exception or done.output
    return done


def body(*arguments: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run("--json", *arguments).stdout)
    return parsed


def learned(outcome: RunOutcome | None) -> str:
    """Record a learning run of just now; without an outcome, it waits for approval. Return its
    execution."""
    runs = DynamoDbRuns(boto3.client("dynamodb"), "results")
    made, execution = LearningRun(id=RUN, month="2026-11", trigger="schedule", cap_usd=1.0), begun()
    assert runs.claim(made, execution) is None
    if outcome is None:
        runs.wait_for_approval(made.id, "token")
    else:
        runs.finish(made.id, execution, outcome, "", None)
    return execution


def begun() -> str:
    """Start an execution of the workflow, and return its ARN."""
    client = boto3.client("stepfunctions")
    states = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    client.create_state_machine(
        name="learning",
        definition=json.dumps(states),
        roleArn="arn:aws:iam::123456789012:role/learning",
    )
    started = client.start_execution(stateMachineArn=STATE_MACHINE, name=RUN)
    return str(started["executionArn"])


def test_the_report_agrees_with_the_costs_endpoint(stage: Api) -> None:
    answer = stage("GET", f"/v1/costs?from={NOW:%Y-%m-%d}&to={NOW:%Y-%m-%d}", key=ADMIN_KEY)
    total = body("--days", "1")["total"]
    assert total == answer.body["total"]
    assert total["answered"] == 2
    assert total["spent_usd"] > 0


def test_the_report_has_ratings_keys_budgets_and_what_to_do(stage: Api) -> None:
    found = body()
    assert found["quality"] == {"measured": None, "people": {"mean": 1.0, "n": 1}}
    assert found["sentences"]["quality"].endswith("rated its answers 1.00 of 1 on average (n = 1).")
    assert [key["name"] for key in found["keys_of_month"]] == ["rs-client"]
    assert found["budgets"]["learning"]["limit_usd"] == 25.0
    assert found["budgets"]["month"]["limit_usd"] == 50.0
    assert found["prompt"]["live_version"] == 1
    assert found["prompt"]["steering"]["prompt"] == packaged_prompt().version
    assert any(
        "route-switch learn --stage prod" in s for s in body("--stage", "prod")["next_steps"]
    )


def test_a_run_of_the_week_is_listed_with_its_verdict(stage: Api) -> None:
    learned(RunOutcome.NOT_BETTER)
    assert "no better prompt, so prompt version 1 stays live" in body()["sentences"]["prompt"]
    assert body()["runs"][0]["outcome"] == "not better"


def test_a_run_that_waits_for_approval_is_the_first_thing_to_do(stage: Api) -> None:
    learned(None)
    found = body("--stage", "prod")
    assert "waits for your approval" in found["sentences"]["prompt"]
    assert "approve 2026-11-22T030000Z --stage prod" in found["next_steps"][0]
    assert found["runs"][0]["waits_for_approval"] is True


def test_a_run_that_was_stopped_while_it_waited_needs_no_approval(stage: Api) -> None:
    execution = learned(None)
    boto3.client("stepfunctions").stop_execution(executionArn=execution)
    found = body("--stage", "prod")
    run_of_week = found["runs"][0]
    assert (run_of_week["waits_for_approval"], run_of_week["stopped"]) == (False, True)
    assert "approv" not in json.dumps([found["sentences"], found["next_steps"]])


@pytest.mark.parametrize(
    ("action", "origin"),
    [("push", "same text as 1"), ("rollback", "rollback to 1"), (None, "same text as 1")],
)
def test_a_version_has_the_origin_that_the_audit_trail_tells(
    stage: Api, monkeypatch: pytest.MonkeyPatch, action: str | None, origin: str
) -> None:
    monkeypatch.setattr(report, "datetime", datetime)  # versions are of today
    first = to_markdown(packaged_prompt())
    for document in (first.replace("a greeting", "a farewell"), first):
        boto3.client("ssm").put_parameter(
            Name="/test/prompt/live", Value=document, Type="String", Overwrite=True
        )
    if action is not None:
        change = Change("prompt", action, "live", "version 2 (b)", "version 3 (a)")
        entry = AuditEntry(datetime.now(UTC), "c1", "arn:aws:iam::1:user/ann", "done", change)
        DynamoDbAudit(boto3.client("dynamodb"), "results").add(entry)
    found = body()
    assert found["prompt"]["versions"][0]["origin"] == origin
    assert f"Prompt version 3 went live ({origin});" in found["sentences"]["prompt"]


def test_the_command_prints_a_summary_and_writes_a_page(stage: Api, tmp_path: Path) -> None:
    done = run("--stage", "prod")
    assert "2 requests cost $" in done.stdout
    assert "By key" in done.stdout
    assert done.stderr.strip() == "Page: route-switch-report.html"
    page = Page((tmp_path / "route-switch-report.html").read_text("utf-8"))
    assert "2 requests cost $" in page.text
    assert "stage prod" in page.text
    assert [a["href"] for a in page.named("a")] == ["https://example.test/prod/console"]


def test_with_json_a_page_is_written_only_if_asked(stage: Api, tmp_path: Path) -> None:
    run("--json")
    assert not [*tmp_path.iterdir()]
    run("--json", "--out", "week.html")
    assert [path.name for path in tmp_path.iterdir()] == ["week.html"]


def test_nothing_that_a_user_wrote_is_in_the_report(stage: Api, tmp_path: Path) -> None:
    learned(RunOutcome.NOT_BETTER)
    said = run("--out", "week.html").stdout + run("--json").stdout
    said += (tmp_path / "week.html").read_text("utf-8")
    for text in ("Ann", "ann</b>", "good</i>", "tides", "&lt;b&gt;ann"):
        assert text not in said


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(stage: Api) -> None:
    done = CliRunner().invoke(app, ["report", "--out", "missing/week.html"])
    assert done.exit_code == 1
    assert "missing/week.html cannot be written" in str(done.exception)
    assert done.stdout == ""


def test_a_stage_of_an_older_release_has_no_known_budget(
    stage: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = Deployed(boto3.client, read_settings(), {"LearningBucket": "learning"})
    monkeypatch.setattr(report, "find_deployed", lambda stage: deployed)
    assert body()["budgets"]["learning"]["limit_usd"] is None
    assert "Learning budget left    unknown" in run("--out", "x.html").stdout


def test_a_stage_without_requests_gets_a_report(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {"LearningBucket": "learning"})
    monkeypatch.setattr(report, "find_deployed", lambda stage: deployed)
    found = body()
    assert found["sentences"]["money"].endswith("so nothing was spent or saved.")
    assert found["next_steps"][0].startswith("Send requests:")

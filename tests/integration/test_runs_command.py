"""`route-switch runs` shows each run in its present state, as `GET /v1/runs` does."""

import json
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.cli import runs
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, STATE_MACHINE, Api

ENDED, STOPPED, WAITING, UNDER_WAY = (f"2026-11-{day}T030000Z" for day in ("01", "08", "15", "22"))
STATES = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


@pytest.fixture(autouse=True)
def _four_runs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"LearningStateMachine": STATE_MACHINE, "LearningBucket": "learning"}
    deployed = Deployed(boto3.client, read_settings(), outputs)
    monkeypatch.setattr(runs, "find_deployed", lambda stage: deployed)
    workflow = boto3.client("stepfunctions")
    workflow.create_state_machine(
        name="learning",
        definition=json.dumps(STATES),
        roleArn="arn:aws:iam::123456789012:role/learning",
    )
    table = DynamoDbRuns(boto3.client("dynamodb"), "results", lambda _: False)
    for run_id in (ENDED, STOPPED, WAITING, UNDER_WAY):
        started = workflow.start_execution(stateMachineArn=STATE_MACHINE, name=run_id)
        run = LearningRun(id=run_id, month="2026-11", trigger="schedule", cap_usd=1)
        assert table.claim(run, started["executionArn"]) is None
        if run_id == ENDED:
            table.finish(run_id, started["executionArn"], RunOutcome.PROMOTED, "It is live.", 2)
        if run_id == STOPPED:
            workflow.stop_execution(executionArn=started["executionArn"])
        if run_id == UNDER_WAY:
            table.note_left_out(run_id, {"attachments": 3})
        if run_id == WAITING:
            table.wait_for_approval(run_id, "token")
    boto3.client("s3").put_object(
        Bucket="learning",
        Key=f"work/{UNDER_WAY}/progress.json",
        Body=b'{"step": "build outcomes", "parts": 40}',
    )


def listed() -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["runs", "--json"])
    assert done.exit_code == 0, done.exception
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_each_run_has_its_state_newest_first() -> None:
    assert [(each["run"], each["state"], each["outcome"]) for each in listed()] == [
        (UNDER_WAY, "under way", None),
        (WAITING, "waits for approval", None),
        (STOPPED, "stopped", None),
        (ENDED, "promoted", "promoted"),
    ]


def test_a_run_that_is_under_way_shows_its_step() -> None:
    assert listed()[0]["progress"] == {"step": "build outcomes", "parts": 40}
    shown = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["runs"]).stdout
    assert "under way: build outcomes" in shown


def test_a_run_says_which_examples_it_left_out() -> None:
    left_out = [{"reason": "requests with attachments", "examples": 3}]
    assert [each["left_out"] for each in listed()] == [left_out, [], [], []]


def test_the_command_and_the_api_tell_the_same(api: Api) -> None:
    over_http = api("GET", "/v1/runs", key=ADMIN_KEY).body["data"]
    assert isinstance(over_http, list)
    for one, other in zip(listed(), over_http, strict=True):
        assert (one["state"] == "stopped") is (other["state"] == "stopped")
        same = ("run", "trigger", "outcome", "message", "live_version", "progress", "left_out")
        assert [one[name] for name in same] == [other[name] for name in same]

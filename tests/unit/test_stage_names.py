"""A wrong stage, provider or model on the command line: an error that names what there is."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from route_switch.cli.main import run

TEMPLATE = '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'


@pytest.fixture(autouse=True)
def _empty_folder_and_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Call":
    return Call(monkeypatch, capsys)


class Call:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit code, output and error."""
        self._monkeypatch.setattr("sys.argv", ["route-switch", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        printed = self._capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err


def checkout(*stages: str) -> None:
    content = {"context": {"stages": {stage: {"region": "eu-west-1"} for stage in stages}}}
    Path("cdk.json").write_text(json.dumps(content), "utf-8")


REACHING = [
    ["costs"],
    ["results"],
    ["explain", "Why?"],
    ["keys", "list"],
    ["prompt", "show"],
    ["switch", "show"],
    ["runs"],
    ["examples", "--out", "x.jsonl"],
]


@pytest.mark.parametrize("command", REACHING, ids=lambda words: words[0])
def test_an_unknown_stage_is_a_usage_error_that_names_the_stages_there_are(
    call: Call, command: list[str]
) -> None:
    checkout("local", "dev", "prod")
    code, out, err = call(*command, "--stage", "prdo")
    assert (code, out) == (2, "")
    assert err == (
        "error: There is no stage 'prdo' in cdk.json. Stages: dev, local, prod. Did you mean "
        "'prod'?\n"
    )


def test_outside_a_checkout_the_deployed_stages_are_named(call: Call) -> None:
    for name in ("route-switch-dev", "route-switch-prod", "unrelated"):
        boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=TEMPLATE)
    code, out, err = call("costs", "--stage", "prdo")
    assert (code, out) == (2, "")
    assert "in this account and region (eu-west-1)" in err
    assert "Deployed stages: dev, prod. Did you mean 'prod'?" in err


def test_a_configured_stage_that_is_not_deployed_is_reported(call: Call) -> None:
    checkout("dev", "prod")
    code, _, err = call("results", "--stage", "prod")
    assert code == 2
    assert "Stack with id route-switch-prod does not exist" in err
    assert "No stage is deployed there." in err


@pytest.mark.parametrize("content", ["[]", "{}", "not JSON", '{"context": {"stages": 1}}'])
def test_the_cdk_json_of_another_app_names_no_stages(call: Call, content: str) -> None:
    Path("cdk.json").write_text(content, "utf-8")
    assert "does not exist in this account" in call("costs", "--stage", "prod")[2]


def test_an_unknown_provider_is_a_usage_error_that_names_the_known_ones(call: Call) -> None:
    Path("q.jsonl").write_text('{"id": 1, "query": "hello"}', "utf-8")
    code, out, err = call("route", "--queries", "q.jsonl", "--router-model", "foo/bar")
    assert (code, out) == (2, "")
    assert "cannot call 'foo/bar': its provider, 'foo', is unknown." in err
    assert "bedrock, local, offline, openai, and 1" in err
    _, _, err = call("route", "--queries", "q.jsonl", "--router-model", "opnai/gpt-4.1-nano")
    assert "Did you mean 'openai'?" in err

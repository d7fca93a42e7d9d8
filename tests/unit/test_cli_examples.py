"""`route-switch examples` with wrong input or without a stack."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from route_switch.cli.examples import print_summary
from route_switch.cli.main import run
from route_switch.services.learning.collect_examples import CollectedExamples


@pytest.fixture(autouse=True)
def _empty_folder_and_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], ".local/stack.json does not exist in this folder"),
        (["--stage", "prd"], "Stack with id route-switch-prd does not exist"),
        (["--days", "0"], "should be greater than or equal to 1"),
        (["--sample", "many"], "unable to parse string as an integer"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_written(
    arguments: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["route-switch", "examples", "--out", "x.jsonl", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    printed = " ".join(capsys.readouterr().err.split())
    assert ended.value.code != 0
    assert reason in printed
    assert not Path("x.jsonl").exists()


def test_a_stopped_local_stack_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".local").mkdir()
    stopped = {
        "aws_endpoint": "http://127.0.0.1:9",
        "region": "eu-west-1",
        "prompt_parameter": "x/live",
    }
    Path(".local/stack.json").write_text(json.dumps(stopped), "utf-8")
    monkeypatch.setattr("sys.argv", ["route-switch", "examples", "--out", "x.jsonl"])
    with pytest.raises(SystemExit):
        run()
    assert "The local stack does not answer" in capsys.readouterr().err


def test_every_reason_to_leave_a_request_out_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left_out = {"attachments": 3, "expired": 0, "a new reason": 2}
    print_summary(Path("x.jsonl"), CollectedExamples((), 10, 1.0, left_out))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "left out: 3 requests with attachments",
        "left out: 2 requests (a new reason)",
    ]

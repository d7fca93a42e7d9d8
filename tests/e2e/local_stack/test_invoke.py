"""`python -m local.aws invoke` runs the right function, in a running stack or its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import ROOT

API_EVENT = {
    "httpMethod": "POST",
    "headers": {"Authorization": "Bearer ${API_KEY}"},
    "body": "{}",
    "isBase64Encoded": False,
}


def invoke(event: Path, assembly: Path, state: Path) -> "subprocess.CompletedProcess[str]":
    places = ["--assembly", str(assembly), "--state", str(state)]
    return subprocess.run(
        [sys.executable, "-m", "local.aws", "invoke", str(event), *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def write(file: Path, content: object) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def answered(result: "subprocess.CompletedProcess[str]") -> Any:
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.usefixtures("stack")
def test_an_api_event_goes_to_the_router_with_keys_inserted(
    assembly: Path, state: Path, tmp_path: Path
) -> None:
    answer = answered(invoke(write(tmp_path / "event.json", API_EVENT), assembly, state))
    event = json.loads(answer["body"])["event"]
    assert event["headers"] == {"Authorization": "Bearer rs-client"}


@pytest.mark.usefixtures("stack")
def test_other_events_go_to_the_function_named_by_their_folder(
    assembly: Path, state: Path, tmp_path: Path
) -> None:
    event = write(tmp_path / "router" / "event.json", {"raise": "no"})
    result = invoke(event, assembly, state)
    assert result.returncode == 1
    assert json.loads(result.stdout)["errorMessage"] == "no"


@pytest.mark.usefixtures("stack")
def test_a_folder_without_a_matching_function_is_reported(
    assembly: Path, state: Path, tmp_path: Path
) -> None:
    result = invoke(write(tmp_path / "nobody" / "event.json", {}), assembly, state)
    assert result.returncode == 1
    assert "0 functions match 'nobody'" in result.stderr


def test_invoke_starts_a_stack_if_none_is_running(assembly: Path, tmp_path: Path) -> None:
    event = write(tmp_path / "event.json", API_EVENT)
    assert answered(invoke(event, assembly, tmp_path / "state"))["statusCode"] == 200
    assert not (tmp_path / "state" / "stack.json").exists()


def test_a_client_of_the_stack_does_not_load_moto() -> None:
    check = "import sys, local.aws.__main__; sys.exit('moto' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)

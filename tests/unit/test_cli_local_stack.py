"""Commands that need the local stack, when it has been stopped."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from route_switch.cli import stage
from route_switch.cli.main import app


@pytest.mark.parametrize("command", [["costs"], ["results"], ["savings"], ["prompt", "show"]])
def test_a_stopped_local_stack_is_named_with_the_command_that_starts_it(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    about = {
        "region": "us-east-1",
        "prompt_parameter": "/route-switch/local/prompt/live",
        "aws_endpoint": "http://127.0.0.1:9",
    }
    (tmp_path / "stack.json").write_text(json.dumps(about))
    monkeypatch.setattr(stage, "STACK_FILE", tmp_path / "stack.json")
    told = str(CliRunner().invoke(app, command).exception)
    assert told.startswith("The local stack does not answer. Start it with 'make up'")
    assert "credentials" not in told

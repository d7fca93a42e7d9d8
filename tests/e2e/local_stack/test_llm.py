"""Why the real model of `PROFILE=local-llm` is not served; none of it needs the model."""

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
    """A stack's folder, beside weights that are none."""
    (tmp_path / "logs").mkdir()
    weights = tmp_path / "weights.gguf"
    weights.touch()
    monkeypatch.setattr(llm, "WEIGHTS", weights)
    return tmp_path


def assembly_with(config: str) -> Assembly:
    function = {"Properties": {"Environment": {"Variables": {"ROUTE_SWITCH_CONFIG": config}}}}
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Router": function}}
    return Assembly(folder=Path(), region="us-east-1", template=template, files={}, images={})


def test_it_is_served_where_the_functions_look_for_it() -> None:
    here = assembly_with('{"openai_base_url": "http://127.0.0.1:8135/v1"}')
    assert server_address(here) == ("127.0.0.1", 8135)


@pytest.mark.parametrize("config", ["{}", '{"openai_base_url": "https://api.openai.com/v1"}'])
def test_an_assembly_of_another_profile_is_refused(config: str) -> None:
    with pytest.raises(LocalStackError, match="make synth PROFILE=local-llm"):
        server_address(assembly_with(config))


def test_an_assembly_of_another_app_is_refused(assembly: Path) -> None:
    with pytest.raises(LocalStackError, match="configures no openai_base_url"):
        server_address(read_assembly(assembly))


def test_a_model_that_is_not_installed_is_named_with_what_installs_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "WEIGHTS", state / "none.gguf")
    problem = r"none\.gguf is missing\. Run: make install PROFILE=local-llm"
    with pytest.raises(LocalStackError, match=problem), running_llm(("127.0.0.1", 1), state):
        pass


def test_an_address_that_is_taken_is_refused(state: Path) -> None:
    with socket.create_server((loopback_address(), 0)) as other:
        host, port = other.getsockname()
        problem = f"The model's address {host}:{port} is in use"
        with pytest.raises(LocalStackError, match=problem), running_llm((host, port), state):
            pass


def test_an_address_of_another_machine_is_refused(state: Path) -> None:
    elsewhere = ("192.0.2.1", 8135)  # RFC 5737: nobody's
    with pytest.raises(LocalStackError, match="cannot be used"), running_llm(elsewhere, state):
        pass


def test_a_server_that_ends_at_once_is_noticed(
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

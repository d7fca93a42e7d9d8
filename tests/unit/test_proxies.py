"""This machine is reached directly, even if a proxy is set."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from local.aws.client import aws_client
from local.aws.proxies import both_cases, bypass_for_loopback, for_functions, hint
from route_switch.adapters.models.provider_http import ProviderHttp
from route_switch.cli import stage
from route_switch.cli.explain import KEY_VARIABLE
from route_switch.cli.main import app
from tests.support.get_server import serving

DEAD = "http://127.0.0.1:9"
LOOPBACK = "127.0.0.1,localhost,::1"
PROXIES = both_cases(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"))


@pytest.fixture
def _dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, DEAD)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_exceptions_are_added_to_those_that_exist() -> None:
    environment = {"HTTPS_PROXY": DEAD, "no_proxy": "intranet.example, localhost"}
    bypass_for_loopback(environment)
    expected = "intranet.example,localhost,127.0.0.1,::1"
    assert (environment["NO_PROXY"], environment["no_proxy"]) == (expected, expected)


def test_without_a_proxy_nothing_changes() -> None:
    environment = {"PATH": "/bin"}
    bypass_for_loopback(environment)
    assert (environment, for_functions(environment)) == ({"PATH": "/bin"}, {})
    assert hint(environment) == ""


def test_functions_get_the_proxy_for_their_providers_but_not_for_this_machine() -> None:
    given = for_functions({"https_proxy": DEAD, "ALL_PROXY": "socks5://127.0.0.1:9"})
    assert given == {"https_proxy": DEAD, **dict.fromkeys(("NO_PROXY", "no_proxy"), LOOPBACK)}


def test_the_user_is_told_what_their_own_clients_need() -> None:
    assert f"export NO_PROXY={LOOPBACK} no_proxy={LOOPBACK}" in hint({"http_proxy": DEAD})
    covered = {"http_proxy": DEAD, "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}
    assert hint(covered) == ""


@pytest.mark.usefixtures("_dead_proxy")
def test_clients_of_the_local_stack_use_no_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving({}) as server:
        endpoint = server.url.removesuffix("/v1")
        found = aws_client("s3", endpoint, "us-east-1")
        with pytest.raises(found.exceptions.ClientError, match="404"):
            found.get_object(Bucket="bucket", Key="key")
        about = {"region": "us-east-1", "prompt_parameter": "/live", "aws_endpoint": endpoint}
        (tmp_path / "stack.json").write_text(json.dumps(about))
        monkeypatch.setattr(stage, "STACK_FILE", tmp_path / "stack.json")
        client = stage.find_stage(None).connect("s3")
        with pytest.raises(client.exceptions.ClientError, match="404"):
            client.get_object(Bucket="bucket", Key="key")
    assert len(server.requests) == 2


@pytest.mark.usefixtures("_dead_proxy")
def test_explain_asks_a_stack_on_this_machine_directly() -> None:
    with serving({}) as server:
        said = CliRunner(env={KEY_VARIABLE: "rs-x"}).invoke(
            app, ["explain", "Why?", "--endpoint", server.url]
        )
    assert "refused the request with status" in str(said.exception)  # this server answers GET only


@pytest.mark.usefixtures("_dead_proxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_model_server_on_this_machine_is_called_directly(host: str) -> None:
    with serving({"/v1/models": {"data": []}}) as server:
        http = ProviderHttp(tls=False)
        url = httpx.URL(f"http://{host}:{server.port}/v1/models")
        request = httpx.Request("GET", url, extensions={"timeout": httpx.Timeout(5).as_dict()})
        assert http.send(request).status == 200


@pytest.mark.usefixtures("_dead_proxy")
def test_a_model_server_elsewhere_is_called_through_the_proxy() -> None:
    http = ProviderHttp(tls=False)
    request = httpx.Request(
        "GET", "http://192.0.2.1/v1", extensions={"timeout": httpx.Timeout(2).as_dict()}
    )
    with pytest.raises(httpx.ConnectError):  # the proxy refuses at once; 192.0.2.1 would time out
        http.send(request)

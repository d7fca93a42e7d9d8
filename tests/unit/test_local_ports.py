"""A local stack takes the ports of its last start again."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from local.aws.__main__ import Wanted, welcome
from local.aws.client import StackInfo
from local.aws.front import Front
from local.aws.ports import ANY, PORTS_FILE, Ports, keep_ports, last_ports, on_port
from local.aws.routes import NO_API
from local.aws.server import MotoServer
from local.aws.stack import LocalStack


def front(port: int) -> Front:
    return Front(NO_API, lambda *_: pytest.fail("no function"), lambda _: Path("log"), port)


def test_the_ports_of_the_last_start_are_known(tmp_path: Path) -> None:
    assert last_ports(tmp_path) == Ports(ANY, ANY)
    keep_ports(tmp_path, Ports(40_001, 40_002))
    assert last_ports(tmp_path) == Ports(40_001, 40_002)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}", "\udcff"),
        '{"api": 40001}',
        '{"api": "x", "aws": 40001}',
        '{"api": 40001, "aws": 80}',
        '{"api": 70000, "aws": 40001}',
        '{"api": null, "aws": null}',
        '{"api": Infinity, "aws": 40001}',
    ],
)
def test_a_damaged_file_means_any_ports(tmp_path: Path, content: str) -> None:
    (tmp_path / PORTS_FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert last_ports(tmp_path) == Ports()


def test_a_server_gets_its_port_again_once_that_is_free() -> None:
    first = front(ANY)
    port = first.port
    first.stop()
    second = front(port)
    second.stop()
    assert second.port == port


def test_connections_that_the_former_server_closed_do_not_take_the_port() -> None:
    first = MotoServer()
    with closing(socket.create_connection(("127.0.0.1", first.port))) as client:
        client.sendall(b"GET /moto-api/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(10)
        first.stop()
        second = MotoServer(first.port)
    second.stop()
    assert second.port == first.port


@pytest.mark.parametrize("start", [front, lambda port: on_port(MotoServer, port)])
def test_a_taken_port_is_left_to_its_program(start: object) -> None:
    assert callable(start)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        server = start(taken)
        try:
            assert server.port not in (ANY, taken)
        finally:
            server.stop()


def test_an_error_of_another_kind_is_not_hidden() -> None:
    def start(port: int) -> None:
        raise PermissionError(f"no port {port}")

    with pytest.raises(PermissionError, match="no port 0"):
        on_port(start, 40_001)


@pytest.mark.parametrize("taken", [None, 40_001])
def test_a_changed_address_is_reported(tmp_path: Path, taken: int | None) -> None:
    stack = LocalStack(tmp_path, tmp_path, empty=False)
    names = ("api_key", "admin_key", "aws_endpoint", "region", "prompt_parameter", "results_table")
    stack.info = StackInfo(endpoint="http://127.0.0.1:40009", **dict.fromkeys(names, "x"))
    stack.taken_port = taken
    said = "Another program has taken port 40001, where the API was at the last start"
    assert (said in welcome(stack, Wanted())) is (taken is not None)

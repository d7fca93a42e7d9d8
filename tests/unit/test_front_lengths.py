"""The local stack's front answers in JSON to any length that a client states for its body."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.server import ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from local.aws.front import Handler
from local.aws.gateway import HttpRequest, HttpResponse


class Echo:
    """Answers with the length of the body that it was given."""

    api: Any = SimpleNamespace(gateway_responses={})

    def answer(self, request: HttpRequest, request_id: str) -> HttpResponse:
        return HttpResponse(200, [], json.dumps({"length": len(request.body)}).encode())


class EchoHandler(Handler):
    front: ClassVar[Any] = Echo()


@contextmanager
def running() -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield "127.0.0.1", server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with running() as found:
        yield found


def ask(address: tuple[str, int], headers: str, body: str = "abc") -> tuple[int, dict[str, object]]:
    with socket.create_connection(address, timeout=10) as connection:
        head = f"POST /v1/echo HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode("latin-1"))
        response = HTTPResponse(connection)
        response.begin()
        assert response.headers["content-type"] == "application/json"
        return response.status, json.loads(response.read())


@pytest.mark.parametrize(
    "length", ["-1", "-5", "+3", "3.0", "0x3", "1_0", "three", "3, 3", "³", "-"]
)
def test_a_broken_length_gets_400_in_json(address: tuple[str, int], length: str) -> None:
    status, body = ask(address, f"Content-Length: {length}")
    assert (status, body["message"]) == (400, "Bad Request")


@pytest.mark.parametrize("chunk", ["-5", "zz", "0x3", "", "+3", "3 3"])
def test_a_broken_chunk_gets_400_in_json(address: tuple[str, int], chunk: str) -> None:
    status, _ = ask(address, "Transfer-Encoding: chunked", f"{chunk}\r\nabc\r\n0\r\n\r\n")
    assert status == 400


def test_a_length_beyond_the_limit_gets_413_before_the_body_is_read(
    address: tuple[str, int],
) -> None:
    assert ask(address, f"Content-Length: {'9' * 30}")[0] == 413


@pytest.mark.parametrize(
    ("headers", "body"),
    [("Content-Length: 3", "abc"), ("Transfer-Encoding: chunked", "3;x=y\r\nabc\r\n0\r\n\r\n")],
)
def test_a_whole_body_is_read(address: tuple[str, int], headers: str, body: str) -> None:
    assert ask(address, headers, body) == (200, {"length": 3})

"""Responses in pieces, posted to a Runtime API as Lambda documents it."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest

from route_switch.adapters.lambda_runtime import (
    CONTENT_TYPE,
    ERROR_TYPE,
    SEPARATOR,
    StreamedResponse,
    Streaming,
    enable_streaming,
)


class RuntimeApi:
    """Keeps what is posted. `take` ends the connection after that many pieces."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.path = ""
        self.pieces: list[bytes] = []
        self.trailers = b""
        self.take: int | None = None
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                api.path, api.headers = self.path, dict(self.headers)
                while size := int(self.rfile.readline(), 16):
                    api.pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                    if api.take == len(api.pieces):
                        self.close_connection = True
                        return
                while line := self.rfile.readline().strip():
                    api.trailers += line
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


class Marshaller:
    def marshal_response(self, response: object) -> tuple[str, str]:
        return json.dumps(response), "application/json"

    def unmarshal_request(self, request: bytes, _: str) -> Any:
        return json.loads(request)


def client_class(*, known: bool = True) -> Any:
    """Return a class as awslambdaric has it, or as a later version might."""

    class Known:
        marshaller = Marshaller()
        posted: list[object] = []  # noqa: RUF012 (one test has it)

        def post_invocation_result(
            self, invoke_id: str, result_data: object, content_type: str = "json", more: object = 0
        ) -> None:
            self.posted.append((invoke_id, result_data, content_type, more))

    class Changed(Known):
        def post_invocation_result(self, result: object) -> None:  # type: ignore[override]  # meant
            self.posted.append(result)

    return Known if known else Changed


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    runtime = RuntimeApi()
    yield runtime
    runtime.server.shutdown()


def installed(monkeypatch: pytest.MonkeyPatch, client: Any) -> Streaming:
    module = ModuleType("awslambdaric.lambda_runtime_client")
    module.LambdaRuntimeClient = client  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return enable_streaming()


def send(client: Any, api: RuntimeApi, response: object) -> None:
    instance = client()
    instance.lambda_runtime_address = f"127.0.0.1:{api.server.server_port}"
    result, content_type = instance.marshaller.marshal_response(response)
    instance.post_invocation_result("id-1", result, content_type, None)


def test_pieces_leave_one_by_one_after_the_prelude(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, finished = client_class(), []
    assert installed(monkeypatch, client) is Streaming.IN_PIECES

    def body() -> Iterator[bytes]:
        yield b"one"
        yield b""
        yield b"two"

    response = StreamedResponse(201, {"x-a": ["b"]}, body(), lambda: finished.append(1))
    send(client, api, response)
    head, *pieces = api.pieces
    assert json.loads(head.removesuffix(SEPARATOR)) == {
        "statusCode": 201,
        "multiValueHeaders": {"x-a": ["b"]},
    }
    assert pieces == [b"one", b"two"]
    assert api.path == "/2018-06-01/runtime/invocation/id-1/response"
    assert api.headers["Content-Type"] == CONTENT_TYPE
    assert api.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming"
    assert finished == [1]
    assert api.trailers == b""


def test_an_error_in_the_middle_is_reported_in_a_trailer(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, finished = client_class(), []

    def body() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("a query's text")

    installed(monkeypatch, client)
    send(client, api, StreamedResponse(200, {}, body(), lambda: finished.append(1)))
    assert api.trailers == f"{ERROR_TYPE}: ValueError".encode()
    assert finished == [1]


def test_a_reader_that_leaves_closes_the_body_and_the_response_is_finished(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, log = client_class(), []
    api.take = 2

    def body() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            log.append("closed")

    installed(monkeypatch, client)
    send(client, api, StreamedResponse(200, {}, body(), lambda: log.append("finished")))
    assert log == ["closed", "finished"]


def test_other_results_go_the_runtimes_own_way(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_class()
    installed(monkeypatch, client)
    send(client, api, {"statusCode": 200})
    assert client.posted == [("id-1", '{"statusCode": 200}', "application/json", None)]
    assert client.marshaller.unmarshal_request(b'{"a": 1}', "json") == {"a": 1}


def test_an_unknown_runtime_gets_the_whole_response_in_the_same_form(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, finished = client_class(known=False), []
    with caplog.at_level(logging.ERROR):
        assert installed(monkeypatch, client) is Streaming.WHOLE
    assert "not streamed" in caplog.text
    response = StreamedResponse(200, {}, iter([b"one", b"two"]), lambda: finished.append(1))
    result, content_type = client.marshaller.marshal_response(response)
    assert result.endswith(SEPARATOR + b"onetwo")
    assert content_type == CONTENT_TYPE
    assert finished == [1]


def test_outside_lambda_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "awslambdaric.lambda_runtime_client", raising=False)
    assert enable_streaming() is Streaming.IMPOSSIBLE


def test_a_runtime_without_a_marshaller_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        """A client of another kind."""

    assert installed(monkeypatch, Other) is Streaming.IMPOSSIBLE
    assert not hasattr(Other, "post_invocation_result")


def test_a_client_that_does_not_read_is_given_up_in_time_for_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, log = client_class(), []

    def body() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            log.append("closed")

    installed(monkeypatch, client)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and reads nothing
        instance = client()
        instance.lambda_runtime_address = f"127.0.0.1:{deaf.getsockname()[1]}"
        response = StreamedResponse(200, {}, body(), lambda: log.append("saved"), lambda: 0.3)
        instance.post_invocation_result("id-1", response, CONTENT_TYPE)
    assert log == ["closed", "saved"]

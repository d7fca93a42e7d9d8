"""Connections that the network drops between two requests: no caller notices it."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.fresh_connections import MAX_IDLE_S, keep_fresh
from route_switch.wiring.aws_config import IN_REQUEST
from tests.integration.conftest import LONG, MakeApi, add_key
from tests.integration.test_limits import EVERYTHING, taken_usd

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RESET = struct.pack("ii", 1, 0)


class DroppingHandler(BaseHTTPRequestHandler):
    """Answers the first request of a connection. Forwards the second, and resets the connection
    instead of answering it."""

    protocol_version = "HTTP/1.1"
    aws: ClassVar[str]
    connections: ClassVar[int]
    dropped: ClassVar[int]

    def setup(self) -> None:
        super().setup()
        self.answered = 0
        type(self).connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        connection = http.client.HTTPConnection(self.aws)
        headers = {name: value for name, value in self.headers.items() if name != "Expect"}
        connection.request("POST", self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if self.answered:
            type(self).dropped += 1
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.close()
            return
        self.answered += 1
        self.send_response(response.status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def finish(self) -> None:
        if not self.close_connection:
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """The handler closes sockets on purpose."""


@pytest.fixture
def dropping(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[DroppingHandler]]:
    """DynamoDB, whose kept connections never answer a second request."""
    moto = ThreadedMotoServer(port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    handler = type(
        "Handler", (DroppingHandler,), {"aws": f"{host}:{port}", "connections": 0, "dropped": 0}
    )
    server = QuietServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.server_port}")
    yield handler
    server.shutdown()
    moto.stop()


def through(endpoint: type[DroppingHandler], now: list[float]) -> "DynamoDBClient":
    """A client as the router has it, with a clock of its own."""
    client = botocore.session.get_session().create_client("dynamodb", config=IN_REQUEST)
    assert urlsplit(client.meta.endpoint_url).hostname == "127.0.0.1"
    return cast("DynamoDBClient", keep_fresh(client, lambda: now[0]))


def test_a_dropped_connection_fails_no_request_and_counts_no_budget_twice(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    api = make_api()
    api.upstream.script = EVERYTHING
    add_key("rs-team", monthly_budget_usd={"N": "5"}, requests_per_minute={"N": "1000"})
    dropping = request.getfixturevalue("dropping")
    answers = [api.chat(LONG, key="rs-team") for _ in range(4)]
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    assert [answer.status for answer in answers] == [200] * 4
    assert dropping.dropped > 4, "limits, records and keys are all affected"
    costs = [float(answer.headers["x-route-cost-usd"]) for answer in answers]
    assert taken_usd("rs-team") == pytest.approx(sum(costs), abs=1e-9)
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    counted = [int(i["requests"]["N"]) for i in items if i["pk"]["S"].startswith("RATE#")]
    assert sum(counted) == 4
    assert sum(i["sk"]["S"] == "RESULT" for i in items) == 4


def test_a_repeated_reservation_still_respects_the_budget(
    results_table: str, dropping: type[DroppingHandler]
) -> None:
    limits = DynamoDbKeyLimits(through(dropping, [0.0]), results_table)
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert [limits.reserve("key", now, 0.4, 1.0) for _ in range(3)] == [True, True, False]
    limits.settle("key", now, 0.4, 0.0, 0.0)
    assert limits.reserve("key", now, 0.6, 1.0)
    assert not limits.reserve("key", now, 0.01, 1.0)


def test_connections_that_were_idle_are_not_used_again(
    results_table: str, dropping: type[DroppingHandler]
) -> None:
    now = [0.0]
    client = through(dropping, now)
    client.list_tables()
    now[0] += MAX_IDLE_S
    client.list_tables()
    now[0] -= 3600  # the clock was set back
    client.list_tables()
    assert (dropping.dropped, dropping.connections) == (0, 3)
    now[0] += MAX_IDLE_S - 1
    client.list_tables()
    assert (dropping.dropped, dropping.connections) == (1, 4)

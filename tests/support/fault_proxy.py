"""A proxy on loopback between the router and its models and stores, whose faults are data."""

import http.client
import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.faults import MODELS, Kind, Scenario, Target, case_of, error_body

HELD_S = 15.0
"""Longest time for which a call hangs or drips; the client gives up before."""
DRIP_S = 0.2
"""Pause between two bytes of a slow answer."""
RESET = struct.pack("ii", 1, 0)
HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}
NAMED = re.compile(rb'"model":\s*"[^"]*"')


@dataclass(frozen=True, slots=True)
class Call:
    """A call that arrived, and the kind of fault that it met. `model` and `case` are None for
    stores; `case` is the number of the request that a model was called for."""

    target: str
    fault: Kind | None
    model: str | None
    case: int | None = None

    @property
    def is_paid(self) -> bool:
        """Whether a model answered, even if its answer did not arrive."""
        return self.model is not None and (self.fault is None or self.fault.is_paid)

    @property
    def is_whole(self) -> bool:
        """Whether a model's whole answer was sent."""
        return self.model is not None and (self.fault is None or self.fault.is_whole)


@dataclass
class FaultProxy:
    """`url` serves models under `/v1`, and AWS. `inject` replaces the faults at any time;
    `every` nth call meets them."""

    url: str
    models: str
    stores: str
    calls: list[Call] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    every: int = 1
    _faults: dict[Target, Kind] = field(default_factory=dict)
    _due: int = 0

    @property
    def paid(self) -> frozenset[int]:
        """The numbers of the requests that a model answered, even if its answer did not arrive."""
        paid = (each.case for each in self.calls if each.is_paid)
        return frozenset(case for case in paid if case is not None)

    @property
    def cut(self) -> frozenset[int]:
        """The numbers of the requests of which an answer was cut or held back."""
        cut = (each.case for each in self.calls if each.is_paid and not each.is_whole)
        return frozenset(case for case in cut if case is not None)

    def inject(self, scenario: Scenario = (), every: int = 1) -> None:
        """Let every nth call of the scenario's targets fail."""
        self.every, self._due = every, 0
        self._faults = {fault.target: fault.kind for fault in scenario}

    def meet(
        self, target: Target | None, model: str | None, case: int | None = None
    ) -> Kind | None:
        kind = self._faults.get(target) if target is not None else None
        if kind is not None:
            self._due += 1
            kind = None if self._due % self.every else kind
        self.calls.append(Call(target or "other", kind, model, case))
        return kind


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@contextmanager
def running_proxy(models: str, stores: str = "") -> Iterator[FaultProxy]:
    """Pass calls on to `models` (an address of OpenAI's API without its path) and `stores`."""

    class Handler(_Handler):
        @property
        def proxy(self) -> FaultProxy:
            return proxy

    server = _Server(("127.0.0.1", 0), Handler)
    proxy = FaultProxy(f"http://127.0.0.1:{server.server_port}", models, stores)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Do not log clients that have left: most of them time out on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def proxy(self) -> FaultProxy:
        raise NotImplementedError

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target, model = self._target(body)
        case = None if model is None else case_of(body.decode())
        kind = self.proxy.meet(target, model, case)
        if kind is None or target is None:
            self._send(self._forward(body))
        elif kind.status is not None:
            extra = [("retry-after", "1")] if kind.retry_after else []
            headers = [("content-type", "application/json"), *extra]
            self._send(_Answer(kind.status, headers, error_body(target, kind.status)))
        else:
            self._fail(target, kind, body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is passed on alike."""
        if name.startswith("do_"):
            return self.do_POST
        raise AttributeError(name)

    def _target(self, body: bytes) -> tuple[Target | None, str | None]:
        """AWS's services are named by the signature's scope, models by the body."""
        scope = self.headers.get("authorization", "").partition("Credential=")[2].split("/")
        if len(scope) > 3:
            services: dict[str, Target] = {
                "dynamodb": "dynamodb", "ssm": "ssm", "s3": "s3", "sqs": "sqs",
                "secretsmanager": "secretsmanager",
            }  # fmt: skip
            return services.get(scope[3]), None
        model = str(json.loads(body)["model"])
        return MODELS.get(model), model

    def _fail(self, target: Target, kind: Kind, body: bytes) -> None:
        self.close_connection = True
        if kind.held == "never":
            self._wait(HELD_S)
        elif kind.held == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.close()
        elif kind.held == "malformed":
            self._send(_Answer(200, [("content-type", "application/json")], b'{"choices": [{]'))
        elif kind.held == "renamed":
            answer = self._forward(body)
            other = b"small" if target == "tier 3" else b"large"
            renamed = NAMED.sub(b'"model": "%b"' % other, answer.body)
            self._send(replace(answer, body=renamed))
        else:
            answer = self._forward(body)
            self._head(answer)
            half = answer.body[: len(answer.body) // 2]
            if kind.held == "truncated":
                self.wfile.write(half)
            else:
                self._drip(answer.body)

    def _drip(self, body: bytes) -> None:
        ends = time.monotonic() + HELD_S
        for byte in body:
            if time.monotonic() > ends or not self._wait(DRIP_S):
                return
            self.wfile.write(bytes([byte]))

    def _wait(self, seconds: float) -> bool:
        """Return False at once when the client leaves or the proxy stops."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self.proxy.stopped.is_set():
                return False
            if select.select([self.connection], [], [], min(left, 0.1))[0]:
                return False
        return True

    def _forward(self, body: bytes) -> _Answer:
        is_aws = "Credential=" in self.headers.get("authorization", "")
        to = urlsplit(self.proxy.stores if is_aws else self.proxy.models)
        connection = http.client.HTTPConnection(to.hostname or "", to.port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            got = connection.getresponse()
            return _Answer(got.status, got.getheaders(), got.read())
        finally:
            connection.close()

    def _head(self, answer: _Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()

    def _send(self, answer: _Answer) -> None:
        self._head(answer)
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass

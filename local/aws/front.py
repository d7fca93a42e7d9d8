"""The HTTP server in place of API Gateway."""

import json
import string
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from local.aws.emulator import Answer
from local.aws.errors import LocalStackError
from local.aws.functions import RequestTooLargeError
from local.aws.gateway import (
    HttpRequest,
    HttpResponse,
    MalformedAnswerError,
    StreamedResponse,
    gateway_response,
    proxy_event,
    proxy_response,
    streamed_response,
)
from local.aws.logs import see
from local.aws.ports import ANY, on_port
from local.aws.routes import RestApi, Route
from local.aws.streaming import CutOffError, ResponseStream

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_LINE = 65_536
MAX_IN_FLIGHT = 64
IDLE_S = 5 * 60
"""A streamed answer that pauses for longer is cut off, as by regional API Gateway endpoints."""
Invoke = Callable[[str, bytes, ResponseStream | None], Answer]
"""Runs the function with this ARN on an event. A streamed answer goes to the stream."""


class BodyTooLargeError(Exception):
    """The body is over API Gateway's 10 MB."""


class Front:
    """Serve a REST API on a port of this machine: `port`, unless that is taken."""

    def __init__(
        self, api: RestApi, invoke: Invoke, log_of: Callable[[str], Path], port: int = ANY
    ) -> None:
        """`log_of` returns the log of the function with this ARN."""
        self.api = api
        self._invoke = invoke
        self._log_of = log_of
        self._stopping = False
        self._workers = ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="gateway")
        handler = type("Handler", (Handler,), {"front": self})
        self._server = on_port(lambda each: Server(("127.0.0.1", each), handler), port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._server.server_port

    def answer(self, request: HttpRequest, request_id: str) -> HttpResponse | StreamedResponse:
        """Return the function's response, or API Gateway's own error."""
        api = self.api
        matched = api.match(request.method, urlsplit(request.target).path)
        if matched is None:
            return gateway_response(api, "MISSING_AUTHENTICATION_TOKEN", request_id)
        route, parameters = matched
        event = json.dumps(proxy_event(api, route, parameters, request, request_id)).encode()
        stream = ResponseStream() if route.streams else None
        invocation = self._workers.submit(self._invoke, route.function_arn, event, stream)
        try:
            if stream is not None:
                return self._streamed(stream, invocation, route.timeout_s)
            # As in AWS, the function continues after API Gateway's timeout.
            answer = invocation.result(timeout=route.timeout_s)
            if answer.failed:
                raise MalformedAnswerError(f"the function failed: {answer.payload[:500]!r}")
            return proxy_response(api, request, answer.payload)
        except TimeoutError:
            return gateway_response(api, "INTEGRATION_TIMEOUT", request_id)
        except RequestTooLargeError:
            return gateway_response(api, "REQUEST_TOO_LARGE", request_id)
        except (MalformedAnswerError, LocalStackError) as error:
            self._report(f"{request.method} {route.path} {request_id}: {error}", route)
            return gateway_response(api, "DEFAULT_5XX", request_id)

    def _streamed(
        self, stream: ResponseStream, invocation: Future[Answer], timeout_s: float
    ) -> StreamedResponse:
        """Wait for the beginning of the answer."""
        # An invocation that fails before it answers ends the stream too.
        invocation.add_done_callback(lambda _: stream.end(whole=False))
        chunks = stream.read(IDLE_S, timeout_s)
        try:
            return streamed_response(chunks)
        except CutOffError:
            answer = invocation.result()
            if answer.failed:
                raise MalformedAnswerError(
                    f"the function failed: {answer.payload[:500]!r}"
                ) from None
            # A function that cannot stream may return the same form at once.
            return streamed_response(iter([answer.payload]))

    def _report(self, problem: str, route: Route) -> None:
        if not self._stopping:  # a request that the shutdown interrupts is no problem
            log = self._log_of(route.function_arn)
            sys.stderr.write(f"{problem.rstrip('.')}. {see(log)}\n")

    def stop(self) -> None:
        self._stopping = True
        self._server.shutdown()
        self._server.server_close()
        self._workers.shutdown(wait=False, cancel_futures=True)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # simultaneous connection attempts

    def handle_error(self, request: object, client_address: object) -> None:
        """Do not log clients that disconnect."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on


class Handler(BaseHTTPRequestHandler):
    """One client connection."""

    front: ClassVar[Front]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # send headers and body in one packet

    def handle_any(self) -> None:
        request_id = str(uuid.uuid4())
        try:
            request = HttpRequest(
                method=self.command,
                target=self.path,
                headers=list(self.headers.items()),
                body=self.read_body(),
                source_ip=self.client_address[0],
            )
            response = self.front.answer(request, request_id)
        except BodyTooLargeError:
            self.close_connection = True
            response = gateway_response(self.front.api, "REQUEST_TOO_LARGE", request_id)
        except ValueError:  # the length is not a number, so the end of the body is unknown
            self.close_connection = True
            response = gateway_response(self.front.api, "DEFAULT_4XX", request_id)
        self.respond(response, request_id)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = handle_any  # noqa: N815
    do_POST = do_PUT = do_QUERY = do_TRACE = handle_any  # noqa: N815

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        length = _size(self.headers.get("Content-Length") or "0", 10)
        if length > MAX_BODY_BYTES:
            raise BodyTooLargeError
        return self.rfile.read(length)

    def read_chunks(self) -> bytes:
        body = b""
        while size := _size(self.rfile.readline(MAX_LINE).partition(b";")[0].decode("latin-1"), 16):
            if len(body) + size > MAX_BODY_BYTES:
                raise BodyTooLargeError
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def respond(self, response: HttpResponse | StreamedResponse, request_id: str) -> None:
        self.send_response_only(response.status)
        names = {name.lower() for name, _ in response.headers}
        if "content-type" not in names:
            self.send_header("Content-Type", "application/json")
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", request_id)
        if isinstance(response, StreamedResponse):
            self.respond_in_chunks(response)
            return
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def respond_in_chunks(self, response: StreamedResponse) -> None:
        """Send each piece as it comes. An answer that is cut off has no last chunk."""
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for chunk in response.chunks:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except (CutOffError, TimeoutError):
            self.close_connection = True
        finally:
            response.chunks.close()  # tells the function if the client has left

    def log_message(self, *_: object) -> None:
        """Log nothing: the functions log their requests."""


def _size(text: str, base: int) -> int:
    """Read digits only: `int` also takes signs, prefixes, blanks and underscores."""
    text = text.strip(" \t\r\n")
    if not text or not set(text) <= set(string.hexdigits):
        raise ValueError(f"{text!r} is not a length")
    return int(text, base)

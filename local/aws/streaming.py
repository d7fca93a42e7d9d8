"""Streamed answers, which the runtime interface emulator would collect.

`RuntimeApi` stands between a function's runtime and its emulator's Runtime API. It passes
everything on, apart from a streamed answer: its pieces go to a `ResponseStream` as they come. The
invocation lasts until the runtime asks for the next event, as in Lambda.
"""

import contextlib
import http.client
import queue
import socket
import threading
import time
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

MODE_HEADER = "Lambda-Runtime-Function-Response-Mode"
ERROR_TRAILER = "Lambda-Runtime-Function-Error-Type"
MAX_WAITING_CHUNKS = 256
"""When this many chunks wait, the slow reader holds up the function."""
Chunk = bytes


class ReaderGoneError(Exception):
    """The reader has stopped reading the answer."""


class CutOffError(Exception):
    """The function ended before its answer did."""


class ResponseStream:
    """Passes an answer from the function's thread to the thread of its reader."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Chunk | None] = queue.Queue(MAX_WAITING_CHUNKS)
        self._left = threading.Event()
        self._ended = threading.Event()
        self._whole = False

    def write(self, chunk: Chunk) -> None:
        """Wait while the reader is slow; raise `ReaderGoneError` if it has left."""
        self._put(chunk)

    def end(self, *, whole: bool) -> None:
        """Tell the reader that nothing follows. Only the first call counts."""
        if not self._ended.is_set():
            self._whole = whole
            self._ended.set()
            with contextlib.suppress(ReaderGoneError):
                self._put(None)

    def _put(self, chunk: Chunk | None) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._waiting.put(chunk, timeout=0.5)
                return
        raise ReaderGoneError

    def read(self, idle_s: float, total_s: float) -> Generator[Chunk]:
        """Yield the chunks. Closing this iterator tells the function that the reader has stopped.

        Raise `CutOffError` if the function breaks off, and `TimeoutError` if it pauses for `idle_s`
        or takes over `total_s`.
        """
        ends_at = time.monotonic() + total_s
        try:
            while (chunk := self._next(min(idle_s, ends_at - time.monotonic()))) is not None:
                yield chunk
        finally:
            self._left.set()
        if not self._whole:
            raise CutOffError

    def _next(self, timeout_s: float) -> Chunk | None:
        try:
            return self._waiting.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            raise TimeoutError from None


class RuntimeApi:
    """Serves the Runtime API of one emulator, at a port of its own on the same address."""

    def __init__(self, address: str, emulator_port: int) -> None:
        self.emulator = (address, emulator_port)
        self.stream: ResponseStream | None = None
        """The reader of the current invocation; None if its answer is needed as a whole."""
        self.unanswered: str | None = None
        """The path of a streamed answer that the emulator has not heard of."""
        handler = type("Handler", (Handler,), {"api": self})
        self._server = Server((address, 0), handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        # `serve_forever` wakes up twice a second, and takes as long to stop.
        with contextlib.suppress(OSError):
            while True:
                self._server.process_request(*self._server.get_request())

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.socket.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Runtime and emulator may end at any time: the invocation reports it."""


class Handler(BaseHTTPRequestHandler):
    """One connection of the runtime."""

    api: ClassVar[RuntimeApi]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    _emulator: http.client.HTTPConnection | None = None

    def do_GET(self) -> None:
        if self.api.unanswered is not None:
            path, self.api.unanswered = self.api.unanswered, None
            self._ask("POST", path, b"null")
        self._respond(*self._ask("GET", self.path, None))

    def do_POST(self) -> None:
        if self.headers.get(MODE_HEADER, "").lower() != "streaming":
            length = int(self.headers.get("Content-Length") or 0)
            self._respond(*self._ask("POST", self.path, self.rfile.read(length)))
        elif self.api.stream is None:
            self._respond(*self._ask("POST", self.path, b"".join(self._chunks())))
        else:
            self._stream(self.api.stream)

    def _stream(self, stream: ResponseStream) -> None:
        self.api.unanswered = self.path
        try:
            for chunk in self._chunks():
                stream.write(chunk)
            failed = self._trailers()
        except ReaderGoneError:
            self.close_connection = True  # the function notices when it writes
            return
        except (OSError, ValueError):
            stream.end(whole=False)
            raise
        stream.end(whole=not failed)
        self._respond(202, {}, b'{"status":"OK"}')

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunk = self.rfile.read(size)
            self.rfile.readline()
            yield chunk

    def _trailers(self) -> bool:
        """Read what follows the last chunk; return whether it reports an error."""
        failed = False
        while line := self.rfile.readline().strip():
            failed = failed or line.lower().startswith(ERROR_TRAILER.lower().encode())
        return failed

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
        if self._emulator is None:
            self._emulator = http.client.HTTPConnection(*self.api.emulator)
        passed = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in ("host", "content-length", "transfer-encoding", "trailer")
        }
        self._emulator.request(method, path, body, passed)
        response = self._emulator.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    def _respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Log nothing."""

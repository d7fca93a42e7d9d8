"""A server on loopback that answers GET requests with JSON by path, and keeps what it was sent."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue


@dataclass
class GetServer:
    """`answers` holds JSON, or a status with headers, by path. Other paths are not found."""

    answers: Mapping[str, JsonValue | tuple[int, dict[str, str]]]
    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each request."""

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def serving(answers: Mapping[str, JsonValue | tuple[int, dict[str, str]]]) -> Iterator[GetServer]:
    state = GetServer(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append((self.path, dict(self.headers)))
            answer = state.answers.get(self.path, (404, {}))
            status, headers = answer if isinstance(answer, tuple) else (200, {})
            body = b"" if isinstance(answer, tuple) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
            pass

    server = ThreadingHTTPServer(state.address, Handler)
    state.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()

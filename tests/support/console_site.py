"""The page of the console on loopback, from the function that serves it, without a stack. A
`FakeApi` answers its requests."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from functions.console.handler import lambda_handler
from tests.support.context import FakeContext
from tests.support.fake_api import APIS, Cut, Response, Streamed, refused

ROOT = "/console"


@contextmanager
def running_site() -> Iterator[str]:
    """Yield the address below which the page is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/v1/"):
            self._answer()
        else:
            self._file()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _file(self) -> None:
        path = urlsplit(self.path).path
        file = path.removeprefix(ROOT).removeprefix("/")
        event = {
            "httpMethod": "GET",
            "path": path,
            "headers": dict(self.headers),
            "pathParameters": {"file": file} if file else None,
        }
        told = lambda_handler(event, FakeContext())
        headers, body = told["headers"], str(told["body"])
        assert isinstance(headers, dict)
        content = base64.b64decode(body) if told["isBase64Encoded"] else body.encode()
        self._send(int(str(told["statusCode"])), headers, content)

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        content = self.rfile.read(int(headers.get("content-length", "0")))
        api = APIS.get(headers.get("authorization", "").removeprefix("Bearer "))
        body = json.loads(content) if content else None
        unknown = refused(401, "invalid_api_key", "No test knows this key.")
        found = unknown if api is None else api.respond(self.command, self.path, headers, body)
        with suppress(ConnectionError):  # the page gave up
            match found:
                case None:
                    self.rfile.read(1)  # until the page gives up
                case Streamed():
                    self._stream(found)
                case Response():
                    told = {"content-type": "application/json", **found.headers}
                    self._send(found.status, told, json.dumps(found.body).encode())

    def _stream(self, answer: Streamed) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while (piece := answer.pieces.get()) is not None:
            if isinstance(piece, Cut):
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass

"""The page of the console on loopback, from the function that serves it, without a stack."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from functions.console.handler import lambda_handler
from tests.support.context import FakeContext

ROOT = "/console"


@contextmanager
def running_site() -> Iterator[str]:
    """Yield the address below which the page is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
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
        self.send_response(int(str(told["statusCode"])))
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass

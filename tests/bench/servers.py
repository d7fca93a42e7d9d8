"""What the benchmark runs against, in a process of its own: an upstream and a DynamoDB that answer
at once, so that what remains is the router's own time."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.upstream import completion

KEY_ITEM = {
    "pk": {"S": "KEY"},
    "key_id": {"S": "key_bench"},
    "name": {"S": "bench"},
    "role": {"S": "client"},
    "allowed_tiers": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
}
ANSWERS = {
    "DynamoDB_20120810.GetItem": {"Item": KEY_ITEM},
    "DynamoDB_20120810.TransactWriteItems": {},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        target = self.headers.get("x-amz-target")
        if target is None:
            answer: object = completion("2" if b'"router"' in body else "Hi.").body
        else:
            answer = ANSWERS.get(target, {"__type": "ParameterNotFound"})
        payload = json.dumps(answer).encode()
        self.send_response(200 if target is None or target in ANSWERS else 400)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass


def main() -> None:
    """Prints the port, serves until the other end of standard input closes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()

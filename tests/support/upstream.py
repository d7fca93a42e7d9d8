"""A scripted OpenAI-compatible server on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue

Body = dict[str, JsonValue]


@dataclass(frozen=True)
class Reply:
    """The server's response. `wait_for` holds it back until the event is set."""

    body: JsonValue
    status: int = 200
    wait_for: threading.Event | None = None


Script = Callable[[Body], Reply]


@dataclass
class Upstream:
    """`script` answers each request. `calls` keeps their bodies in order."""

    url: str
    script: Script
    calls: list[Body] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def models_called(self) -> list[JsonValue]:
        return [call["model"] for call in self.calls]


def completion(text: str, prompt_tokens: int = 11, completion_tokens: int = 7) -> Reply:
    """A plain answer with these odd token counts."""
    return Reply(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "upstream-model-2026",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }
    )


def failure(status: int, message: str = "scripted failure") -> Reply:
    return Reply({"error": {"message": message, "type": "server_error"}}, status)


@contextmanager
def running_upstream(script: Script) -> Iterator[Upstream]:
    """Serve until the block ends. Answers that are held back are released then."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            upstream.calls.append(body)
            upstream.headers.append(dict(self.headers))
            reply = upstream.script(body)
            if reply.wait_for is not None:
                reply.wait_for.wait(30)
            data = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            payload = data.encode()
            try:
                self.send_response(reply.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upstream = Upstream(f"http://127.0.0.1:{server.server_port}/v1", script)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.released.set()
        server.shutdown()
        server.server_close()
        thread.join()

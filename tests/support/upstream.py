"""A scripted OpenAI-compatible server on loopback."""

import json
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue

Body = dict[str, JsonValue]


@dataclass(frozen=True)
class Reply:
    """The server's response: a text as it is, anything else as JSON.

    `wait_for` holds it back until the event is set. With `hangs_up`, the server closes the
    connection without an answer. `parts` are sent one by one in place of the body: bytes as they
    are, JSON as a server-sent event; a number is a pause in seconds, and `HANG_UP` breaks the
    connection.
    """

    body: JsonValue = None
    status: int = 200
    wait_for: threading.Event | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = False
    parts: Sequence[JsonValue | bytes] | None = None


HANG_UP = b""
DONE = b"data: [DONE]\n\n"

Script = Callable[[Body], Reply]


@dataclass
class Upstream:
    """`script` answers each request. `calls` keeps their bodies in order, `paths` their paths."""

    url: str
    script: Script
    calls: list[Body] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    left: list[float] = field(default_factory=list)
    """When clients closed the connection before the end of their answer (monotonic seconds)."""

    def models_called(self) -> list[JsonValue]:
        return [call["model"] for call in self.calls]


def completion(
    text: str,
    prompt_tokens: int = 11,
    completion_tokens: int = 7,
    tool_calls: Sequence[JsonValue] = (),
) -> Reply:
    """An answer with these odd token counts."""
    calls = {"tool_calls": [*tool_calls]} if tool_calls else {}
    return Reply(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "upstream-model-2026",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, **calls},
                    "finish_reason": "tool_calls" if calls else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }
    )


def event(data: JsonValue) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def chunk(delta: JsonValue, finish_reason: str | None = None, index: int = 0) -> JsonValue:
    """A chunk of a streamed answer, as OpenAI writes it."""
    choice: JsonValue = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {"id": "x", "object": "chat.completion.chunk", "model": "m-2026", "choices": [choice]}


def usage_chunk(prompt_tokens: int = 11, completion_tokens: int = 7) -> JsonValue:
    usage: JsonValue = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    return {"id": "x", "object": "chat.completion.chunk", "choices": [], "usage": usage}


def streamed(*texts: str, pause_s: float = 0.0) -> Reply:
    """The texts as a streamed answer."""
    parts: list[JsonValue | bytes] = [chunk({"role": "assistant", "content": ""})]
    for text in texts:
        parts += [chunk({"content": text}), pause_s]
    return Reply(parts=[*parts, chunk({}, "stop"), usage_chunk(), DONE])


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
            upstream.paths.append(self.path)
            upstream.headers.append(dict(self.headers))
            reply = upstream.script(body)
            if reply.wait_for is not None:
                reply.wait_for.wait(30)
            try:
                self._answer(reply)
            except OSError:
                self.close_connection = True

        def _answer(self, reply: Reply) -> None:
            if reply.hangs_up:
                self.close_connection = True
                return
            if reply.parts is not None:
                self._send_parts(reply, reply.parts)
                return
            data = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            payload = data.encode()
            headers = {"content-type": "application/json", "content-length": str(len(payload))}
            self.send_response(reply.status)
            for name, value in {**headers, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def _send_parts(self, reply: Reply, parts: Sequence[JsonValue | bytes]) -> None:
            self.send_response(reply.status)
            for name, value in {"content-type": "text/event-stream", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                for part in parts:
                    if part == HANG_UP:
                        self.close_connection = True
                        return
                    if isinstance(part, int | float):
                        self._pause(part)
                        continue
                    data = part if isinstance(part, bytes) else event(part)
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                upstream.left.append(time.monotonic())
                raise

        def _pause(self, seconds: float) -> None:
            """Wait; a client that leaves meanwhile is noticed at once."""
            if select.select([self.connection], [], [], seconds)[0]:
                raise ConnectionResetError

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

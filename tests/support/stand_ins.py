"""An upstream and AWS services that answer instantly, in their own process, so that the remaining
time of a request is the router's own."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.app import read_context
from infra.bundle import bundle_code, bundle_wheels
from infra.stage import load_stage
from tests.support.checkout import ROOT
from tests.support.upstream import DONE, chunk, completion, event, usage_chunk

PROVIDER = "deepseek"
"""A provider that only LiteLLM has a client for. It takes the provider's address from the
environment."""
PIECES, PAUSE_S = 10, 0.005
"""Of a streamed answer."""
UNHURRIED, ROUTER_S = b"two moons", 0.01
"""About these words, the router LLM thinks for a moment, though a tenth as long as a fast one
does. So what happens beside its call shows up only where it takes longer than the call."""
AWS_ANSWERS: dict[str, object] = {
    "secretsmanager.GetSecretValue": {"SecretString": json.dumps({"DEEPSEEK_API_KEY": "stand-in"})},
    "DynamoDB_20120810.GetItem": {
        "Item": {
            "pk": {"S": "KEY"},
            "key_id": {"S": "key_bench"},
            "name": {"S": "bench"},
            "role": {"S": "client"},
            "allowed_tiers": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
        }
    },
    "DynamoDB_20120810.PutItem": {},
    "DynamoDB_20120810.TransactWriteItems": {},
    "AmazonSSM.GetParameters": {"Parameters": []},
}
SESSION: dict[str, object] = {
    "tier": {"N": "2"},
    "model": {"S": "openai/medium"},
    "input_tokens": {"N": "900"},
    "cached_tokens": {"N": "0"},
    "estimated_tokens": {"N": "900"},
    "answers": {"N": "1"},
    "used_at": {"N": f"{time.time():.3f}"},
    "cache_s": {"N": "3600"},
    "expires_at": {"N": f"{time.time() + 86_400:.0f}"},
}
"""The state of every session."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        if self.path.startswith("/2018-06-01/runtime/"):
            self._take_response()
            return
        body = self.rfile.read(int(self.headers["content-length"]))
        target = self.headers.get("x-amz-target")
        if target is None and b'"stream": true' in body.replace(b":true", b": true"):
            self._stream()
        elif target is None:
            if b'"router"' in body and UNHURRIED in body:
                time.sleep(ROUTER_S)
            self._answer(200, completion(_text(body)).body)
        elif target == "AmazonSSM.GetParameter" and b'"/bench' in body:
            self._answer(200, {"Parameter": {"Name": "/bench", "Value": "x", "Version": 1}})
        elif target == "DynamoDB_20120810.GetItem" and b"SESSION#" in body:
            self._answer(200, {"Item": SESSION})
        elif target in AWS_ANSWERS:
            self._answer(200, AWS_ANSWERS[target])
        else:
            self._answer(400, {"__type": "ParameterNotFound"})

    def do_PUT(self) -> None:
        """A text of a record."""
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(200, {})

    def _take_response(self) -> None:
        """Read a streamed response of the function, as Lambda does."""
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        while self.rfile.readline().strip():
            pass
        self._answer(202, {})

    def _stream(self) -> None:
        """Write the time into each piece."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for _ in range(PIECES):
            self._event(event(chunk({"content": f"at {time.monotonic()}"})))
            time.sleep(PAUSE_S)
        for last in (event(chunk({}, "stop")), event(usage_chunk()), DONE):
            self._event(last)
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _answer(self, status: int, content: object) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        pass


def _text(body: bytes) -> str:
    """Give a long answer to an image."""
    if b'"image_url"' in body:
        return "A" * 4_400_000
    return "2" if b'"router"' in body else "Hi."


@contextmanager
def running_stand_ins(provider: str = "openai") -> Iterator[dict[str, str]]:
    """Return the environment of a router function that uses them and sees only its layers. For
    models of `PROVIDER`, these include LiteLLM's."""
    command = [sys.executable, "-m", "tests.support.stand_ins"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        try:
            yield {**_router_settings(url, provider), "PYTHONPATH": _layers(provider)}
        finally:
            process.communicate()


def in_a_function(*arguments: str) -> list[str]:
    """Return the command that runs Python as Lambda does: without site-packages."""
    base: str = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001, RUF100
    return [base, "-S", *arguments]


def _router_settings(url: str, provider: str) -> dict[str, str]:
    names = ("small", "medium", "large", "router")
    price = {"input_usd_per_million": 1, "output_usd_per_million": 2}
    models = {
        "tiers": {str(n): {"model": f"{provider}/{name}"} for n, name in enumerate(names[:3], 1)},
        "router": f"{provider}/router",
        "prices": {f"{provider}/{name}": price for name in names},
    }
    return {
        "ROUTE_SWITCH_CONFIG": json.dumps({"models": models, "openai_base_url": f"{url}/v1"}),
        "POWERTOOLS_METRICS_NAMESPACE": "RouteSwitch/test",
        "RESULTS_TABLE": "results",
        "KEYS_TABLE": "keys",
        "TEXTS_BUCKET": "texts",
        "RECORDS_QUEUE_URL": f"{url}/queue",
        "LEARNING_BUCKET": "learning",
        "LIVE_PROMPT_PARAMETER": "/live",
        "SEED_PROMPT_PARAMETER": "/seed",
        "SWITCHES_PARAMETER": "/switches",
        "IDEMPOTENCY_TABLE": "i",
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "stand-in",
        "AWS_SECRET_ACCESS_KEY": "stand-in",
        **(
            {"PROVIDER_SECRET": "keys", "DEEPSEEK_API_BASE": f"{url}/v1"}
            if provider == PROVIDER
            else {}
        ),
    }


def _layers(provider: str) -> str:
    stage = load_stage(read_context({}), "local", {})
    names = ["dependencies", *(["litellm"] if provider == PROVIDER else [])]
    bundles = [bundle_wheels(stage, ROOT / f"layers/{name}/requirements.txt") for name in names]
    layers = [bundle_code(stage, ROOT / "layers/core"), *bundles]
    return ":".join(map(str, (*(layer.resolve() / "python" for layer in layers), ROOT)))


def main() -> None:
    """Print the port, and serve until the other end of standard input closes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()

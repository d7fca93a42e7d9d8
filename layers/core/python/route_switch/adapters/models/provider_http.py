"""HTTP to a provider: calls end at their deadline, and idle connections are not trusted.

httpx's timeouts apply to each read. A server that sends a blank line every second keeps a call open
for as long as it likes, and with it the thread that reads. Here every socket operation of a call
gets at most the time that is left until the call's deadline.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from route_switch.adapters.models.deadlines import (
    CANCEL_S,
    can_be_cancelled,
    deadline_in,
    time_left_s,
)
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import JsonObject

IDLE_S = 4.0
"""Connections that were idle for longer are closed. Load balancers, NAT gateways and Lambda's
freezing end connections silently, and the first use after that fails."""
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
"""URLs of this machine, where no proxy leads."""
FINISH_S = 0.05
"""A server that keeps a stream open for longer than this after its end gets a new connection next
time."""
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""A longer answer is cut off: it could not be delivered, and must not fill the memory."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    content: bytes


class ProviderHttp:
    """Sends requests. Safe to share between threads.

    `clock` is wall-clock time in seconds: a monotonic clock may stand still while Lambda is frozen.
    """

    def __init__(self, *, tls: bool, clock: Callable[[], float] = time.time) -> None:
        # Loading the certificates takes longer than a call: only where there is TLS, and once.
        self._verify = httpx.create_ssl_context() if tls else False
        self._clock = clock
        self._lock = threading.Lock()
        self._client = _new_client(self._verify)
        self._used_at = clock()

    def post(
        self, url: httpx.URL, body: JsonObject, headers: Mapping[str, str], timeout_s: float
    ) -> HttpAnswer:
        """Post JSON; see `send`."""
        client = self._fresh_client()
        request = client.build_request("POST", url, json=body, headers=headers, timeout=timeout_s)
        with deadline_in(timeout_s):
            return self.send(request)

    @contextmanager
    def open(
        self,
        url: httpx.URL,
        body: JsonObject,
        headers: Mapping[str, str],
        timeout_s: float,
        is_cancelled: Callable[[], bool],
    ) -> Iterator[httpx.Response]:
        """Post JSON and yield the response before its body has arrived; leaving closes it.

        Deadline and cancellation apply to every read within the block, which must stay in one
        thread.
        """
        client = self._fresh_client()
        request = client.build_request("POST", url, json=body, headers=headers, timeout=timeout_s)
        with (
            deadline_in(timeout_s, is_cancelled),
            closing(self._opened(client, request)) as response,
        ):
            yield response

    def send(self, request: httpx.Request) -> HttpAnswer:
        """Raise `httpx.HTTPError` if there is no whole answer before the thread's deadline, and
        `ModelError` for an answer over `MAX_ANSWER_BYTES`.

        If the connection breaks before anything was answered, send the request once more on a new
        connection: the server closed the old one at the same moment.
        """
        with closing(self.send_open(request)) as response:
            return HttpAnswer(response.status_code, response.headers, read_whole(response))

    def send_open(self, request: httpx.Request) -> httpx.Response:
        """Return a response before its body has arrived. The caller closes it."""
        return self._opened(self._fresh_client(), request)

    def _opened(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        try:
            return client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return self._successor_of(client).send(request, stream=True)

    def _fresh_client(self) -> httpx.Client:
        with self._lock:
            now = self._clock()
            if now - self._used_at > IDLE_S:
                # Calls under way keep the old client; its idle connections go with it.
                self._client = _new_client(self._verify)
            self._used_at = now
            return self._client

    def _successor_of(self, client: httpx.Client) -> httpx.Client:
        """Return a client without the idle connections of this one, which may be broken as well."""
        with self._lock:
            if self._client is client:
                self._client = _new_client(self._verify)
            return self._client


def finish(parts: Iterator[bytes]) -> None:
    """Read what follows the end of an answer, so that its connection can be used again."""
    with suppress(httpx.HTTPError), deadline_in(FINISH_S):
        for _ in parts:
            pass


def unanswered(model: str, error: httpx.HTTPError) -> ModelError:
    """Return the error of a call that got no answer."""
    if isinstance(error, httpx.TimeoutException):
        return ModelTimeoutError(f"{model} did not answer in time")
    return ModelError(f"{model} cannot be reached: {type(error).__name__}")


def read_whole(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ModelError(f"The answer is longer than {MAX_ANSWER_BYTES:,} bytes.")
    return b"".join(parts)


def _new_client(verify: ssl.SSLContext | bool) -> httpx.Client:
    client = httpx.Client(
        verify=verify,
        limits=httpx.Limits(max_connections=None, keepalive_expiry=IDLE_S),
        mounts=dict.fromkeys(LOOPBACK),
    )
    # httpx has no public way to choose the network backend; a test with a trickling server fails if
    # this stops working. The mounts are the proxies of the environment.
    transports: tuple[Any, ...] = (client._transport, *client._mounts.values())
    for transport in transports:
        if transport is not None:
            transport._pool._network_backend = _Backend()
    return client


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        options["timeout"] = _remaining(options.get("timeout"), httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(*args, **options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not can_be_cancelled():
            return self._stream.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))
        while True:
            left_s = _remaining(timeout, httpcore.ReadTimeout)
            step_s = CANCEL_S if left_s is None else min(left_s, CANCEL_S)
            # A read that timed out has taken nothing from the socket.
            with suppress(httpcore.ReadTimeout):
                return self._stream.read(max_bytes, step_s)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        options["timeout"] = _remaining(options.get("timeout"), httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _remaining(timeout_s: float | None, error: type[Exception]) -> float | None:
    try:
        return time_left_s(timeout_s)
    except TimeoutError as caught:
        raise error(str(caught)) from caught

"""An HTTP client whose calls end at their deadline, even if the server keeps sending.

httpx's timeouts apply to each read. A server that sends a blank line every second keeps a call open
for as long as it likes, and with it the thread that reads. Here every socket operation of a thread
gets at most the time that is left until the thread's deadline.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

IDLE_S = 4.0
"""Idle connections are closed after this time. Load balancers, NAT gateways and Lambda's freeze end
them without a word after longer ones."""

_thread = threading.local()


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """End every socket operation of this thread within the block after so many seconds."""
    _thread.ends_at = time.monotonic() + seconds
    try:
        yield
    finally:
        del _thread.ends_at


def http_client(*, tls: bool) -> httpx.Client:
    client = httpx.Client(
        # Loading the certificates takes longer than a call: only where there is TLS.
        verify=tls,
        limits=httpx.Limits(max_connections=None, keepalive_expiry=IDLE_S),
        follow_redirects=False,
    )
    # httpx has no public way to choose the network backend; tests/integration/test_deadlines.py
    # fails if this stops working. The mounts are the proxies of the environment.
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
        return self._stream.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))

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
    ends_at: float | None = getattr(_thread, "ends_at", None)
    if ends_at is None:
        return timeout_s
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise error("The call's deadline has passed.")
    return left_s if timeout_s is None else min(timeout_s, left_s)

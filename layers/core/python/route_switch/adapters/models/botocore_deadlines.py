"""Make botocore's calls end at their thread's deadline, even if the service keeps sending.

Its timeouts apply to each read. (The boundary's own HTTP is not used here: importing httpx would
take 0.2 s of a Bedrock stage's cold start.)
"""

import io
import socket
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from route_switch.adapters.models.deadlines import CANCEL_S, can_be_cancelled, time_left_s


def with_deadlines(client: Any) -> Any:  # each service has a class of its own
    """Return the client. botocore has no public way to choose its connections; a test with a
    trickling server fails if this stops working."""
    pools = client._endpoint.http_session._pool_classes_by_scheme
    pools.update({"http": _Pool, "https": _TlsPool})
    return client


class _Connection(AWSHTTPConnection):
    def connect(self) -> None:
        self.timeout = _limited(self.timeout)
        super().connect()
        self.sock = _Socket(self.sock)


class _TlsConnection(AWSHTTPSConnection):
    def connect(self) -> None:
        self.timeout = _limited(self.timeout)
        super().connect()
        self.sock = _Socket(self.sock)


def _limited(timeout: Any) -> Any:  # urllib3 has a type of its own for its default
    return time_left_s(timeout) if isinstance(timeout, int | float) else timeout


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Socket:
    """A socket, except that its file is a `_Reader`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if can_be_cancelled():
            return self._readinto_unless_cancelled(buffer)
        self._sock.settimeout(time_left_s(self._sock.gettimeout()))
        return self._file.readinto(buffer)

    def _readinto_unless_cancelled(self, buffer: Any) -> int:
        before = self._sock.gettimeout()
        while True:
            left_s = time_left_s(before)
            self._sock.settimeout(CANCEL_S if left_s is None else min(left_s, CANCEL_S))
            try:
                # Not the file, which refuses to read after a time-out.
                return self._sock.recv_into(buffer)
            except TimeoutError:
                continue
            finally:
                self._sock.settimeout(before)

    def close(self) -> None:
        self._file.close()
        super().close()

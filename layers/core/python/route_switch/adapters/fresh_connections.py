"""Keep botocore's clients from using connections that the network has dropped.

Lambda freezes a process between requests. Meanwhile the other end, a NAT gateway or a load balancer
closes idle connections, and the frozen process does not see it: the first request on each of them
fails.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from botocore.client import BaseClient

    Client = TypeVar("Client", bound=BaseClient)

MAX_IDLE_S = 10.0
"""AWS's endpoints keep idle connections for longer. A new connection costs a few milliseconds."""


def keep_fresh(client: "Client", clock: Callable[[], float] = time.time) -> "Client":
    """Close the client's kept connections when they were idle for `MAX_IDLE_S`, and after one of
    them failed: botocore's retry then opens a new one instead of taking the next stale one.

    `clock` returns seconds of wall-clock time, which goes on while the process is frozen. Requests
    in progress keep their connections.
    """
    lock, used_at = Lock(), clock()

    def close_if_idle(**_: object) -> None:
        nonlocal used_at
        with lock:
            idle_s, used_at = clock() - used_at, clock()
            if not 0 <= idle_s < MAX_IDLE_S:
                client.close()

    def close_if_broken(caught_exception: Exception | None = None, **_: object) -> None:
        if caught_exception is not None:
            client.close()

    client.meta.events.register("before-send", close_if_idle, "close-if-idle")
    client.meta.events.register("needs-retry", close_if_broken, "close-if-broken")
    return client

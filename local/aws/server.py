"""Serves moto over HTTP/1.1, in threads of this process, on connections that stay open.

moto's own server closes the connection after each call, which costs client and server a third of
what the call itself costs.
"""

import logging
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

IDLE_S = 24 * 60 * 60
"""Connections stay open longer than a stack: a client whose connection closes as it sends fails."""
AT_ONCE = 128
"""Clients that may connect at the same time."""
STOP_S = 2.0
"""Calls that still wait, such as a long poll of a queue, are left to the end of the process."""


class MotoServer:
    """A running server on a free port of this machine."""

    def __init__(self) -> None:
        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._server = KeepAliveServer(
            ("127.0.0.1", 0), self._respond, timeout=IDLE_S, request_queue_size=AT_ONCE
        )
        self._bound = threading.Event()
        # Its workers are daemons because this thread is one.
        threading.Thread(target=self._serve, daemon=True).start()
        self._bound.wait()

    @property
    def endpoint(self) -> str:
        host, port = self._server.bind_addr
        return f"http://{host}:{port}"

    def put_before(self, wrap: "Callable[[WSGIApplication], WSGIApplication]") -> None:
        """Let the wrapper see each request first."""
        self._app = wrap(self._app)

    def stop(self) -> None:
        stopping = threading.Thread(target=self._server.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_S)

    def _serve(self) -> None:
        self._server.prepare()
        self._bound.set()
        self._server.serve()

    def _respond(self, environ: "WSGIEnvironment", start: "StartResponse") -> "Iterable[bytes]":
        self._server.keep_a_thread_free()
        # As moto's own server has them: the path as it was sent, and decoded with its slashes.
        environ["RAW_URI"] = environ["REQUEST_URI"]
        path = environ["REQUEST_URI"].partition("?")[0]
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        return self._app(environ, start)


class KeepAliveServer(Server):
    """cheroot's, with as many connections and threads as are needed."""

    keep_alive_conn_limit = sys.maxsize

    def keep_a_thread_free(self) -> None:
        """Start another thread if this request took the last one.

        A call that invokes a function ends after the calls that the function makes.
        """
        if not self.requests.idle:
            self.requests.grow(1)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        logging.getLogger("moto.server").log(level, msg, exc_info=traceback)

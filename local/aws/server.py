"""Serves moto over HTTP/1.1, in threads of this process, on connections that stay open.

moto's own server closes the connection after each call. Reconnecting costs client and server a
third of the call itself.
"""

import io
import logging
import socket
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local.aws.ports import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

IDLE_S = 24 * 60 * 60
"""Longer than a stack lives: a client fails if its connection closes while it sends."""
AT_ONCE = 128
"""Clients that may connect at the same time."""
STOP_S = 2.0
"""Calls that still wait after this, such as a long poll of a queue, end with the process."""


class MotoServer:
    """A running server on a port of this machine, by default on a free one. Raise `OSError` if the
    port is taken."""

    def __init__(self, port: int = ANY) -> None:
        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._server = KeepAliveServer(
            ("127.0.0.1", port), self._respond, timeout=IDLE_S, request_queue_size=AT_ONCE
        )
        self._bound: Future[None] = Future()
        # The server's workers inherit the daemon flag from this thread.
        threading.Thread(target=self._serve, daemon=True).start()
        self._bound.result()

    @property
    def endpoint(self) -> str:
        host, port = self._server.bind_addr
        return f"http://{host}:{port}"

    @property
    def port(self) -> int:
        return int(self._server.bind_addr[1])

    def put_before(self, wrap: "Callable[[WSGIApplication], WSGIApplication]") -> None:
        """Add WSGI middleware in front of moto."""
        self._app = wrap(self._app)

    def stop(self) -> None:
        stopping = threading.Thread(target=self._server.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_S)

    def _serve(self) -> None:
        try:
            self._server.prepare()
        except OSError as error:
            self._bound.set_exception(error)
        else:
            self._bound.set_result(None)
            self._server.serve()

    def _respond(self, environ: "WSGIEnvironment", start: "StartResponse") -> "Iterable[bytes]":
        self._server.keep_a_thread_free()
        # As in moto's own server: the path as sent, and the path decoded, including slashes.
        environ["RAW_URI"] = environ["REQUEST_URI"]
        path = environ["REQUEST_URI"].partition("?")[0]
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length:
            body = environ["wsgi.input"].read(length)
            if len(body) < length:  # moto would store what a killed process left unsent
                start("400 Bad Request", [("Content-Length", "0")])
                return []
            environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)


class KeepAliveServer(Server):
    """cheroot's server without a limit on connections, and with threads added as needed."""

    keep_alive_conn_limit = sys.maxsize

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Let the next server take the port at once. cheroot allows that for a chosen port only;
        without it, connections that this server closed would keep a free one for a minute."""
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        socket_.bind(bind_addr)
        return socket_

    def keep_a_thread_free(self) -> None:
        """Start another thread if this request occupies the last one.

        A call that invokes a function waits for the calls that the function makes.
        """
        if not self.requests.idle:
            self.requests.grow(1)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        logging.getLogger("moto.server").log(level, msg, exc_info=traceback)

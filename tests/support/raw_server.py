"""A server on loopback that uses sockets directly, to do what no HTTP library would do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ANSWER = (
    b'{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0,'
    b' "message": {"role": "assistant", "content": "2"}, "finish_reason": "stop"}],'
    b' "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}'
)
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
TRICKLE_S = 0.05


@dataclass
class RawServer:
    """`requests` has the number of requests of each connection."""

    url: str
    stopped: threading.Event = field(default_factory=threading.Event)
    requests: list[int] = field(default_factory=list)


Serve = Callable[[socket.socket, int, RawServer], bool]
"""Answers a connection's request, which is the nth, from 1; returns whether to go on."""


def answer(connection: socket.socket, content: bytes = ANSWER) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n".encode()
    connection.sendall(head + content)


def blank_lines(connection: socket.socket, _: int, server: RawServer) -> bool:
    """Send a chunked answer that never comes, and a blank line now and then."""
    connection.sendall(CHUNKED)
    while not server.stopped.wait(TRICKLE_S):
        connection.sendall(b"1\r\n\n\r\n")
    return False


def slow_head(connection: socket.socket, _: int, server: RawServer) -> bool:
    """Send one header after the other, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not server.stopped.wait(TRICKLE_S):
        connection.sendall(b"x: y\r\n")
    return False


def slow_body(connection: socket.socket, _: int, server: RawServer) -> bool:
    """Send a body byte by byte."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not server.stopped.wait(TRICKLE_S):
        connection.sendall(b" ")
    return False


def silent(_: socket.socket, __: int, server: RawServer) -> bool:
    server.stopped.wait()
    return False


SLOW = [blank_lines, slow_head, slow_body, silent]


@contextmanager
def raw_server(serve: Serve) -> Iterator[RawServer]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")

    def accept() -> None:
        with suppress(OSError):  # closed at the end
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=_converse, args=(connection, serve, server)).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _converse(connection: socket.socket, serve: Serve, server: RawServer) -> None:
    place = len(server.requests)
    server.requests.append(0)
    with connection, suppress(OSError):  # the client has gone
        connection.settimeout(0.2)
        while _read_request(connection, server):
            server.requests[place] += 1
            if not serve(connection, server.requests[place], server):
                return


def _read_request(connection: socket.socket, server: RawServer) -> bool:
    """Read a request with its body; False if the client has gone or the server stops."""
    data = b""
    while not server.stopped.is_set():
        try:
            read = connection.recv(65536)
        except TimeoutError:
            continue
        if not read:
            return False
        data += read
        head, end, body = data.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            return True
    return False


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0

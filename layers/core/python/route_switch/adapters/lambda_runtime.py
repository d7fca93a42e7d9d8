"""Stream a function's response: the one place that touches AWS's runtime client for Python.

The managed Python runtime returns a result once it is complete; Lambda itself accepts it in pieces
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming).
`enable_streaming` therefore replaces two members of `awslambdaric.LambdaRuntimeClient`: the
marshaller, which is made to be replaced, and `post_invocation_result`. docs/decisions/019 compares
this with the Lambda Web Adapter. Delete this module when the runtime streams by itself.
"""

import http.client
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from route_switch.domain.errors import describe_defect

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
"""API Gateway's form of a streamed response: JSON with status and headers, eight NUL bytes, and the
body."""
SEPARATOR = b"\0" * 8
MIN_SEND_S = 0.1
"""Time for the last piece to leave, even if no time is left."""
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
PARAMETERS = ("self", "invoke_id", "result_data", "content_type")
"""The parameters of `post_invocation_result`, from awslambdaric 2.2.1 to 4.2.2; later versions may
add some."""


class Streaming(Enum):
    """How a `StreamedResponse` leaves the function."""

    IN_PIECES = auto()
    WHOLE = auto()
    """It leaves in the same form, once it is complete."""
    IMPOSSIBLE = auto()
    """The runtime cannot take one: it is not AWS's, or not as this module knows it."""


class ClientGoneError(Exception):
    """Lambda does not accept any more of the response."""


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """A response in pieces.

    A generator as `body` is closed early if nobody receives it any more. `finish` runs exactly once
    after the last piece was sent or given up, and before the function takes the next event.
    `time_left_s` returns the seconds that remain for sending: a client that does not read is given
    up on then, so that time is left to `finish`.
    """

    status: int
    headers: Mapping[str, list[str]]
    body: Iterable[bytes]
    finish: Callable[[], object] = lambda: None
    time_left_s: Callable[[], float] = lambda: 60.0

    def pieces(self) -> Iterator[bytes]:
        head = {"statusCode": self.status, "multiValueHeaders": dict(self.headers)}
        yield json.dumps(head).encode() + SEPARATOR
        yield from self.body

    def close(self) -> None:
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


def enable_streaming() -> Streaming:
    """Let handlers return a `StreamedResponse`, and return how it will leave.

    Where `post_invocation_result` is not as expected, a response is sent when it is complete.
    Outside Lambda, there is no runtime client and nothing happens.
    """
    module = sys.modules.get("awslambdaric.lambda_runtime_client")
    client = getattr(module, "LambdaRuntimeClient", None)
    original = getattr(client, "marshaller", None)
    if client is None or not hasattr(original, "marshal_response"):
        return Streaming.IMPOSSIBLE
    post: Any = getattr(client, "post_invocation_result", None)  # awslambdaric is not typed
    code = getattr(post, "__code__", None)
    can_stream = code is not None and code.co_varnames[: len(PARAMETERS)] == PARAMETERS
    client.marshaller = _Marshaller(original, can_stream=can_stream)
    if not can_stream:
        logger.error("This version of awslambdaric is unknown: responses are not streamed.")
        return Streaming.WHOLE
    client.post_invocation_result = _streaming(post)
    return Streaming.IN_PIECES


class _Marshaller:
    """Passes a `StreamedResponse` on, or puts it together."""

    def __init__(self, original: Any, *, can_stream: bool) -> None:
        self._original = original
        self._can_stream = can_stream

    def unmarshal_request(self, *args: Any) -> Any:
        return self._original.unmarshal_request(*args)

    def marshal_response(self, response: Any) -> Any:
        if not isinstance(response, StreamedResponse):
            return self._original.marshal_response(response)
        if self._can_stream:
            return response, CONTENT_TYPE
        try:
            return b"".join(response.pieces()), CONTENT_TYPE
        finally:
            response.finish()


def _streaming(post: Callable[..., None]) -> Callable[..., None]:
    def post_invocation_result(
        self: Any, invoke_id: str, result_data: Any, *args: Any, **options: Any
    ) -> None:
        if not isinstance(result_data, StreamedResponse):
            post(self, invoke_id, result_data, *args, **options)
            return
        try:
            _send(self.lambda_runtime_address, invoke_id, result_data)
        finally:
            result_data.finish()

    return post_invocation_result


def _send(address: str, invoke_id: str, response: StreamedResponse) -> None:
    with closing(http.client.HTTPConnection(address)) as connection:
        path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        connection.putrequest("POST", path)
        for name, value in (
            ("Content-Type", CONTENT_TYPE),
            ("Lambda-Runtime-Function-Response-Mode", "streaming"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}"),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        with suppress(ClientGoneError, OSError, http.client.HTTPException):
            _send_pieces(connection, response)
            connection.getresponse().read()


def _send_pieces(connection: http.client.HTTPConnection, response: StreamedResponse) -> None:
    def send(data: bytes) -> None:
        try:
            connection.sock.settimeout(max(response.time_left_s(), MIN_SEND_S))
            connection.send(data)
        except OSError as error:
            raise ClientGoneError from error

    trailers = b""
    try:
        for piece in response.pieces():
            if piece:  # an empty one would end the body
                send(b"%x\r\n%b\r\n" % (len(piece), piece))
    except ClientGoneError:
        response.close()
        raise
    except Exception as error:  # noqa: BLE001, RUF100 (the head is sent: only trailers can say it)
        logger.error("The response broke off: %s", describe_defect(error))
        trailers = f"{ERROR_TYPE}: {type(error).__name__}\r\n".encode()
    send(b"0\r\n%b\r\n" % trailers)

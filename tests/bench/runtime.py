"""The handler as Lambda's runtime calls it: its response leaves in pieces over a socket.

Import this before the handler.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from route_switch.adapters.lambda_runtime import StreamedResponse
from tests.support.context import FakeContext


class Marshaller:
    def marshal_response(self, response: object) -> object: ...


class LambdaRuntimeClient:
    """Stands in for awslambdaric's. Streaming replaces both of its members."""

    marshaller: Any = Marshaller()
    lambda_runtime_address = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc

    def post_invocation_result(
        self, invoke_id: str, result_data: object, content_type: str
    ) -> None: ...


module = ModuleType("awslambdaric.lambda_runtime_client")
module.LambdaRuntimeClient = LambdaRuntimeClient  # type: ignore[attr-defined]  # a module made here
sys.modules[module.__name__] = module


@dataclass(frozen=True)
class Served:
    """Seconds on the monotonic clock: when each piece was handed to the socket, when the response
    had been sent, and when its record was saved."""

    pieces: list[tuple[float, bytes]]
    sent: float
    recorded: float


def serve(event: dict[str, object]) -> Served:
    from functions.router.handler import lambda_handler

    pieces: list[tuple[float, bytes]] = []

    def noted(body: Any) -> Iterator[bytes]:
        for piece in body:
            pieces.append((time.monotonic(), piece))
            yield piece

    response: StreamedResponse = lambda_handler(event, FakeContext())
    assert response.status == 200
    client: Any = LambdaRuntimeClient()
    client.post_invocation_result(
        "id", replace(response, body=noted(response.body), finish=lambda: None), "x"
    )
    sent = time.monotonic()
    response.finish()
    return Served(pieces, sent, time.monotonic())

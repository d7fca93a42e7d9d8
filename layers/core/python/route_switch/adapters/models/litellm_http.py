"""HTTP for LiteLLM: the boundary's own, with its deadlines and its connections.

It remembers what the provider said, which LiteLLM does not hand on: bodies of answers as they came,
and the headers and bodies of errors.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.models.provider_http import HttpAnswer, ProviderHttp

_NOT_PASSED_ON = frozenset({"content-encoding", "content-length", "transfer-encoding", "location"})
"""The content is decoded, and a redirect is an error."""

_thread = threading.local()


@contextmanager
def listening(timeout_s: float) -> Iterator[list[HttpAnswer]]:
    """Yield the list that gets what this thread is answered within the block."""
    heard: list[HttpAnswer] = []
    _thread.heard = heard
    try:
        with deadline_in(timeout_s):
            yield heard
    finally:
        _thread.heard = None


class _Transport(httpx.BaseTransport):
    def __init__(self) -> None:
        self._http = ProviderHttp(tls=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._http.send(request)
        if getattr(_thread, "heard", None) is not None:
            _thread.heard.append(answer)
        headers = [(k, v) for k, v in answer.headers.items() if k not in _NOT_PASSED_ON]
        return httpx.Response(
            answer.status, headers=headers, content=answer.content, request=request
        )


class _Http:
    """What LiteLLM uses: the transport for its own handlers, the session for OpenAI's SDK."""

    def __init__(self) -> None:
        self.transport = _Transport()
        self.session = httpx.Client(transport=self.transport)


HTTP = _Http()

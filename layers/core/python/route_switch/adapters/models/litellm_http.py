"""HTTP for LiteLLM: the boundary's own, with its deadlines and its connections.

It remembers what the provider said, which LiteLLM does not hand on: bodies of answers as they came,
and the headers and bodies of errors.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

import httpx

from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.models.provider_http import HttpAnswer, ProviderHttp, read_whole

_NOT_PASSED_ON = frozenset({"content-encoding", "content-length", "transfer-encoding", "location"})
"""The content is decoded, and a redirect is an error."""
_NO_RETRY = ("x-should-retry", "false")
"""OpenAI's SDK inside LiteLLM would sleep and repeat calls, regardless of LiteLLM's settings."""

Heard = list["HttpAnswer | httpx.HTTPError | Body"]


class Body:
    """The body of an answer while it arrives. LiteLLM and the boundary can both read it from the
    start, until one of them has asked for its `beginning`; what comes after that goes to the one
    that reads on, and is not kept."""

    def __init__(self, parts: Iterator[bytes], request: bytes) -> None:
        self.request = request
        self._parts = parts
        self._read: list[bytes] = []
        self._keeps = True

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        while True:
            while position < len(self._read):
                position += 1
                yield self._read[position - 1]
            part = next(self._parts, None)
            if part is None:
                return
            if self._keeps:
                self._read.append(part)
            else:
                yield part

    def beginning(self) -> bytes:
        """Return what has arrived once that includes a line of data; keep nothing after it."""
        so_far = self._until_data()
        self._keeps = False
        return so_far

    def _until_data(self) -> bytes:
        so_far = b""
        for part in self:
            so_far += part
            if b"\n" in so_far[so_far.find(b"data:") :] and b"data:" in so_far:
                break
            if so_far.lstrip()[:1] in (b"{", b"["):
                break
        return so_far


_thread = threading.local()


@contextmanager
def listening(timeout_s: float, is_cancelled: Callable[[], bool] | None = None) -> Iterator[Heard]:
    """Yield the list that gets what this thread's requests within the block come to.

    With `is_cancelled`, answers are passed on while they arrive. Leaving the block ends them:
    LiteLLM has no way to.
    """
    heard: Heard = []
    _thread.heard = heard
    with ExitStack() as opened, deadline_in(timeout_s, is_cancelled):
        _thread.opened = opened if is_cancelled is not None else None
        try:
            yield heard
        finally:
            _thread.heard = _thread.opened = None


class _Transport(httpx.BaseTransport):
    def __init__(self) -> None:
        self._http = ProviderHttp(tls=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        heard: Heard | None = getattr(_thread, "heard", None)
        try:
            opened: ExitStack | None = getattr(_thread, "opened", None)
            if opened is not None:
                response = opened.enter_context(closing(self._http.send_open(request)))
                if response.status_code < 300:
                    body = Body(response.iter_bytes(), request.content)
                    if heard is not None:
                        heard.append(body)
                    return httpx.Response(
                        response.status_code,
                        headers=_passed_on(response.headers),
                        content=iter(body),
                        request=request,
                    )
                content = read_whole(response)
                answer = HttpAnswer(response.status_code, response.headers, content)
            else:
                answer = self._http.send(request)
        except httpx.HTTPError as error:
            if heard is None:
                raise
            heard.append(error)
            return httpx.Response(503, headers=[_NO_RETRY], request=request)
        if heard is not None:
            heard.append(answer)
        headers = _passed_on(answer.headers)
        return httpx.Response(
            answer.status, headers=headers, content=answer.content, request=request
        )


def _passed_on(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [*((k, v) for k, v in headers.items() if k not in _NOT_PASSED_ON), _NO_RETRY]


class _Http:
    """What LiteLLM uses: the transport for its own handlers, the session for OpenAI's SDK."""

    def __init__(self) -> None:
        self.transport = _Transport()
        self.session = httpx.Client(transport=self.transport)


HTTP = _Http()

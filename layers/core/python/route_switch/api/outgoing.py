"""The response to one event: what Powertools built, its live events, and what follows it."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any

ProxyResponse = dict[str, Any]
"""API Gateway's form of a whole response."""


class Outgoing:
    """Collects what a route adds to its response.

    `events` are sent in place of the response's body. `after` runs when the response has been sent
    or given up, and before the function takes the next event.
    """

    def __init__(self) -> None:
        self.events: Generator[str] | None = None
        self.after: Callable[[], object] = lambda: None

    def whole(self, response: ProxyResponse) -> ProxyResponse:
        """Return the response when it is complete, for a runtime that cannot stream."""
        try:
            body = b"".join(self.pieces(response)).decode()
        finally:
            self.after()
        return {**response, "body": body}

    def pieces(self, response: ProxyResponse) -> Iterator[bytes]:
        """Yield the body."""
        if self.events is None:
            yield (response.get("body") or "").encode()
            return
        with closing(self.events) as events:
            for event in events:
                yield event.encode()


def headers_of(response: ProxyResponse) -> Mapping[str, list[str]]:
    many: Mapping[str, list[str]] = response.get("multiValueHeaders") or {}
    return many

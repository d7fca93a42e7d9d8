"""A live answer as server-sent events, which its protocol writes."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Protocol

from route_switch.api.error_answers import ErrorAnswer
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.answer import Answer
from route_switch.services.inbound_request import RoutedRequest

KEEP_ALIVE = ": the model has not finished\n\n"
"""A comment, which clients skip. Without it, a proxy would close the idle connection."""
_LINE_ENDS = {ord(c): f"\\u{ord(c):04x}" for c in "\u2028\u2029\u0085"}


class EventWriter(Protocol):
    """Writes the events of one answer. `keep_alive` is sent while nothing arrives."""

    keep_alive: str

    def begin(self) -> Iterator[str]:
        """Yield what comes before the first chunk."""
        ...

    def of(self, chunk: Chunk) -> Iterator[str]: ...

    def end(self, routed: RoutedRequest) -> Iterator[str]:
        """Yield what follows the last chunk, such as the usage and the costs."""
        ...

    def broken_off(self, error: ErrorAnswer) -> Iterator[str]:
        """Yield what follows the last chunk of an incomplete answer."""
        ...


def live_events(
    answer: Answer, writer: EventWriter, on_end: Callable[[], object]
) -> Generator[str]:
    """Yield each chunk as it arrives. `on_end` is called before the last event is sent, even if the
    client has left."""
    try:
        with closing(answer.chunks()) as chunks:
            yield from writer.begin()
            for chunk in chunks:
                if chunk is None:
                    yield writer.keep_alive
                else:
                    yield from writer.of(chunk)
    finally:
        on_end()
    if answer.error is None:
        yield from writer.end(answer.routed)
    else:
        yield from writer.broken_off(_incomplete(answer.error))


def sse(event: JsonObject, name: str | None = None) -> str:
    """Return a server-sent event without characters that some clients take for the end of a line.
    `name` is the event's type, for protocols that have one."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {text.translate(_LINE_ENDS)}\n\n"


def _incomplete(error: ModelError) -> ErrorAnswer:
    late = isinstance(error, ModelTimeoutError)
    return ErrorAnswer(
        504 if late else 502,
        "The answer is incomplete: the model "
        f"{'took too long' if late else 'stopped sending'}. Repeat the request.",
        "server_error",
        "upstream_timeout" if late else "upstream_failed",
    )

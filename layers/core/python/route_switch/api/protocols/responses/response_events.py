"""A live answer as server-sent events of the Responses API."""

from collections.abc import Iterable, Iterator

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.live_events import KEEP_ALIVE, sse
from route_switch.api.protocols.responses.response_body import (
    begun_body,
    ended_body,
    failed_body,
    new_output,
)
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest


class ResponseEvents:
    """Writes the events of one response, and counts them."""

    keep_alive = KEEP_ALIVE

    def __init__(self, routed: RoutedRequest, call: ClientCall) -> None:
        self._routed = routed
        self._call = call
        self._output = new_output(routed, call)
        self._written = 0

    def begin(self) -> Iterator[str]:
        body = begun_body(self._routed, self._call)
        kinds = ("response.created", "response.in_progress")
        return self._write({"type": kind, "response": body} for kind in kinds)

    def of(self, chunk: Chunk) -> Iterator[str]:
        return self._write(self._output.of(chunk))

    def end(self, routed: RoutedRequest) -> Iterator[str]:
        yield from self._write(self._output.end())
        output = self._output
        body = ended_body(routed, self._call, output.snapshot, output.finish_reason)
        yield from self._write([{"type": f"response.{body['status']}", "response": body}])

    def broken_off(self, error: ErrorAnswer) -> Iterator[str]:
        """Yield the error in the documented form and in the one that clients raise, and then the
        failed response."""
        told: JsonObject = {"code": error.code, "message": error.message, "param": error.param}
        failure: JsonObject = {"code": "server_error", "message": error.message}
        body = failed_body(self._routed, self._call, failure)
        return self._write(
            [
                {"type": "error", **told, "error": {"type": error.kind, **told}},
                {"type": "response.failed", "response": body},
            ]
        )

    def _write(self, events: Iterable[JsonObject]) -> Iterator[str]:
        for event in events:
            yield sse({**event, "sequence_number": self._written}, str(event["type"]))
            self._written += 1

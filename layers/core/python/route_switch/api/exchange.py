"""A request and what is answered to it, in the client's protocol."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from route_switch.api.client_call import ClientCall
from route_switch.api.live_events import live_events
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.route_answer import debug_headers, dry_run_body, route_headers
from route_switch.api.stored_responses import StoredResponses
from route_switch.domain.ports import JsonObject
from route_switch.services.answer import Answer
from route_switch.services.inbound_request import InboundRequest, RoutedRequest


@dataclass(frozen=True, slots=True)
class Exchange:
    """`has_debug` adds headers that explain the decision."""

    protocol: ClientProtocol
    call: ClientCall
    request: InboundRequest
    has_debug: bool

    def headers(self, routed: RoutedRequest) -> dict[str, str]:
        headers = self._lasting_headers(routed)
        return {**headers, **debug_headers(routed)} if self.has_debug else headers

    def _lasting_headers(self, routed: RoutedRequest) -> dict[str, str]:
        return {**route_headers(routed), **self.protocol.headers(routed.record.request_id)}

    def stored(
        self,
        responses: StoredResponses,
        content_type: str,
        body: str,
        routed: RoutedRequest,
        *,
        recorded: bool,
    ) -> JsonObject:
        """Store the response for retries, and return what names it."""
        headers, request_id = self._lasting_headers(routed), routed.record.request_id
        return responses.store(content_type, body, headers, request_id, recorded=recorded)

    def body(self, routed: RoutedRequest) -> JsonObject:
        body = self.protocol.answer(routed, self.call)
        return dry_run_body(body, routed) if self.call.options.dry_run else body

    def events(self, answer: Answer, on_end: Callable[[], object]) -> Generator[str]:
        writer = self.protocol.events(answer.routed, self.call)
        return live_events(answer, writer, on_end)

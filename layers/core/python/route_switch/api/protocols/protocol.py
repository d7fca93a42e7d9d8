"""What differs between the protocols of clients. Everything else about a request is shared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.live_events import EventWriter
from route_switch.domain.ports import JsonObject
from route_switch.services.inbound_request import RoutedRequest

ErrorBody = Callable[[ErrorAnswer, str], JsonObject]
"""Returns the body of an error with this request id."""


@dataclass(frozen=True, slots=True)
class ClientProtocol:
    """Translates between a client's shapes and the one request that is routed.

    - `path`: where clients post their requests. Errors on paths below it have this protocol's form.
    - `id_prefix`: how the ids of its answers begin.
    - `parse`: validates and translates a body; raises `RequestRefusedError`.
    - `answer`: the body of a whole answer; an empty one if no model was called.
    - `events`: the writer of a live answer.
    - `error`: the body of an error.
    - `headers`: the headers of every answer in addition to the router's own, for its request id.
    - `scope` keeps the idempotency keys of protocols apart.
    """

    path: str
    id_prefix: str
    parse: Callable[[bytes], ClientCall]
    answer: Callable[[RoutedRequest, ClientCall], JsonObject]
    events: Callable[[RoutedRequest, ClientCall], EventWriter]
    error: ErrorBody
    scope: str
    headers: Callable[[str], Mapping[str, str]] = lambda _: {}

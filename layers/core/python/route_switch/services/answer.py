"""The answer to one request, which may still be under way."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from route_switch.domain.decision import RoutingDecision
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.answer_query import TierAnswer
from route_switch.services.choose_tier import RequestChoice
from route_switch.services.decide_beside import PendingDecision, ShadowChoice
from route_switch.services.inbound_request import AdmittedRequest, RoutedRequest
from route_switch.services.live_prompt import ServedPrompt
from route_switch.services.request_session import RequestSession

if TYPE_CHECKING:
    from route_switch.domain.explanation import Explanation
    from route_switch.services.route_request import RouteRequest

    Explain = Callable[
        [AdmittedRequest, ServedPrompt, RoutingDecision, ShadowChoice | None], Explanation
    ]


class Answer:
    """First pass its `chunks` on to their end, or `close` it; then call `save`, once."""

    def __init__(
        self,
        service: "RouteRequest",
        admitted: AdmittedRequest,
        served: ServedPrompt,
        choice: RequestChoice,
        answer: TierAnswer | None,
        beside: PendingDecision | None,
        session: RequestSession | None,
    ) -> None:
        self._service = service
        self._admitted = admitted
        self._served = served
        self._choice = choice
        self._answer = answer
        self._beside = beside
        self._session = session
        self._routed: RoutedRequest | None = None

    @property
    def prompt(self) -> RoutingPrompt:
        return self._served.prompt

    @property
    def is_live(self) -> bool:
        """Whether the answer arrives in chunks."""
        return self._answer is not None and self._answer.live is not None

    @property
    def routed(self) -> RoutedRequest:
        """The outcome; of an answer that is under way, what is known so far."""
        live = self._answer.live if self._answer else None
        if self._routed is None or (live and not live.has_ended):
            self._routed = self._service.outcome(
                self._admitted, self._served, self._choice, self._answer, self._beside
            )
        return self._routed

    def chunks(self) -> Generator[Chunk | None]:
        """Yield what arrives of a live answer, and None now and then while nothing does."""
        live = self._answer.live if self._answer else None
        if live is not None:
            self._routed = None
            yield from live.chunks()

    def explain(self, explain: "Explain") -> None:
        """Add an explanation to a dry run's outcome, and to its record the calls that it took."""
        shadow = self._beside.take() if self._beside else None
        made = explain(self._admitted, self._served, self._choice.decision, shadow)
        record = self.routed.record
        record = replace(record, attempts=(*record.attempts, *made.attempts))
        self._routed = replace(self.routed, record=record, explanation=made)

    @property
    def error(self) -> ModelError | None:
        """Why a live answer broke off, if it did."""
        return self._answer.live.error if self._answer and self._answer.live else None

    def close(self) -> None:
        """Give up what has not arrived of a live answer."""
        live = self._answer.live if self._answer else None
        if live and not live.has_ended:
            live.close()
            self._routed = None

    def before_end(self) -> None:
        """Begin to save what the client's next request may need at once: an agent answers a tool
        call within milliseconds."""
        completion = self.routed.completion
        if self._session and completion and completion.calls_tools:
            self._session.keep(self.routed)

    def save(self) -> bool:
        """Save the record, and the session's state in parallel; return whether the record was
        saved."""
        session, routed = self._session, self.routed
        if session is None:
            return self._service.save(self._admitted, routed.record)
        recorded = self._service.save(self._admitted, routed.record, lambda: session.keep(routed))
        session.wait(self._service.time_to_record_s(self._admitted.request.deadline))
        return recorded

"""A request's session: its state is read in parallel with the router call, and written after the
answer."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from copy import copy
from dataclasses import replace
from datetime import datetime

from route_switch.domain.conversation import last_answer
from route_switch.domain.decision import Reason
from route_switch.domain.ports import SessionStore
from route_switch.domain.request_record import Attempt, RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.session_turns import (
    cache_lifetime_s,
    carries_state,
    count_answers,
    signer_of,
    state_id,
    turn_of,
)
from route_switch.domain.sessions import (
    Candidates,
    Move,
    SessionDecision,
    SessionRule,
    SessionState,
    SessionTurn,
    state_after,
    warm_history,
)
from route_switch.domain.signer import Signer, signer_after
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.continuation import Continuation
from route_switch.services.estimate_costs import assumed_output_tokens
from route_switch.services.inbound_request import AdmittedRequest, RoutedRequest
from route_switch.services.state_reading import StateReading

logger = logging.getLogger(__name__)

LATE_S = 0.05
"""How long a routed request waits for its session's state, at most. A read takes 3 ms and the call
of a router LLM hundreds, so it has usually arrived by then; a router in this process is as
quick."""

HOLD_S = 1.0
"""The same where the messages depend on a model. A read of 3 ms then spares a router call, and
without the state, the model might change."""

AGAIN_S = 0.03
"""When to look again for the state of a tool loop that is not there. A write takes milliseconds."""


class Sessions:
    def __init__(
        self,
        store: SessionStore,
        config: RouterConfig,
        pool: Executor,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pool` has threads of its own: a store that hangs must not keep a record from being
        saved."""
        self._store = store
        self._rule = SessionRule(config.models)
        self._is_on = config.sessions == "on"
        self._cache_points = config.cache_points
        self._pool = pool
        self._now = now
        self._sleep = sleep

    def of(self, admitted: AdmittedRequest) -> "RequestSession | None":
        """Return the session of an admitted request; None if it has none."""
        session_id = admitted.request.session_id
        if not self._is_on or session_id is None:
            return None

        def write(record: RequestRecord, state: SessionState) -> Future[None]:
            name = record.session_id or session_id
            return self._pool.submit(self._store.save, name, state, record.request_id)

        messages = admitted.request.messages
        reading = self._reading(session_id, state_id(session_id, last_answer(messages)))
        turn = turn_of(
            messages,
            admitted.request.params,
            admitted.needs.input_tokens,
            assumed_output_tokens(admitted.request.params),
            self._cache_points,
        )
        return RequestSession(self._rule, admitted, turn, reading, write, self._now)

    def _reading(self, session_id: str, name: str) -> StateReading:
        def first() -> Future[SessionState | None]:
            return self._pool.submit(self._store.load, name)

        def again() -> Future[SessionState | None]:
            return self._pool.submit(self._load_again, session_id, name)

        return StateReading(first, again if name != session_id else None)

    def _load_again(self, session_id: str, name: str) -> SessionState | None:
        """Load the state of a tool loop that was not there. If it stays away, the client may have
        changed the ids of its calls: take the session's."""
        self._sleep(AGAIN_S)
        return self._store.load(name) or self._store.load(session_id)


class RequestSession:
    """What the session rule decides about one request."""

    def __init__(
        self,
        rule: SessionRule,
        admitted: AdmittedRequest,
        turn: SessionTurn,
        reading: StateReading,
        write: Callable[[RequestRecord, SessionState], Future[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._rule = rule
        self._request = admitted.request
        self._candidates = Candidates(admitted.eligible.tiers, admitted.eligible.models)
        self._turn = turn
        self._reading = reading
        self._write = write
        self._writing: Future[None] | None = None
        self._now = now
        self._began_at = now().timestamp()
        self._in_shadow = False

    def read(self) -> None:
        """Start to read the state, or to look again for it. A conversation that begins has none to
        wait for."""
        if self._turn.continues:
            self._reading.start()
            self._reading.look_again()

    def in_shadow(self) -> "RequestSession":
        """Return the session as it continues what routing decided before, not what answered."""
        shadow = copy(self)
        shadow._in_shadow = True
        return shadow

    def held(self) -> SessionDecision | None:
        """Return the decision if the model must stay. Then the router need not be asked, so this
        waits for the state first, but does not look twice."""
        if not self._turn.may_need_its_model:
            return None
        state = self._seen_by_rule(self._reading.get(HOLD_S))
        return self._rule.held(self._turn, state, self._candidates)

    def moved(self, wanted: Tier) -> SessionDecision:
        """Return what happens to the session if the router asks for this tier. A model that must
        stay does so even if its state was only found during the router call."""
        read = self._reading.get_at_last(LATE_S, HOLD_S) if self._turn.continues else None
        turn, state, candidates = self._turn, self._seen_by_rule(read), self._candidates
        held = self._rule.held(turn, state, candidates)
        return held or self._rule.moved(turn, state, wanted, candidates, self._began_at)

    def continuation(self, decided: SessionDecision | None) -> Continuation:
        """Return what the conversation asks of the models. Wait for the state where it says whose
        state the messages carry."""
        first = decided.model if decided else None
        carried = self._turn.provider_state
        reading = self._reading
        state = reading.get_at_last(HOLD_S, HOLD_S) if carried else reading.get_if_started(0.0)
        history_tokens = warm_history(self._turn, state, self._began_at)
        signer = signer_of(state, self._request.messages) if carried and state else None
        last_model = state.model if state else None
        return Continuation(first, carried, signer, last_model, history_tokens)

    def keep(self, routed: RoutedRequest) -> None:
        """Start to write what the answer leaves behind, once."""
        if self._writing is not None:
            return
        state = self._after(routed)
        if state is not None:
            self._writing = self._write(routed.record, state)

    def wait(self, timeout_s: float) -> None:
        """Wait until the state is written. A failure only starts the session again."""
        if self._writing is None:
            return
        try:
            self._writing.result(timeout_s)
        except Exception as error:  # noqa: BLE001, RUF100 (the request has been answered)
            logger.warning("A session was not saved: %s", type(error).__name__)

    def _after(self, routed: RoutedRequest) -> SessionState | None:
        answered = _answering_attempt(routed.record)
        if answered is None or answered.tier is None:
            return None
        before = self._reading.get_if_started(0.0)
        began_at = self._now().timestamp() - answered.latency_ms / 1000
        completion, request = routed.completion, self._request
        reported = completion.provider_usage if completion else None
        lifetime_s = cache_lifetime_s(request.messages, request.params, reported)
        state = state_after(
            before, self._turn, answered.tier, answered.model, answered.usage, began_at, lifetime_s
        )
        state = replace(state, signer=self._signer(before, routed, answered.model))
        return _with_shadow(state, before, routed.record, self._rule.catalog)

    def _signer(
        self, before: SessionState | None, routed: RoutedRequest, model: str
    ) -> Signer | None:
        """Return whose signed reasoning the messages of the next request carry."""
        completion, messages = routed.completion, self._request.messages
        signer = before.signer if before else None
        if self._turn.provider_state:
            called = (each.model for each in routed.record.attempts if each.tier is not None)
            signer = signer_of(before, messages) if before else Signer(next(called, model))
        answers = count_answers(messages) if self._turn.provider_state else 0
        signs = completion is not None and carries_state([completion.message])
        return signer_after(signer, model, signs=signs, carried_answers=answers)

    def _seen_by_rule(self, state: SessionState | None) -> SessionState | None:
        return state.in_shadow if state and self._in_shadow else state


def _answering_attempt(record: RequestRecord) -> Attempt | None:
    """Return the call that the client got its answer from."""
    if record.status not in ("answered", "partial"):
        return None
    answers = (
        each
        for each in reversed(record.attempts)
        if each.tier is not None and each.model == record.model
    )
    return next(answers, None)


def _with_shadow(
    state: SessionState, before: SessionState | None, record: RequestRecord, catalog: ModelCatalog
) -> SessionState:
    """Return the state with what routing has chosen in shadow, or had chosen before if it has made
    no decision this time."""
    if record.reason is not Reason.SHADOW:
        return state
    kept = (before.shadow_tier, before.shadow_model) if before else (None, None)
    tier, model = record.shadow_tier, None
    if tier is None:
        tier, model = kept
    elif record.session is Move.KEPT:
        model = kept[1]
    elif tier is not None:
        model = catalog.tiers[tier].name
    return replace(state, shadow_tier=tier, shadow_model=model)

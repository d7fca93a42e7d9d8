"""Call one model within a deadline, and record what it cost."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from copy import copy
from dataclasses import replace
from math import inf
from typing import Self

from pydantic import JsonValue

from route_switch.domain.call_ids import UniqueCalls
from route_switch.domain.completion import Completion, CompletionBuilder, complete
from route_switch.domain.errors import (
    ModelError,
    ModelNotCalledError,
    ModelTimeoutError,
    StoreError,
    describe_defect,
)
from route_switch.domain.ports import Chunk, JsonObject, ModelCall, ModelClient
from route_switch.domain.pricing import cost_usd
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.attempts import Attempts, said
from route_switch.services.call_result import CallResult, PendingCall
from route_switch.services.circuits import Circuits
from route_switch.services.deadline import Clock, Deadline
from route_switch.services.live_answer import (
    ClientLeftError,
    LiveAnswer,
    OpenedCall,
    StreamLimits,
    TimeIsUpError,
)
from route_switch.services.live_call import LiveCall, await_beginning
from route_switch.services.sending import Sending

logger = logging.getLogger(__name__)

HEAD_START_S = 0.002
"""How long to wait before another call starts, so that it does not delay sending the first one: a
process runs one thread at a time."""


class ModelCaller:
    """Calls a model through the client that the provider prefix of its name selects.

    Each call runs in a thread of its provider's pool: not every provider's library keeps a total
    deadline, and waiting for a thread does. A provider that hangs takes no thread of another one.
    """

    def __init__(
        self,
        clients: Callable[[str], ModelClient],
        catalog: ModelCatalog,
        pool_of: Callable[[str], Executor],
        clock: Clock = time.perf_counter,
        circuits: Circuits | None = None,
    ) -> None:
        """Without `circuits`, every model is called, however often it has failed."""
        self._circuits = circuits or Circuits(failures=inf)
        self._clients = clients
        self._catalog = catalog
        self._attempts = Attempts(catalog)
        self._pool_of = pool_of
        self._clock = clock
        self._key_id: str | None = None

    def for_key(self, key_id: str | None) -> Self:
        """Return a caller for the requests of this key. Their results do not affect calls of other
        keys: circuits, and what a model refuses, are kept by key. None is the owner."""
        caller = copy(self)
        caller._key_id = key_id
        return caller

    def is_down(self, name: str) -> bool:
        """Whether the model's circuit is open. It may be called all the same, if nothing else is
        left."""
        return self._circuits.is_open(name, self._key_id)

    def patience_s(self, name: str, timeout_s: float, *, stream: bool = False) -> float:
        """Return how long to wait if another model can answer: less for one that was down."""
        return self._circuits.wait_s(name, timeout_s, self._key_id, stream=stream)

    def call(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        timeout_s: float,
        deadline: Deadline,
        tier: Tier | None = None,
        overtaken_by: Collection["Future[Completion]"] = (),
    ) -> CallResult:
        """Call `name` (`provider/model`) and wait; see `start` and `wait`."""
        call = self.start(name, messages, params, deadline, tier)
        return self.wait(call, timeout_s, overtaken_by)

    def start(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        deadline: Deadline,
        tier: Tier | None = None,
    ) -> PendingCall:
        """Send a call without waiting for it."""
        pool, started, sending = self._pool_of(name.partition("/")[0]), self._clock(), Sending(name)
        call = ModelCall(
            name, messages, params, deadline.remaining_s,
            before_sending=sending.begin, key_id=self._key_id,
        )  # fmt: skip
        future = pool.submit(lambda: complete(self._chunks(call)))
        future.add_done_callback(lambda done: self._close_if_answered(name, done))
        return PendingCall(name, tier, messages, started, future, sending)

    def wait(
        self,
        call: PendingCall,
        timeout_s: float,
        overtaken_by: Collection["Future[Completion]"] = (),
    ) -> CallResult:
        """Wait for a call, or until one of the earlier calls `overtaken_by` has answered; with a
        time of 0, return what is known now. Return a failure as a result instead of raising it.

        A timed-out call may run until the request's deadline: its provider charges for it anyway,
        and this way its tokens become known. One that was not sent yet is not sent any more.
        """
        name, tier, late = call.name, call.tier, None
        try:
            completion = call.future.result(_awaited_s(call.future, overtaken_by, timeout_s))
        except FutureTimeoutError:
            error = _given_up(name, call.future.cancel, call.sending, timeout_s)
            if isinstance(error, ModelTimeoutError):
                late = call.future
                if timeout_s > 0 and not any(map(_has_answered, overtaken_by)):
                    self._circuits.failed(name, error, self._key_id)
        except ModelError as caught:
            error = caught
            self._circuits.failed(name, error, self._key_id)
        else:
            took_ms = self._ms_since(call.started)
            return CallResult(self._attempts.answered(name, tier, completion, took_ms), completion)
        failure = self._failure(name, tier, error, call.messages, call.started, late)
        if timeout_s > 0:  # otherwise the call still runs and may succeed
            return _logged(failure)
        return failure

    def open(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        limits: StreamLimits,
        deadline: Deadline,
        tier: Tier | None = None,
    ) -> CallResult:
        """Call `name` for a streamed answer, and wait for its beginning.

        Return the answer as `live` once its first token has arrived. Until then, a failure is a
        failed call like any other; a call that takes too long is cancelled.
        """
        started, sending = self._clock(), Sending(name)

        def stream(is_cancelled: Callable[[], bool]) -> Iterator[Chunk]:
            call = ModelCall(
                name, messages, params, deadline.remaining_s, stream=True,
                is_cancelled=is_cancelled, before_sending=sending.begin, key_id=self._key_id,
            )  # fmt: skip
            return self._chunks(call)

        call = LiveCall(stream, self._pool_of(name.partition("/")[0]))
        builder = CompletionBuilder()
        first_s = min(limits.first_s, deadline.remaining_s)
        try:
            beginning = await_beginning(call, builder, lambda: first_s - (self._clock() - started))
        except ModelError as caught:
            self._circuits.failed(name, caught, self._key_id)
            return _logged(self._failure(name, tier, caught, messages, started))
        may_think = limits.is_last and call.has_begun and deadline.remaining_s > 0
        if not beginning.has_begun and not may_think:
            error = _given_up(name, lambda: not call.cancel(), sending, first_s)
            if isinstance(error, ModelTimeoutError):
                self._circuits.failed(name, error, self._key_id)
            return _logged(self._failure(name, tier, error, messages, started))
        if beginning.has_begun:
            self._circuits.responded(name)
        live = LiveAnswer(
            OpenedCall(name, tier, messages, sending),
            call,
            builder,
            beginning,
            remaining_s=lambda: deadline.remaining_s,
            elapsed_ms=lambda: self._ms_since(started),
            stall_s=limits.stall_s,
            ended=lambda error: self._stream_ended(name, error),
        )
        took_ms, notes = self._ms_since(started), builder.adjusted
        provisional = Attempt(name, tier, "answered", took_ms, adjusted=notes)
        return CallResult(provisional, live=live)

    def with_whole_answer(self, result: CallResult) -> CallResult:
        """Return the result of a streamed call, updated after its answer has ended."""
        live = result.live
        if live is None:
            return result
        attempt = live.attempt(self._attempts)
        whole = replace(result, attempt=attempt, completion=live.completion, error=live.error)
        if live.error is None or isinstance(live.error, ClientLeftError):
            return whole
        return _logged(whole)

    def with_late_answer(self, result: CallResult) -> CallResult:
        """Return the result, updated with the actual usage and answer if they arrived late."""
        late = result.late
        if late is None or not late.done() or late.exception() is not None:
            return result
        completion = late.result()
        attempt = replace(result.attempt, adjusted=completion.adjusted)
        if completion.usage is not None:
            cost = cost_usd(completion.usage, self._catalog.price(attempt.model))
            attempt = replace(attempt, usage=completion.usage, cost_usd=cost, estimated=False)
        return replace(result, attempt=attempt, completion=completion, late=None)

    def _stream_ended(self, name: str, error: ModelError | None) -> None:
        """Tell the circuits how a stream ended. A client that leaves, or an answer that takes
        longer than the request's time, says nothing about the model."""
        if error is None:
            self._circuits.succeeded(name)
        elif not isinstance(error, ClientLeftError | TimeIsUpError):
            self._circuits.failed(name, error, self._key_id)

    def _close_if_answered(self, name: str, done: "Future[Completion]") -> None:
        """Close the circuit on an answer, even if no request waits for it any more."""
        if not done.cancelled() and done.exception() is None:
            self._circuits.succeeded(name)

    def _chunks(self, call: ModelCall) -> Iterator[Chunk]:
        """`call` has the model's whole name."""
        name = call.model
        provider, _, model = name.partition("/")
        unique = UniqueCalls(call.messages)
        try:
            chunks = self._clients(provider).stream(replace(call, model=model))
            yield from map(unique.of, chunks)
        except ModelError:
            raise
        except Exception as error:
            # A defect or a missing library in one client fails the model, not the request.
            logger.error("The client for %s failed: %s", name, describe_defect(error))
            failed = f"{name} cannot be called: {type(error).__name__}"
            if isinstance(error, StoreError):
                raise ModelNotCalledError(failed, store_error=error) from error
            raise ModelError(failed) from error

    def _failure(
        self,
        name: str,
        tier: Tier | None,
        error: ModelError,
        messages: tuple[JsonObject, ...],
        started: float,
        late: "Future[Completion] | None" = None,
    ) -> CallResult:
        attempt = self._attempts.failed(name, tier, error, messages, self._ms_since(started))
        return CallResult(attempt, None, error, late)

    def _ms_since(self, started: float) -> float:
        return (self._clock() - started) * 1000


def _logged(failure: CallResult) -> CallResult:
    """Log why a call failed, without words of the request or the provider. Return it."""
    host = failure.error.host if failure.error else None
    at = f" at {host}" if host else ""
    logger.warning("The call of %s%s %s", failure.attempt.model, at, said(failure.attempt))
    return failure


def _given_up(
    name: str, dequeue: Callable[[], bool], sending: Sending, seconds: float
) -> ModelError:
    """Give up a call that has no answer, and return why it has none. `dequeue` returns whether it
    still waited for a thread."""
    if dequeue():
        return ModelNotCalledError(f"{name} was not called: all worker threads are busy")
    if sending.give_up():
        return sending.not_sent()
    return ModelTimeoutError(f"{name} took longer than {seconds:.1f} s")


def _has_answered(call: "Future[Completion]") -> bool:
    return call.done() and not call.cancelled() and call.exception() is None


def _awaited_s(
    future: "Future[Completion]", others: Collection["Future[Completion]"], timeout_s: float
) -> float:
    """Return how long to wait for `future`. If there are others, wait here, until one of them has
    an answer."""
    if not others:
        return timeout_s
    ends_at = time.monotonic() + timeout_s
    waiting = {future, *others}
    while future in waiting and (left_s := ends_at - time.monotonic()) > 0:
        done, waiting = wait(waiting, left_s, FIRST_COMPLETED)
        if any(map(_has_answered, done)):
            break
    return 0.0

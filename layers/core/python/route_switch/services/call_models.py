"""Call one model within a deadline, and record what it cost."""

import logging
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace

from pydantic import JsonValue

from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    describe_defect,
)
from route_switch.domain.ports import JsonObject, ModelCall, ModelClient
from route_switch.domain.pricing import cost_usd
from route_switch.domain.query import text_of
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage

logger = logging.getLogger(__name__)

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Clock = Callable[[], float]
"""Returns seconds from a monotonic clock."""


class Deadline:
    """The time limit of a whole request."""

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self.started = clock()
        self._end = self.started + seconds

    @property
    def remaining_s(self) -> float:
        return max(self._end - self._clock(), 0.0)

    @property
    def elapsed_ms(self) -> float:
        return (self._clock() - self.started) * 1000


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call: its completion or its error, and the attempt to record.

    `late` is the call that kept running after it timed out.
    """

    attempt: Attempt
    completion: Completion | None = None
    error: ModelError | None = None
    late: "Future[Completion] | None" = None


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that was sent. `started` is a time of the caller's clock."""

    name: str
    tier: Tier | None
    messages: tuple[JsonObject, ...]
    started: float
    future: "Future[Completion]"


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
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self._pool_of = pool_of
        self._clock = clock

    def call(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        timeout_s: float,
        deadline: Deadline,
        tier: Tier | None = None,
    ) -> CallResult:
        """Call `name` (`provider/model`) and wait for `timeout_s`. Return a failure as a result
        instead of raising it. A timed-out call may run until the request's deadline: its provider
        charges for it anyway, and this way its tokens become known."""
        return self.wait(self.start(name, messages, params, deadline, tier), timeout_s)

    def start(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        deadline: Deadline,
        tier: Tier | None = None,
    ) -> PendingCall:
        """Send a call without waiting for it."""
        pool, started = self._pool_of(name.partition("/")[0]), self._clock()
        future = pool.submit(self._complete, name, messages, params, deadline.remaining_s)
        return PendingCall(name, tier, messages, started, future)

    def wait(self, call: PendingCall, timeout_s: float) -> CallResult:
        """Wait for a call; with a time of 0, return what is known now."""
        error: ModelError
        late = None
        try:
            completion = call.future.result(timeout_s)
        except FutureTimeoutError:
            if call.future.cancel():
                error = ModelError(f"{call.name} was not called: all worker threads are busy")
            else:
                error = ModelTimeoutError(f"{call.name} took longer than {timeout_s:.1f} s")
                late = call.future
        except ModelError as caught:
            error = caught
        else:
            return CallResult(self._answered_attempt(call, completion), completion)
        attempt = self._failed_attempt(call, error)
        if timeout_s > 0:  # otherwise nobody waits for this call, which may well succeed
            at = f" at {error.host}" if error.host else ""
            logger.warning("The call of %s%s %s", call.name, at, _said(attempt))
        return CallResult(attempt, None, error, late)

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

    def _complete(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        timeout_s: float,
    ) -> Completion:
        provider, _, model = name.partition("/")
        try:
            client = self._clients(provider)
            return complete(client.stream(ModelCall(model, messages, params, timeout_s)))
        except ModelError:
            raise
        except Exception as error:
            # A defect or a missing library in one client fails the model, not the request.
            logger.error("The client for %s failed: %s", name, describe_defect(error))
            raise ModelError(f"{name} cannot be called: {type(error).__name__}") from error

    def _answered_attempt(self, call: PendingCall, completion: Completion) -> Attempt:
        cost = cost_usd(completion.usage, self._catalog.price(call.name))
        return Attempt(
            call.name,
            call.tier,
            "answered",
            self._ms_since(call.started),
            completion.usage,
            cost,
            adjusted=completion.adjusted,
        )

    def _failed_attempt(self, call: PendingCall, error: ModelError) -> Attempt:
        name, tier, elapsed = call.name, call.tier, self._ms_since(call.started)
        if not isinstance(error, ModelTimeoutError):
            # Providers charge for what they report to have used, whatever became of the answer.
            cost = 0.0 if error.usage is None else cost_usd(error.usage, self._catalog.price(name))
            return Attempt(
                name,
                tier,
                "failed",
                elapsed,
                error.usage,
                cost,
                error=_reason(error),
                adjusted=error.adjusted,
            )
        usage = Usage(sum(estimate_tokens(text_of(m)) for m in call.messages), 0)
        cost = cost_usd(usage, self._catalog.price(name))
        return Attempt(
            name, tier, "timed_out", elapsed, usage, cost, True, "timeout", error.adjusted
        )

    def _ms_since(self, started: float) -> float:
        return (self._clock() - started) * 1000


def _said(attempt: Attempt) -> str:
    if attempt.status == "timed_out":
        return f"ran out of time after {attempt.latency_ms:.0f} ms."
    return f"failed: {attempt.error}."


def _reason(error: ModelError) -> str:
    """Return what a record may hold: a provider's own words may quote the request."""
    code = f" ({error.code})" if error.code and _CODE.fullmatch(error.code) else ""
    if error.status:
        return f"status {error.status}{code}"
    if isinstance(error, InvalidModelRequestError):
        return "refused"
    return f"failed{code}" if error.code or error.usage or error.quotes_provider else str(error)

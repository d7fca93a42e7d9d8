"""Calls one model within a deadline, and keeps account of what it cost."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace

from pydantic import JsonValue

from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import JsonObject, ModelCall, ModelClient
from route_switch.domain.pricing import Usage, cost_usd
from route_switch.domain.query import text_of
from route_switch.domain.record import Attempt
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.tokens import estimate_tokens

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds of a clock that never goes back."""


class Deadline:
    """The time that a whole request has."""

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

    `late` is the call that went on after its time was up.
    """

    attempt: Attempt
    completion: Completion | None = None
    error: ModelError | None = None
    late: "Future[Completion] | None" = None


class ModelCaller:
    """Finds a model's client by the provider prefix of its name and calls it.

    Each call runs in a thread of `pool`: no provider's library keeps a total deadline by itself,
    and waiting for a thread does.
    """

    def __init__(
        self,
        clients: Callable[[str], ModelClient],
        catalog: ModelCatalog,
        pool: Executor,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self._pool = pool
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
        """Calls `name` (`provider/model`) and waits for `timeout_s`; a failure is a result, not an
        exception. A call that is late may go on until the request's deadline: its provider
        charges for it anyway, and so its tokens become known."""
        started = self._clock()
        client, call = self._prepare(name, messages, params, deadline.remaining_s)
        future = self._pool.submit(_run, client, call)
        try:
            completion = future.result(timeout_s)
        except FutureTimeoutError:
            error: ModelError = ModelTimeoutError(f"{name} did not answer in {timeout_s:.1f} s")
            late = None if future.cancel() else future
        except ModelError as caught:
            error, late = caught, None
        else:
            return CallResult(self._answered(name, tier, completion.usage, started), completion)
        return CallResult(self._failed(name, tier, error, started, messages), None, error, late)

    def settle(self, result: CallResult) -> Attempt:
        """The attempt to record: with its real usage if a late answer has arrived meanwhile."""
        late = result.late
        if late is None or not late.done() or late.exception() is not None:
            return result.attempt
        usage = late.result().usage
        if usage is None:
            return result.attempt
        cost = cost_usd(usage, self._catalog.price(result.attempt.model))
        return replace(result.attempt, usage=usage, cost_usd=cost, estimated=False)

    def _prepare(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        timeout_s: float,
    ) -> tuple[ModelClient, ModelCall]:
        provider, _, model = name.partition("/")
        return self._clients(provider), ModelCall(model, messages, params, timeout_s)

    def _answered(
        self, name: str, tier: Tier | None, usage: Usage | None, started: float
    ) -> Attempt:
        cost = cost_usd(usage, self._catalog.price(name))
        return Attempt(name, tier, "answered", self._ms_since(started), usage, cost)

    def _failed(
        self,
        name: str,
        tier: Tier | None,
        error: ModelError,
        started: float,
        messages: tuple[JsonObject, ...],
    ) -> Attempt:
        elapsed = self._ms_since(started)
        if not isinstance(error, ModelTimeoutError):
            status = f"status {error.status}" if error.status else "no answer"
            return Attempt(name, tier, "failed", elapsed, None, 0.0, error=status)
        usage = Usage(sum(estimate_tokens(text_of(m)) for m in messages), 0)
        cost = cost_usd(usage, self._catalog.price(name))
        return Attempt(name, tier, "timed_out", elapsed, usage, cost, True, "timeout")

    def _ms_since(self, started: float) -> float:
        return (self._clock() - started) * 1000


def _run(client: ModelClient, call: ModelCall) -> Completion:
    try:
        return complete(client.stream(call))
    except ModelError:
        raise
    except Exception as error:
        # A defect or a missing library of one client is a failing model, not a failing request.
        logger.exception("The client of %s broke", call.model)
        raise ModelError(f"{call.model} cannot be called: {type(error).__name__}") from error

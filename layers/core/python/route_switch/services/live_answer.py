"""An answer that has begun: its chunks as they arrive, and its result at the end."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from math import inf

from route_switch.domain.completion import Completion, CompletionBuilder
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import Tier
from route_switch.services.attempts import Attempts
from route_switch.services.live_call import Beginning, LiveCall, says_something
from route_switch.services.sending import Sending

QUIET_S = 10.0
"""A pause after which the reader is told that the answer goes on."""
CLIENT_LEFT = "the client left"
TIME_IS_UP = "the request's time is up"


class ClientLeftError(ModelError):
    """The client does not want the rest of the answer."""


class TimeIsUpError(ModelTimeoutError):
    """The request's time was up while the model was still writing."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long a streamed call may be silent: until its first token, and after it.

    The last model that may answer `is_last`: an answer that has not begun after `first_s` counts as
    live, because nothing else can be tried, and its reader is told that it goes on.
    """

    first_s: float
    stall_s: float
    is_last: bool


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """What was asked of which model."""

    model: str
    tier: Tier | None
    messages: tuple[JsonObject, ...]
    sending: Sending


class LiveAnswer:
    """Iterate over `chunks` to its end or close it; then `attempt`, `completion` and `error` hold.

    `remaining_s` returns the time left for the whole answer, `elapsed_ms` the time since the call
    began. A provider that has begun and then sends nothing for `stall_s` has failed. `ended` is
    called once, with why the answer broke off, or None if it is whole.
    """

    def __init__(
        self,
        opened: OpenedCall,
        call: LiveCall,
        builder: CompletionBuilder,
        beginning: Beginning,
        *,
        remaining_s: Callable[[], float],
        elapsed_ms: Callable[[], float],
        stall_s: float,
        ended: Callable[[ModelError | None], None] = lambda _: None,
    ) -> None:
        self._opened = opened
        self._call = call
        self._builder = builder
        self._held = beginning.held
        self._remaining_s = remaining_s
        self._elapsed_ms = elapsed_ms
        self._stall_s = stall_s
        self._tell_ended = ended
        self._ended = beginning.ended
        self._first_token_ms = elapsed_ms() if beginning.has_begun else None
        self._latency_ms = elapsed_ms()
        self.error: ModelError | None = None
        """Why the answer broke off, if it did."""
        self.has_ended = False
        """Whether nothing follows: the answer is whole, broke off, or is not wanted any more."""

    def chunks(self) -> Generator[Chunk | None]:
        """Yield the chunks as they arrive, and None every `QUIET_S` while nothing arrives.

        An answer that breaks off ends the iteration; see `error`. Closing the iteration cancels the
        provider's call.
        """
        try:
            yield from self._held
            while not self._ended:
                yield from self._next()
        except ModelError as error:
            self.error = error
        except GeneratorExit:
            self.error = ClientLeftError(CLIENT_LEFT)
            raise
        finally:
            self._end()

    def close(self) -> None:
        """Give up the rest of the answer, as if the client had left."""
        self.error = ClientLeftError(CLIENT_LEFT)
        self._end()

    def _end(self) -> None:
        self._call.cancel()
        self._latency_ms = self._elapsed_ms()
        if not self.has_ended:
            self.has_ended = True
            self._tell_ended(self.error)

    def _next(self) -> Iterator[Chunk | None]:
        """Yield the next chunk, or None for each quiet period before it."""
        waited_s = 0.0
        while True:
            stall_s = inf if self._first_token_ms is None else self._stall_s
            limit_s = min(QUIET_S, stall_s - waited_s, self._remaining_s())
            try:
                chunk = self._call.next(limit_s)
            except TimeoutError:
                waited_s += limit_s
                if waited_s >= stall_s or self._remaining_s() <= 0:
                    self._give_up(has_stalled=waited_s >= stall_s)
                    return
                yield None
                continue
            if chunk is None:
                self._builder.build()  # raises if there is no answer
                self._ended = True
            else:
                chunk = self._builder.add(chunk)
                if self._first_token_ms is None and says_something(chunk):
                    self._first_token_ms = self._elapsed_ms()
                yield chunk
            return

    def _give_up(self, *, has_stalled: bool) -> None:
        """Raise `ModelTimeoutError`, unless only the usage is missing or the call was not sent."""
        if self._builder.has_ended:
            self._ended = True
        elif has_stalled:
            name, stall_s = self._opened.model, self._stall_s
            raise ModelTimeoutError(f"{name} sent nothing for {stall_s:.0f} s")
        elif self._first_token_ms is not None:
            raise TimeIsUpError(TIME_IS_UP)
        elif self._opened.sending.give_up():
            raise self._opened.sending.not_sent()
        else:
            raise ModelTimeoutError(TIME_IS_UP)

    @property
    def completion(self) -> Completion | None:
        """The answer, or what there is of it; None if it never began."""
        return self._builder.build() if self._builder.has_choices else None

    def attempt(self, attempts: Attempts) -> Attempt:
        """Return the attempt to record."""
        opened, completion = self._opened, self.completion
        name, tier, latency_ms = opened.model, opened.tier, self._latency_ms
        if completion is None:
            error = self.error or ModelError(f"{name} answered nothing")
            return attempts.failed(name, tier, error, opened.messages, latency_ms)
        if self.error is None:
            made = attempts.answered(name, tier, completion, latency_ms)
        else:
            made = attempts.partial(name, tier, completion, self.error, opened.messages, latency_ms)
        return replace(made, first_token_ms=self._first_token_ms)

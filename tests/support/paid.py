"""Models and time for `MeteredCalls`: no network, and no real sleeping."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.domain.learning.learning_ports import AnswerMemo
from route_switch.domain.ports import Chunk, ModelCall, ModelClient
from route_switch.domain.pricing import Price
from route_switch.domain.usage import Usage
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.spending_caps import LocalCap

MILLION = 1_000_000
PRICE = Price(input_usd_per_million=1, output_usd_per_million=2)


@dataclass
class FakeTime:
    """A clock that only sleeping advances. `remaining_s` is the time until the run's `end`."""

    now: float = 0.0
    end: float = float("inf")
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()

    def remaining_s(self) -> float:
        return self.end - self.now

    def pace(self, calls_per_minute: float | None = None) -> Pace:
        return Pace(calls_per_minute, self.remaining_s, self.clock, self.sleep)


@dataclass
class FakeModel:
    """Replies with what `script` returns for a call: a text (with usage 10 + 20), a chunk, or an
    error."""

    script: Callable[[ModelCall], str | Chunk | BaseException] = lambda _: "Hi."
    asked: list[ModelCall] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        with self.lock:
            self.asked.append(call)
        answer = self.script(call)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Chunk):
            yield answer
        else:
            yield Chunk({"content": answer}, usage=Usage(10, 20))


def metered(
    model: ModelClient,
    memo: AnswerMemo | None = None,
    cap_usd: float = 100.0,
    time: FakeTime | None = None,
    price: Price | None = PRICE,
    most_answer_usd: float = float("inf"),
) -> MeteredCalls:
    return MeteredCalls(
        lambda _: model,
        lambda _: price,
        MemoryMemo() if memo is None else memo,
        LocalCap(cap_usd),
        (time or FakeTime()).pace(),
        most_answer_usd=most_answer_usd,
    )

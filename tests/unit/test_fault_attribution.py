"""A request that can never be answered does not block a run, and an outage is not mistaken for
one."""

from itertools import count

import pytest

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ProviderDownError,
)
from route_switch.domain.ports import ModelCall
from route_switch.services.learning.fault_attribution import (
    MAX_FAILURES,
    MAX_TIMEOUTS,
    FaultAttribution,
)
from route_switch.services.learning.metered_calls import CALL_TIMEOUT_S, MeteredCalls
from route_switch.services.learning.paid_calls import Purpose, Reply
from tests.support.paid import FakeModel, FakeTime, metered


def ask(calls: MeteredCalls, text: str, purpose: Purpose = Purpose.ANSWER) -> Reply:
    return calls("fake/model", ({"role": "user", "content": text},), {"max_tokens": 9}, purpose)


class World:
    """One request fails with `error`. Between its tries, other calls succeed or fail."""

    def __init__(self, error: ModelError, answered: int = 0, failed: int = 0) -> None:
        self.time = FakeTime(on_sleep=self.ask_others)
        self._error = error
        self._answered = answered
        self._failed = failed
        self._numbers = count()
        self.calls = metered(FakeModel(self.script), time=self.time)

    def script(self, call: ModelCall) -> str | ModelError:
        if "poison" not in str(call.messages):
            return "Hi."
        if isinstance(self._error, ModelTimeoutError):
            self.time.now += CALL_TIMEOUT_S
            self.ask_others()
        return self._error

    def ask_others(self) -> None:
        for _ in range(self._answered):
            ask(self.calls, f"other {next(self._numbers)}")
        for _ in range(self._failed):
            with self.calls._faults.tracking("fake/model") as other:
                self.calls._faults.is_request_at_fault(other, ModelError("down"), Purpose.ROUTER)


BROKEN = ModelError("boom", status=500)


def test_a_request_that_fails_while_others_succeed_counts_as_refused() -> None:
    world = World(BROKEN, answered=2)
    for _ in range(2):
        with pytest.raises(InvalidModelRequestError, match="boom"):
            ask(world.calls, "poison")
        assert len(world.time.slept) == MAX_FAILURES - 1


def test_a_request_is_skipped_after_two_timeouts() -> None:
    world = World(ModelTimeoutError("slow"), answered=5)
    with pytest.raises(InvalidModelRequestError, match="slow"):
        ask(world.calls, "poison")
    assert len(world.time.slept) == MAX_TIMEOUTS - 1


@pytest.mark.parametrize(
    ("world", "purpose"),
    [
        (World(BROKEN), Purpose.ANSWER),
        (World(BROKEN, answered=5, failed=2), Purpose.ANSWER),
        (World(ModelError("slow down", status=429), answered=0), Purpose.ANSWER),
        (World(BROKEN), Purpose.ROUTER),
    ],
    ids=["nobody is answered", "a third fails", "overloaded", "the router's call"],
)
def test_a_failing_provider_is_waited_for(world: World, purpose: Purpose) -> None:
    with pytest.raises(ProviderDownError, match="Nothing is lost"):
        ask(world.calls, "poison", purpose)


def test_a_run_may_skip_its_last_request_but_not_all_later_ones() -> None:
    """There are no other calls to compare with. Earlier answers to others count as evidence,
    once."""
    world = World(BROKEN)
    ask(world.calls, "hello")
    with pytest.raises(InvalidModelRequestError):
        ask(world.calls, "poison")
    with pytest.raises(ProviderDownError):
        ask(world.calls, "poison again")


def test_router_calls_are_never_skipped() -> None:
    faults = FaultAttribution(answered_before=True)
    with faults.tracking("m") as request:
        assert not any(
            faults.is_request_at_fault(request, BROKEN, Purpose.ROUTER)
            for _ in range(3 * MAX_FAILURES)
        )


def test_a_slow_provider_gets_a_second_try() -> None:
    world = World(ModelTimeoutError("slow"))
    with pytest.raises(ProviderDownError):
        for number in count():
            ask(world.calls, f"poison {number}", Purpose.ROUTER)
    assert world.time.now >= 2 * CALL_TIMEOUT_S

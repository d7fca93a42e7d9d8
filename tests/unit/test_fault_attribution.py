"""A request that nobody can answer holds up no run, and an outage is taken for no such request."""

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
    """One request fails as `error` says; between its tries, others are answered and others fail."""

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


def test_a_request_that_fails_while_others_are_answered_is_refused_for_good() -> None:
    world = World(BROKEN, answered=2)
    for _ in range(2):
        with pytest.raises(InvalidModelRequestError, match="boom"):
            ask(world.calls, "poison")
        assert len(world.time.slept) == MAX_FAILURES - 1


def test_an_answer_that_never_ends_is_let_go_after_two_timeouts() -> None:
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
def test_a_provider_that_fails_is_waited_for(world: World, purpose: Purpose) -> None:
    with pytest.raises(ProviderDownError, match="Nothing is lost"):
        ask(world.calls, "poison", purpose)


def test_the_last_request_of_a_run_may_be_to_blame_but_not_all_that_follow() -> None:
    """Nobody else is there to ask; that others were answered before has to do, once."""
    world = World(BROKEN)
    ask(world.calls, "hello")
    with pytest.raises(InvalidModelRequestError):
        ask(world.calls, "poison")
    with pytest.raises(ProviderDownError):
        ask(world.calls, "poison again")


def test_a_router_is_never_said_to_have_refused_what_it_could_not_answer() -> None:
    blame = FaultAttribution(answered_before=True)
    with blame.tracking("m") as watched:
        assert not any(
            blame.is_request_at_fault(watched, BROKEN, Purpose.ROUTER)
            for _ in range(3 * MAX_FAILURES)
        )


def test_a_second_try_is_made_before_a_slow_provider_is_given_up() -> None:
    world = World(ModelTimeoutError("slow"))
    with pytest.raises(ProviderDownError):
        for number in count():
            ask(world.calls, f"poison {number}", Purpose.ROUTER)
    assert world.time.now >= 2 * CALL_TIMEOUT_S

"""Paid calls: each made once, within the cap, through outages."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    DeadlineReachedError,
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ProviderDownError,
    ProviderUnusableError,
    RunStoppedError,
    StoreError,
)
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.pricing import cost_usd
from route_switch.domain.usage import Usage
from route_switch.services.learning.input_tokens import BYTES_PER_MESSAGE
from route_switch.services.learning.metered_calls import (
    CALL_TIMEOUT_S,
    MAX_OUTPUT_TOKENS,
    MAX_PAUSE_S,
    MeteredCalls,
)
from route_switch.services.learning.pace import PATIENCE_S
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch.services.learning.spending_caps import LocalCap
from route_switch.services.learning.spending_log import STARTED_SUFFIX
from tests.support.paid import PRICE, FakeModel, FakeTime, metered

PAID = cost_usd(Usage(10, 20), PRICE)
LIMIT = 100


def message(text: str) -> tuple[JsonObject, ...]:
    return ({"role": "user", "content": text},)


def ask(calls: MeteredCalls, text: str = "hello", **rest: int | None) -> Reply:
    rollout = rest.pop("rollout", None)
    params: JsonObject = {"max_tokens": LIMIT, **rest}
    return calls("fake/model", message(text), params, Purpose.ANSWER, rollout)


def most_usd(text: str = "hello", limit: int = LIMIT) -> float:
    """A text has at most one token per byte."""
    sent = json.dumps([*message(text), None], ensure_ascii=False).encode()
    most = cost_usd(Usage(len(sent) + BYTES_PER_MESSAGE, limit), PRICE)
    assert most is not None
    return most


def failing(times: int, error: ModelError) -> FakeModel:
    """Fail this many times, then answer."""
    model = FakeModel()
    model.script = lambda _: error if len(model.asked) <= times else "Hi."
    return model


def test_an_answer_comes_with_what_it_cost() -> None:
    reply = ask(metered(FakeModel()))
    assert (reply.text, reply.usage, reply.cost_usd) == ("Hi.", Usage(10, 20), PAID)


def test_the_same_call_is_paid_once() -> None:
    model = FakeModel()
    calls = metered(model)
    assert ask(calls) == ask(calls)
    assert len(model.asked) == 1
    assert (calls.calls["answer"], calls.spent_usd) == (1, PAID)


def test_the_same_call_from_16_threads_at_once_is_paid_once() -> None:
    together = threading.Barrier(16)
    begun = threading.Event()
    model = FakeModel(lambda _: "Hi." if begun.wait(60) else TimeoutError())
    calls = metered(model)

    def one(number: int) -> Reply:
        together.wait(60)
        if number == 0:
            begun.set()
        return ask(calls)

    with ThreadPoolExecutor(16) as pool:
        replies = set(pool.map(one, range(16)))
    assert len(replies) == len(model.asked) == 1
    assert calls.spent_usd == PAID


def test_an_error_reaches_every_thread_that_waits_for_the_call() -> None:
    waiting = threading.Semaphore(0)

    def script(_: ModelCall) -> BaseException:
        waiting.acquire(timeout=60)
        return ModelError("wrong key", status=401)

    calls = metered(FakeModel(script))
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(ask, calls) for _ in range(8)]
        waiting.release(8)
        errors = [type(future.exception(60)) for future in futures]
    assert errors == [ProviderUnusableError] * 8


@pytest.mark.parametrize(
    "change",
    [{"rollout": 2}, {"temperature": 1}, {"max_tokens": 99}],
    ids=["rollout", "temperature", "limit"],
)
def test_another_rollout_or_parameter_is_another_call(change: dict[str, int]) -> None:
    model = FakeModel()
    calls = metered(model)
    other = {"rollout": 1, **change}
    ask(calls, "hello", rollout=1)
    ask(calls, "hello", **other)
    assert len(model.asked) == 2
    ask(calls, "hello", **other)
    assert len(model.asked) == 2


def test_the_rollout_is_not_sent() -> None:
    model = FakeModel()
    ask(metered(model), rollout=3)
    assert model.asked[0].params == {"max_tokens": LIMIT}


def test_a_later_process_knows_every_answer_and_its_cost() -> None:
    memo, model = MemoryMemo(), FakeModel()
    reply = ask(metered(model, memo))
    again = metered(model, memo)
    assert (again.calls["answer"], again.spent_usd) == (1, PAID)
    assert ask(again) == reply
    assert len(model.asked) == 1


def test_a_refusal_is_remembered_and_free() -> None:
    memo = MemoryMemo()
    model = FakeModel(lambda _: InvalidModelRequestError("too long", status=400))
    for calls in (metered(model, memo), metered(model, memo)):
        with pytest.raises(InvalidModelRequestError, match="too long"):
            ask(calls)
        assert calls.spent_usd == 0
    assert len(model.asked) == 1


def test_a_call_without_a_limit_gets_one() -> None:
    model = FakeModel()
    calls = metered(model)
    for params in ({}, {"max_tokens": None}, {"max_completion_tokens": 7}):
        calls("fake/model", message(str(params)), params, Purpose.JUDGE)
    assert [dict(call.params) for call in model.asked] == [
        {"max_tokens": MAX_OUTPUT_TOKENS},
        {"max_tokens": MAX_OUTPUT_TOKENS},
        {"max_completion_tokens": 7},
    ]


def test_a_call_that_could_break_the_cap_is_not_made() -> None:
    model = FakeModel()
    with pytest.raises(BudgetReachedError, match="next call may cost up to"):
        ask(metered(model, cap_usd=most_usd() * 0.999))
    assert not model.asked
    assert ask(metered(model, cap_usd=most_usd())).text == "Hi."


def test_the_maximum_cost_includes_alternatives_and_tools() -> None:
    model = FakeModel()
    with pytest.raises(BudgetReachedError):
        ask(metered(model, cap_usd=most_usd(limit=2 * LIMIT)), n=3)
    tools: JsonValue = [{"type": "function", "function": {"name": "x" * 1000}}]
    calls = metered(model, cap_usd=most_usd() + 900 / 1e6)
    with pytest.raises(BudgetReachedError):
        calls("fake/model", message("hello"), {"max_tokens": LIMIT, "tools": tools}, Purpose.ANSWER)
    assert not model.asked


@given(
    cap=st.floats(0, 0.02),
    usages=st.lists(st.tuples(st.integers(1, 20), st.integers(1, LIMIT)), min_size=40, max_size=40),
)
def test_the_cap_holds_under_32_threads(cap: float, usages: list[tuple[int, int]]) -> None:
    """Each answer uses at most what the call's limits allow, as with real providers."""
    local = LocalCap(cap)
    highest = [0.0]

    def script(call: ModelCall) -> Chunk:
        highest[0] = max(highest[0], local._taken_usd)
        return Chunk({"content": "x"}, usage=Usage(*usages[int(str(call.messages[0]["content"]))]))

    calls = MeteredCalls(
        lambda _: FakeModel(script), lambda _: PRICE, MemoryMemo(), local, FakeTime().pace()
    )

    def one(number: int) -> bool:
        try:
            ask(calls, str(number))
        except BudgetReachedError:
            return False
        return True

    with ThreadPoolExecutor(32) as pool:
        paid = list(pool.map(one, range(len(usages))))
    owed = [cost_usd(Usage(*usage), PRICE) or 0 for usage in usages]
    assert calls.spent_usd == pytest.approx(sum(c for c, p in zip(owed, paid, strict=True) if p))
    assert max(calls.spent_usd, highest[0]) <= cap + 1e-12
    assert local._taken_usd == pytest.approx(calls.spent_usd), "nothing stays reserved"
    if not all(paid):
        assert cap - calls.spent_usd < 32 * most_usd("39"), "it stops no earlier than necessary"


def test_a_timeout_is_charged_at_its_maximum_and_remembered() -> None:
    memo = MemoryMemo()
    calls = metered(failing(2, ModelTimeoutError("late")), memo)
    assert ask(calls).text == "Hi."
    assert calls.spent_usd == pytest.approx(2 * most_usd() + (PAID or 0))
    assert calls.calls["answer"] == 3
    assert metered(FakeModel(), memo).spent_usd == pytest.approx(calls.spent_usd)


def test_a_timeout_counts_toward_the_cap() -> None:
    model = failing(9, ModelTimeoutError("late"))
    with pytest.raises(BudgetReachedError):
        ask(metered(model, cap_usd=2.5 * most_usd()))
    assert len(model.asked) == 2


def test_any_other_failure_costs_nothing() -> None:
    calls = metered(failing(3, ModelError("overloaded", status=529)))
    ask(calls)
    assert calls.spent_usd == PAID


def test_unreported_tokens_are_estimated() -> None:
    calls = metered(FakeModel(lambda _: Chunk({"content": "x" * 40})))
    assert ask(calls, "y" * 20).usage == Usage(5, 10)
    assert calls.spent_usd == cost_usd(Usage(5, 10), PRICE)


def test_an_answer_that_ends_in_half_a_surrogate_pair_can_be_counted_and_sent_on() -> None:
    calls = metered(FakeModel(lambda _: Chunk({"content": "Fine \ud83d"})))
    text = ask(calls).text
    assert text == "Fine \ufffd"
    assert ask(calls, text).text == text


def test_a_model_without_a_price_is_not_called() -> None:
    model = FakeModel()
    with pytest.raises(ConfigurationError, match="--price fake/model="):
        ask(metered(model, price=None))
    assert not model.asked


def test_after_a_rate_limit_all_threads_pause_longer_each_time() -> None:
    time = FakeTime()
    ask(metered(failing(4, ModelError("slow down", status=429)), time=time))
    assert time.slept == [0.5, 1, 2, 4]


def test_the_run_stops_when_its_patience_ends_and_can_be_resumed() -> None:
    memo, time = MemoryMemo(), FakeTime()
    model = FakeModel(lambda _: ModelError("unavailable", status=503))
    with pytest.raises(ProviderDownError, match="Nothing is lost"):
        ask(metered(model, memo, time=time))
    assert PATIENCE_S <= time.now <= PATIENCE_S + MAX_PAUSE_S
    assert max(time.slept) == MAX_PAUSE_S
    assert ask(metered(FakeModel(), memo)).text == "Hi."


def test_waiting_for_a_turn_uses_no_patience() -> None:
    time = FakeTime()
    pace = time.pace()
    model = failing(1, ModelError("slow down", status=429))
    calls = MeteredCalls(lambda _: model, lambda _: PRICE, MemoryMemo(), LocalCap(1.0), pace)
    pace.hold_back(PATIENCE_S * 2)
    assert ask(calls).text == "Hi."


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_permanent_failure_stops_the_run_at_once(status: int) -> None:
    time = FakeTime()
    model = FakeModel(lambda _: ModelError("no", status=status))
    with pytest.raises(ProviderDownError, match="the key and the base URL"):
        ask(metered(model, time=time))
    assert (len(model.asked), time.slept) == (1, [])


def test_the_run_stops_instead_of_sleeping_past_its_deadline() -> None:
    time = FakeTime(end=3.0)
    with pytest.raises(DeadlineReachedError):
        ask(metered(failing(9, ModelError("slow down", status=429)), time=time))
    assert time.now < 3


def test_a_call_that_starts_in_time_gets_its_full_timeout() -> None:
    model = FakeModel()
    ask(metered(model, time=FakeTime(end=3.0)))
    assert [call.timeout_s for call in model.asked] == [CALL_TIMEOUT_S]


@dataclass
class FullDisk(MemoryMemo):
    def __init__(self) -> None:
        super().__init__()

    def put(self, key: str, entry: JsonObject) -> None:
        if not key.endswith(STARTED_SUFFIX):
            raise StoreError("no space left")


@pytest.mark.parametrize("error", [None, ModelTimeoutError("late")], ids=["answer", "timeout"])
def test_an_answer_that_cannot_be_stored_stops_the_run(error: ModelError | None) -> None:
    model = FakeModel(lambda _: error or "Hi.")
    cap = LocalCap(1.0)
    calls = MeteredCalls(lambda _: model, lambda _: PRICE, FullDisk(), cap, FakeTime().pace())
    with pytest.raises(ProviderDownError, match="no space left"):
        ask(calls)
    assert len(model.asked) == 1
    assert cap._taken_usd > 0, "it was paid for"


def test_errors_that_stop_a_run_are_not_exceptions_that_a_library_would_swallow() -> None:
    assert not issubclass(RunStoppedError, Exception)


def test_a_call_in_progress_when_the_run_was_killed_counts_as_spent() -> None:
    memo = MemoryMemo()
    killed = MeteredCalls(
        lambda _: FakeModel(lambda _: KeyboardInterrupt()),
        lambda _: PRICE,
        memo,
        LocalCap(1.0),
        FakeTime().pace(),
    )
    with pytest.raises(KeyboardInterrupt):
        ask(killed)
    model = FakeModel(lambda _: "Hi.")
    for asked in (1, 1):
        resumed = MeteredCalls(
            lambda _: model, lambda _: PRICE, memo, LocalCap(1.0), FakeTime().pace()
        )
        reply = ask(resumed)
        assert len(model.asked) == asked
        assert resumed.spent_usd > reply.cost_usd, "the lost call stays counted"

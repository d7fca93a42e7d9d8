"""A model that keeps failing is skipped, and probed."""

from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
)
from route_switch.services.circuits import (
    FAILURES,
    LONGEST_OPEN_S,
    OPEN_S,
    PROBE_S,
    Circuits,
    ModelOrder,
)

DOWN = ModelError("down", status=500)


def opened(now: list[float], error: ModelError = DOWN) -> Circuits:
    circuits = Circuits(lambda: now[0])
    for _ in range(FAILURES):
        assert not circuits.is_open("m")
        circuits.failed("m", error)
    return circuits


@pytest.mark.parametrize(
    "error",
    [DOWN, ModelTimeoutError("slow"), ModelError("reset"), ModelError("busy", status=429)],
)
def test_failures_in_a_row_open_the_circuit_of_that_model_alone(error: ModelError) -> None:
    circuits = opened([0.0], error)
    assert circuits.is_open("m")
    assert not circuits.is_open("other")


@pytest.mark.parametrize(
    "error",
    [InvalidModelRequestError("no", status=400), ModelUnusableError("key", status=401)],
)
def test_what_is_not_an_outage_opens_no_circuit(error: ModelError) -> None:
    assert not opened([0.0], error).is_open("m")


def test_a_success_starts_the_count_again() -> None:
    circuits = Circuits(lambda: 0.0)
    for _ in range(5):
        for _ in range(FAILURES - 1):
            circuits.failed("m", DOWN)
        circuits.succeeded("m")
    assert not circuits.is_open("m")


def test_one_request_at_a_time_probes_and_waits_less() -> None:
    now = [0.0]
    circuits = opened(now)
    now[0] = OPEN_S
    assert [circuits.is_open("m") for _ in range(3)] == [False, True, True]
    assert circuits.wait_s("m", 18.0) == PROBE_S
    circuits.succeeded("m")
    assert not circuits.is_open("m")
    assert circuits.wait_s("m", 18.0) == 18.0


def test_a_stream_that_probes_waits_longer_after_each_failure() -> None:
    now = [0.0]
    circuits, waited = opened(now), []
    for now[0] in range(1, 300):
        if not circuits.is_open("m"):
            waited.append(circuits.wait_s("m", 60.0, stream=True))
            circuits.failed("m", DOWN)
    assert waited == [5, 10, 20, 40, 60, 60]


def test_probes_that_fail_grow_rarer_up_to_a_bound() -> None:
    now = [0.0]
    circuits, probes = opened(now), 0
    for now[0] in range(1, 601):
        if not circuits.is_open("m"):
            probes += 1
            circuits.failed("m", DOWN)
    assert probes == 11  # after 10, 30, 70 s, and then every 60 s
    now[0] += LONGEST_OPEN_S
    assert not circuits.is_open("m")


@pytest.mark.parametrize(("advised_s", "left_alone_s"), [(4.0, 4.0), (3600.0, LONGEST_OPEN_S)])
def test_a_provider_that_says_when_to_call_again_is_left_alone_until_then(
    advised_s: float, left_alone_s: float
) -> None:
    now = [0.0]
    circuits = Circuits(lambda: now[0])
    for _ in range(FAILURES):
        assert not circuits.is_open("m")  # one large request may be the reason
        circuits.failed("m", ModelError("busy", status=429, retry_after_s=advised_s))
    now[0] = left_alone_s - 0.1
    assert circuits.is_open("m")
    now[0] = left_alone_s
    assert not circuits.is_open("m")


def test_advice_to_call_again_at_once_opens_no_circuit() -> None:
    circuits = Circuits(lambda: 0.0)
    circuits.failed("m", ModelError("busy", status=429, retry_after_s=0.0))
    assert not circuits.is_open("m")


def test_circuits_that_allow_any_number_of_failures_never_open() -> None:
    circuits = Circuits(lambda: 0.0, failures=inf)
    for _ in range(9):
        circuits.failed("m", ModelError("busy", status=429, retry_after_s=9.0))
    assert not circuits.is_open("m")


def test_a_provider_that_refuses_a_request_responds_so_its_circuit_closes() -> None:
    now = [0.0]
    circuits = opened(now)
    now[0] = OPEN_S
    assert not circuits.is_open("m")
    circuits.failed("m", InvalidModelRequestError("no", status=400))
    assert not circuits.is_open("m")
    circuits.failed("m", DOWN)
    assert circuits.is_open("m"), "one more failure is enough"


def test_streams_that_begin_and_break_off_open_the_circuit() -> None:
    circuits = Circuits(lambda: 0.0)
    for _ in range(FAILURES):
        assert not circuits.is_open("m")
        circuits.responded("m")
        circuits.failed("m", DOWN)
    assert circuits.is_open("m")


def test_only_one_of_many_threads_probes() -> None:
    now = [0.0]
    circuits = opened(now)
    now[0] = OPEN_S
    with ThreadPoolExecutor(16) as pool:
        left_alone = [*pool.map(lambda _: circuits.is_open("m"), range(200))]
    assert left_alone.count(False) == 1


def test_what_one_key_makes_fail_is_open_for_that_key_alone() -> None:
    now = [0.0]
    circuits = Circuits(lambda: now[0])
    for _ in range(9):
        circuits.failed("m", DOWN, "a")
    assert circuits.is_open("m", "a")
    assert not circuits.is_open("m", "b")
    now[0] = LONGEST_OPEN_S
    assert circuits.wait_s("m", 18.0, "a") == PROBE_S
    assert circuits.wait_s("m", 18.0, "b") == 18.0


def test_each_of_some_keys_counts_once_for_all() -> None:
    circuits = Circuits(lambda: 0.0)
    for key in ("a", "a", "b", "b", "a"):
        circuits.failed("m", DOWN, key)
    assert circuits.is_open("m", "a")
    assert not circuits.is_open("m", "b")
    circuits.failed("m", DOWN, "c")
    assert circuits.is_open("m", "b")
    assert circuits.is_open("m", "d")


def test_a_success_of_any_key_closes_the_circuits_of_all() -> None:
    now = [0.0]
    circuits = Circuits(lambda: now[0])
    for key in ("a", "a", "a", "b", "c"):
        circuits.failed("m", DOWN, key)
    now[0] = OPEN_S
    assert [circuits.is_open("m", key) for key in "dbc"] == [False, True, True]
    circuits.succeeded("m")
    for key in "abcd":
        assert not circuits.is_open("m", key)
        circuits.failed("m", DOWN, "a")
        circuits.succeeded("m")


def test_a_key_that_keeps_failing_does_not_prolong_pauses_of_others() -> None:
    now = [0.0]
    circuits = Circuits(lambda: now[0])
    for key in ("a", "a", "a", "b", "c"):
        circuits.failed("m", DOWN, key)
    for now[0] in range(1, int(OPEN_S) + 1):
        circuits.failed("m", DOWN, "a")
    assert circuits.is_open("m", "a")
    assert not circuits.is_open("m", "d"), "its call is the probe"


def test_requests_that_are_refused_close_no_circuit_of_others() -> None:
    circuits = Circuits(lambda: 0.0)
    for key in "abc":
        circuits.failed("m", DOWN, key)
    circuits.failed("m", InvalidModelRequestError("no", status=400), "a")
    assert circuits.is_open("m", "d")


def test_each_opening_is_reported() -> None:
    told: list[str] = []
    circuits = Circuits(lambda: 0.0, opened=told.append)
    for _ in range(FAILURES):
        circuits.failed("m", DOWN)
    assert told == ["m"]


@given(
    st.lists(st.sampled_from("abcdef"), unique=True, min_size=1),
    st.sets(st.sampled_from("abcdef")),
)
def test_models_that_are_down_are_tried_last(order: list[str], down: set[str]) -> None:
    turns = ModelOrder(order, str, down.__contains__)
    up = [each for each in order if each not in down]
    tried: list[str] = []
    while turns.left:
        tried.append(turns.take())
        reached = order[: max(map(order.index, tried))]
        assert turns.skipped == tuple(each for each in reached if each not in tried)
    assert tried == up + [each for each in order if each in down]

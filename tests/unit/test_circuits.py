"""A model that keeps failing is left alone, and probed."""

import pytest

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
)
from route_switch.services.circuits import FAILURES, LONGEST_OPEN_S, OPEN_S, PROBE_S, Circuits

DOWN = ModelError("down", status=500)


def opened(now: list[float], error: ModelError = DOWN) -> Circuits:
    circuits = Circuits(lambda: now[0])
    for _ in range(FAILURES):
        assert not circuits.is_open("m")
        circuits.failed("m", error)
    return circuits


@pytest.mark.parametrize("error", [DOWN, ModelTimeoutError("slow"), ModelError("reset")])
def test_failures_in_a_row_open_the_circuit_of_that_model_alone(error: ModelError) -> None:
    circuits = opened([0.0], error)
    assert circuits.is_open("m")
    assert not circuits.is_open("other")


@pytest.mark.parametrize(
    "error",
    [
        InvalidModelRequestError("no", status=400),
        ModelUnusableError("key", status=401),
        ModelError("busy", status=429),
    ],
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

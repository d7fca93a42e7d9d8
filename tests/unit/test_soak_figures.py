"""The instruments of the long run measure what they say."""

import random
import time

import httpx
import pytest

from tests.reliability.soak import Memory, Run, percentile, section, settled, slope
from tests.support.stack_accounts import StackAccounts
from tests.support.stack_load import Load, Sent

RUNS = 200


def memory_of(draw: random.Random, mb_per_hour: float) -> list[Memory]:
    """Half an hour whose successive samples are alike, as those of a process are."""
    noise, taken = 0.0, []
    for number in range(900):
        noise = 0.9 * noise + draw.gauss(0, 0.5)
        at_s = 2.0 * number
        taken.append(Memory(at_s, 100 + mb_per_hour * at_s / 3600 + noise))
    return taken


@pytest.mark.parametrize("mb_per_hour", [0.0, 30.0])
def test_the_interval_of_memorys_slope_covers_the_true_one(mb_per_hour: float) -> None:
    draw, covered = random.Random(17), 0  # noqa: S311 (test data)
    for _ in range(RUNS):
        found, half = slope(settled(memory_of(draw, mb_per_hour)))
        covered += abs(found - mb_per_hour) <= half
    assert covered >= 0.90 * RUNS


def test_the_interval_of_a_percentile_covers_the_true_one() -> None:
    draw, covered = random.Random(17), 0  # noqa: S311 (test data)
    for _ in range(RUNS):
        _, low, high = percentile([draw.random() for _ in range(1_500)], 0.99)
        covered += low <= 0.99 <= high
    assert 0.92 * RUNS <= covered < RUNS


def test_percentiles_of_a_small_sample_are_values_of_it() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == (3.0, 2.0, 3.0)


def test_a_request_that_waits_for_a_free_caller_counts_its_wait() -> None:
    """Otherwise a server that stands still would delay the load, and look quick."""

    def answer(_: httpx.Request) -> httpx.Response:
        time.sleep(0.02)  # the server's own time
        return httpx.Response(200)

    with httpx.Client(base_url="http://stack", transport=httpx.MockTransport(answer)) as client:
        sent = Load(client).at(rate=100, seconds=0.2, callers=1)
    assert len(sent) == 20
    assert max(each.seconds for each in sent) > 0.1


def test_a_run_is_summarized_with_its_lost_requests_and_both_percentiles() -> None:
    quiet = [Sent(0.1, 200, f"q{number}") for number in range(500)]
    loaded = [Sent(0.2, 200, f"l{number}") for number in range(500)]
    known = frozenset(str(each.request_id) for each in (*quiet, *loaded[:-1]))
    accounts = StackAccounts(known, 999, 999, 0, 1.0, 1.0, 1.0)
    run = Run(10.0, 30, quiet, loaded, memory_of(random.Random(17), 0.0), 0, 5, 1, accounts)  # noqa: S311 (test data)
    told = section(run)
    assert run.lost == 1
    assert [row[:3] for row in told.rows] == [
        ("quiet", "500", "500"),
        ("with faults", "500", "500"),
    ]
    aims = {aim.text: aim for aim in told.aims}
    slower = aims["p99 with faults is at most 2 times that of the quiet time"]
    assert "2.00 times" in slower.found
    assert slower.is_met
    assert not aims["no answered request without a record"].is_met
    assert aims["every request is answered"].found == "1,000 of 1,000"


def test_slower_answers_and_growing_memory_miss_their_aims() -> None:
    quiet, loaded = ([Sent(s, 200, str(n)) for n in range(500)] for s in (0.1, 0.3))
    accounts = StackAccounts(frozenset(map(str, range(500))), 500, 500, 0, 1.0, 1.0, 1.0)
    memory = memory_of(random.Random(17), 30.0)  # noqa: S311 (test data)
    told = section(Run(10.0, 30, quiet, loaded, memory, 0, 5, 0, accounts))
    missed = [aim.text.partition(":")[0] for aim in told.aims if not aim.is_met]
    assert missed == [
        "p99 with faults is at most 2 times that of the quiet time",
        "the memory of a router process does not grow",
    ]

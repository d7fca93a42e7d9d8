"""The watch of keys: few false alarms, no matter how often it looks, and quick detection of an
attacker."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.operations.key_watch import (
    FALSE_ALARM_RATE,
    Share,
    evidence,
    expected_share,
    is_above,
)
from route_switch.services.operations.watch_keys import watch_keys
from tests.support.key_watch_simulation import first_alarm, honest_alarms, requests_to_alarm

NOW = datetime(2026, 11, 14, tzinfo=UTC)


@given(n=st.integers(0, 12), expected=st.floats(0.05, 0.9))
def test_the_evidence_has_a_mean_of_at_most_one(n: int, expected: float) -> None:
    """This is what Ville's inequality needs: a step adds nothing on average."""
    for hits in range(n + 1):
        here = evidence(Share(hits, n), expected)
        up, down = (evidence(Share(hits + hit, n + 1), expected) for hit in (1, 0))
        assert expected * up + (1 - expected) * down == pytest.approx(here)


@given(hits=st.integers(0, 1_000_000), misses=st.integers(0, 1_000_000))
def test_any_number_of_requests_is_judged(hits: int, misses: int) -> None:
    assert evidence(Share(hits, hits + misses), 0.3) >= 0


def test_honest_keys_raise_few_alarms_under_the_drift_of_workdays() -> None:
    assert honest_alarms(keys=100, seed=1) <= 100 * 3 * FALSE_ALARM_RATE + 2


def test_an_attacker_who_moves_30_percent_up_is_found_within_a_few_hundred_requests() -> None:
    found = [requests_to_alarm(moved=0.3, seed=seed) for seed in range(20)]
    assert all(n is not None and n <= 400 for n in found)


def test_the_simulation_finds_no_attacker_where_nothing_moves() -> None:
    assert first_alarm([False] * 2000, 0.3) is None


def test_a_key_without_a_baseline_is_compared_with_the_others() -> None:
    own, others = Share(1, 199), Share(400, 1000)
    assert expected_share(own, others) == expected_share(Share(), others)
    assert expected_share(Share(), Share(1, 199)) is None
    assert expected_share(Share(200, 200), Share()) == 0.95


class FakeMonths:
    """Counters by key and month."""

    def __init__(self, counters: Mapping[tuple[str, str], Mapping[str, float]]) -> None:
        self._counters = counters

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> dict[str, dict[str, float]]:
        sums: dict[str, dict[str, float]] = {key_id: {} for key_id in key_ids}
        for (key_id, month), counters in self._counters.items():
            for name, value in counters.items() if month in months else ():
                sums[key_id][name] = sums[key_id].get(name, 0.0) + value
        return sums


def test_the_key_whose_upgrades_rose_is_named_and_the_others_are_not() -> None:
    usual = {"routed:1": 700.0, "routed:2": 100.0, "routed:3": 200.0}
    months = FakeMonths(
        {
            ("key_a", "2026-08"): usual,
            ("key_a", "2026-11"): {"routed:1": 300.0, "routed:3": 300.0},
            ("key_b", "2026-10"): usual,
            ("key_b", "2026-11"): usual,
            ("key_new", "2026-11"): usual,
        }
    )
    [alarm] = watch_keys(months, ["key_a", "key_b", "key_new"], NOW)
    assert (alarm.key_id, alarm.kind, alarm.share) == ("key_a", "upgrades", Share(300, 600))
    assert 0.25 < alarm.expected < 0.3


def test_long_answers_to_bypassed_requests_are_found_too() -> None:
    usual = {"bypassed": 1000.0, "bypassed:long": 50.0}
    months = FakeMonths(
        {("key_a", "2026-11"): usual, ("key_b", "2026-11"): {**usual, "bypassed:long": 400.0}}
    )
    alarms = watch_keys(months, ["key_a", "key_b"], NOW)
    assert [(alarm.key_id, alarm.kind) for alarm in alarms] == [("key_b", "bypassed")]


def test_a_share_as_expected_is_not_above() -> None:
    assert not is_above(Share(300, 1000), 0.3)

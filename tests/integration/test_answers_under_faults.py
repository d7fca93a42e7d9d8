"""A few faults of each kind, between the real handler and its models and stores.

`python -m tests.reliability faults` tries all of them, and pairs.
"""

from collections.abc import Iterator

import pytest

from tests.reliability.faults import Row, tried
from tests.support.faults import KINDS, SINGLES, Fault, Scenario
from tests.support.faulty_router import FaultyRouter, faulty_router

BY_NAME = {str(fault): fault for fault in SINGLES}
TRIED: tuple[tuple[str, ...], ...] = (
    ("router: malformed",),
    ("tier 1: 429 with Retry-After", "fallback: 500"),
    ("tier 2: reset", "router: 429"),
    ("tier 3: truncated", "tier 2: not found"),
    ("tier 2: time-out",),
    ("tier 2: another model's name", "router: another model's name"),
    ("dynamodb: 429",),
    ("dynamodb: malformed",),
    ("dynamodb: truncated",),
    ("dynamodb: 500", "sqs: 500"),
    ("sqs: 500", "tier 3: 500"),
)


@pytest.fixture(scope="module")
def router() -> Iterator[FaultyRouter]:
    with faulty_router() as made:
        yield made


def scenario_of(names: tuple[str, ...]) -> Scenario:
    return tuple(BY_NAME[name] for name in names)


@pytest.mark.parametrize("names", TRIED, ids=" and ".join)
def test_requests_are_answered_while_a_tier_lives(
    router: FaultyRouter, names: tuple[str, ...]
) -> None:
    router.ask(0)  # a process that has served before
    row = tried(router, scenario_of(names), warm=3, cold=0)
    left = [each for each in row.outcomes if not each.broke_off]
    assert [each.answer.text for each in left if not each.is_answered] == []
    kept = router.kept()
    assert row.unrecorded(kept) == []
    assert kept.items_usd == pytest.approx(kept.days_usd, abs=1e-9)
    assert kept.items_usd == pytest.approx(kept.months_usd, abs=1e-9)


def test_after_a_replay_each_request_counts_once(router: FaultyRouter) -> None:
    """Answers that were cut had been written: their records are in the queue as well."""
    replayed = router.replay()
    assert replayed.failed == 0
    assert replayed.saved > 0
    kept, charges = router.kept(), router.charges()
    assert kept.ids == kept.table
    assert charges.calls > 3 * len(TRIED)
    assert charges.agree, charges
    assert kept.counted == len(kept.table)
    assert kept.items_usd == pytest.approx(kept.days_usd, abs=1e-9)
    assert kept.items_usd == pytest.approx(kept.months_usd, abs=1e-9)
    assert router.replay().saved == 0


@pytest.mark.parametrize("name", ["dynamodb: 500", "secretsmanager: time-out"])
def test_a_new_process_without_keys_refuses_clearly_and_charges_nothing(
    router: FaultyRouter, name: str
) -> None:
    row: Row = tried(router, (BY_NAME[name],), warm=0, cold=1)
    (outcome,) = row.outcomes
    assert outcome.is_answered or (outcome.answer.status in (502, 503) and outcome.teaches)
    assert router.charges().twice == 0


def test_faults_can_be_switched_while_the_router_runs(router: FaultyRouter) -> None:
    everything = tuple(Fault(target, KINDS[4]) for target in ("tier 1", "fallback", "tier 2"))
    failing = (*everything, BY_NAME["tier 3: 500"])
    router.cold()
    router.ask(0)
    assert not tried(router, failing, warm=1, cold=0).outcomes[0].is_answered
    assert router.ask(0).is_answered

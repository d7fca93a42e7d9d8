"""The figures of the matrix of faults notice what they are there to notice."""

import pytest

from tests.integration.conftest import Answer
from tests.reliability.faults import Row
from tests.support.charges import Charge, compare
from tests.support.fault_proxy import Call, FaultProxy
from tests.support.faults import OTHER_NAME, Kind, case_of, needed_pairs, pairs
from tests.support.faulty_router import Kept, Outcome

DRIP, REFUSED = Kind("slow drip", held="drip"), Kind("500", 500)
PRICE_USD = 0.5


def call(case: int = 1, fault: Kind | None = None, model: str = "small") -> Call:
    return Call("tier 1", fault, model, case)


def charge(
    case: int = 1, usd: float | None = PRICE_USD, *, answer: bool = True, estimated: bool = False
) -> Charge:
    return Charge(case, "small", usd, answer, estimated)


@pytest.mark.parametrize(
    ("calls", "charges", "found"),
    [
        ([call()], [charge()], (0, 0, 0)),
        ([call()], [], (1, 0, 0)),
        ([call()], [charge(usd=0.0)], (1, 0, 0)),
        ([call()], [charge(case=2)], (1, 1, 0)),
        ([call()], [charge(), charge()], (0, 1, 0)),
        ([call(), call()], [charge()], (1, 0, 0)),
        ([call(fault=REFUSED)], [charge(usd=0.0)], (0, 0, 0)),
        ([call(fault=DRIP)], [charge(usd=0.1, answer=False, estimated=True)], (0, 0, 0)),
        ([call(fault=OTHER_NAME)], [charge(usd=9.0)], (0, 0, 1)),
        ([call(), Call("dynamodb", None, None)], [charge(usd=None)], (0, 0, 1)),
    ],
)
def test_calls_and_charges_are_compared_by_request(
    calls: list[Call], charges: list[Charge], found: tuple[int, int, int]
) -> None:
    compared = compare(calls, charges, lambda _: PRICE_USD)
    assert (compared.left_out, compared.twice, compared.wrong) == found
    assert compared.agree == (found == (0, 0, 0))


@pytest.mark.parametrize("status", [500, 503])
def test_a_paid_request_without_a_record_is_noticed_at_any_status(status: int) -> None:
    proxy = FaultProxy("", "", "", calls=[call(7, DRIP), call(8, REFUSED)])
    kept = Kept(frozenset(), frozenset(), frozenset(), 0.0, 0.0, 0.0, 0, proxy.paid, proxy.cut)
    refused = tuple(Outcome(case, Answer(status, {}, "{}"), 0.1, "") for case in (7, 8))
    assert Row((), refused, ()).unrecorded(kept) == [7]
    assert proxy.cut == {7}


def test_a_call_belongs_to_the_request_that_its_query_ends_with() -> None:
    assert case_of("Case 3. said somebody. Explain the tides. Case 17.") == 17
    assert case_of("Explain the tides.") is None


def test_pairs_are_of_different_targets_and_the_needed_ones_are_among_all() -> None:
    every = pairs(None, seed=1)
    assert all(first.target != second.target for first, second in every)
    assert set(needed_pairs()) < set(every)

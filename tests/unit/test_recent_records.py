"""A request may be rated, read or deleted before its record is stored."""

import pytest

from route_switch.services.operations.recent_records import PAUSES_S, found_soon

GIVEN = "chatcmpl-8f14e45fceea167a5a36dedd4bea2543"


class Store:
    """Has the record from the given read on."""

    def __init__(self, stored_at: int) -> None:
        self.reads, self._stored_at = 0, stored_at

    def __call__(self) -> str | None:
        self.reads += 1
        return "record" if self.reads > self._stored_at else None


@pytest.mark.parametrize("late", range(len(PAUSES_S) + 1))
def test_a_record_that_is_late_is_found(late: int) -> None:
    slept: list[float] = []
    assert found_soon(GIVEN, Store(late), slept.append) == "record"
    assert slept == list(PAUSES_S[:late])


@pytest.mark.parametrize(("request_id", "reads"), [(GIVEN, len(PAUSES_S) + 1), ("made-up", 1)])
def test_the_wait_ends_and_is_only_for_ids_that_the_router_assigns(
    request_id: str, reads: int
) -> None:
    store = Store(stored_at=1000)
    slept: list[float] = []
    assert found_soon(request_id, store, slept.append) is None
    assert store.reads == reads
    assert sum(slept) <= 1.0 + 1e-9

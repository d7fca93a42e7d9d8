"""Records whose store takes too long."""

from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import pytest

from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.services import record_request
from route_switch.services.record_request import IMPATIENT_FOR_S, IMPATIENT_S, RecordRequest
from tests.integration.conftest import CATALOG
from tests.support.records import RECORD


class Store:
    def save(self, record: RequestRecord, expires_at: int) -> None: ...

    def load(self, request_id: str, key_id: str | None) -> JsonObject | None: ...


class Queue:
    def send(self, record: RequestRecord) -> None: ...


class Waited(Future[Any]):
    """A save that is done or hangs; `waited_s` are the times that it was waited for."""

    def __init__(self, waited_s: list[float], *, hangs: bool) -> None:
        super().__init__()
        self._waited_s, self._hangs = waited_s, hangs
        if not hangs:
            self.set_result(True)

    def result(self, timeout: float | None = None) -> Any:
        self._waited_s.append(timeout or 0.0)
        if self._hangs:
            raise TimeoutError
        return super().result()


class Pool(Executor):
    def __init__(self) -> None:
        self.hangs = False
        self.waited_s: list[float] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Waited(self.waited_s, hangs=self.hangs)


def test_after_a_save_that_hangs_later_records_are_waited_for_briefly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(record_request, "_log_lost", lambda record, _: logged.append(record))
    now, pool = [0.0], Pool()
    config = RouterConfig(models=CATALOG)
    record = RecordRequest(Store(), Queue(), config, lambda: b"", pool, lambda: now[0])
    pool.hangs = True
    assert not record(replace(RECORD, request_id="r1"), 4.0)
    assert not record(replace(RECORD, request_id="r2"), 4.0)
    pool.hangs = False
    assert record(replace(RECORD, request_id="r3"), 4.0)
    now[0] = IMPATIENT_FOR_S
    assert record(replace(RECORD, request_id="r4"), 4.0)
    assert pool.waited_s == [4.0, IMPATIENT_S, IMPATIENT_S, 4.0]
    assert len(logged) == 2

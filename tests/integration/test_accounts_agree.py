"""Σ items = Σ days = Σ keys' months, no matter what fails or is killed, deleted or replayed in
between."""

from collections import deque

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from moto import mock_aws

from route_switch.domain.router_config import RouterConfig
from tests.integration.conftest import CATALOG, create_results_table
from tests.reliability.accounting import accounts_after
from tests.support.accounts import Accounts, Ended, aws_client, hour_ago
from tests.support.faulty_aws import Fault
from tests.support.records import answered

FAULTS = st.lists(st.sampled_from(Fault), max_size=5)


class AccountsAgree(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._aws = mock_aws()
        self._aws.start()
        create_results_table(aws_client("dynamodb"))
        self._plan: deque[Fault] = deque()
        self._accounts = Accounts(CONFIG, self._next_fault)

    def _next_fault(self) -> Fault:
        return self._plan.popleft() if self._plan else Fault.NONE

    @rule(faults=FAULTS, ended=st.sampled_from(Ended))
    def request(self, faults: list[Fault], ended: Ended) -> None:
        self._plan = deque(faults)
        number = len(self._accounts.paid_usd)
        self._accounts.request(answered(f"r{number}", "hello", hour_ago()), ended)

    @rule(faults=FAULTS)
    def replay(self, faults: list[Fault]) -> None:
        self._plan = deque(faults)
        self._accounts.replay()

    @precondition(lambda self: self._accounts.paid_usd)
    @rule(data=st.data())
    def queue_again(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self._accounts.paid_usd)))
        self._accounts.queue_again(answered(request_id, "hello", hour_ago()))

    @precondition(lambda self: self._accounts.paid_usd)
    @rule(faults=FAULTS, data=st.data())
    def delete(self, faults: list[Fault], data: st.DataObject) -> None:
        self._plan = deque(faults)
        self._accounts.delete(data.draw(st.sampled_from(sorted(self._accounts.paid_usd))))

    @invariant()
    def the_sums_agree(self) -> None:
        sums = self._accounts.sums()
        assert sums.difference_usd < 1e-9
        assert sums.requests == sums.counted_by_day == sums.counted_by_month

    def teardown(self) -> None:
        """A last replay without faults finds every request that was paid."""
        self._plan.clear()
        try:
            self._accounts.replay()
            self._accounts.replay()
            self.the_sums_agree()
            assert self._accounts.sums().requests == len(self._accounts.paid_usd)
        finally:
            self._accounts.close()
            self._aws.stop()


CONFIG = RouterConfig(models=CATALOG)
TestAccountsAgree = AccountsAgree.TestCase
TestAccountsAgree.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_no_concurrent_request_with_faults_and_kills_is_lost_or_counts_twice() -> None:
    measured = accounts_after(requests=150, threads=4, seed=7)
    assert (measured.lost, measured.twice) == (0, 0)
    assert measured.sums.difference_usd == pytest.approx(0, abs=1e-9)
    assert measured.kills > 10

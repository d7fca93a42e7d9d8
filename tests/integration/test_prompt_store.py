"""The live prompt in Parameter Store."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from route_switch.adapters.ssm import (
    FRESH_S,
    ParametersReadTogether,
    SsmPromptStore,
    SsmSwitchStore,
    output_ratios_parameter,
)
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.switches import Switches

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def store(aws: None) -> SsmPromptStore:
    return SsmPromptStore(boto3.client("ssm"), "/test/live", "/test/seed")


def test_a_new_store_is_empty(store: SsmPromptStore) -> None:
    assert store.read_live() is None
    assert store.read_live(3) is None
    assert store.read_seed() is None


def test_the_newest_version_is_live_and_older_ones_can_be_read(store: SsmPromptStore) -> None:
    assert [store.put_live(text) for text in ("one", "two", "three\r\n ü\n\n")] == [1, 2, 3]
    assert store.read_live() == StoredPrompt("three\r\n ü\n\n", 3)
    assert store.read_live(2) == StoredPrompt("two", 2)
    assert store.read_live(9) is None


def test_the_history_has_author_and_time_of_every_version_across_pages(
    store: SsmPromptStore,
) -> None:
    assert store.versions() == ()
    before = datetime.now(UTC)
    for number in range(1, 104):
        store.put_live(f"text {number}")
    kept = store.versions()
    assert [each.version for each in kept] == list(range(4, 104))
    assert [each.document for each in kept] == [f"text {number}" for number in range(4, 104)]
    assert {each.written_by for each in kept} == {"N/A"}, "moto's value for the user's ARN"
    assert {each.written_at.tzinfo for each in kept} == {UTC}
    assert all(before - timedelta(seconds=1) < each.written_at for each in kept)


LIVE = "/test/live"


class CountedSsm:
    """Parameter Store, as far as parameters are read together."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls, self.fails = 0, fails

    def get_parameters(self, **names: Any) -> Any:
        self.calls += 1
        if self.fails:
            raise ConnectionError
        return boto3.client("ssm").get_parameters(**names)


def together(ssm: CountedSsm, now: list[float]) -> tuple[SsmPromptStore, SsmSwitchStore]:
    client = cast("SSMClient", ssm)
    names = (LIVE, "/test/switches", output_ratios_parameter(LIVE))
    read = ParametersReadTogether(client, *names, clock=lambda: now[0])
    prompts = SsmPromptStore(client, LIVE, "/test/seed", read)
    return prompts, SsmSwitchStore(client, "/test/switches", read)


def test_prompt_and_switches_are_read_in_one_call(store: SsmPromptStore) -> None:
    ssm, now = CountedSsm(), [0.0]
    prompts, switches = together(ssm, now)
    assert (prompts.read_live(), switches.read()) == (None, Switches())
    store.put_live("one")
    SsmSwitchStore(boto3.client("ssm"), "/test/switches").write(Switches(routing="off"))
    assert (switches.read().routing, prompts.read_live()) == ("off", StoredPrompt("one", 1))
    assert ssm.calls == 2

    prompts.read_live()
    store.put_live("two")
    now[0] += FRESH_S  # what the last call found for the switches is too old now
    switches.read()
    assert prompts.read_live() == StoredPrompt("two", 2)
    assert ssm.calls == 4


def test_a_failed_call_fails_for_each_value_and_is_not_repeated_for_the_second(aws: None) -> None:
    ssm = CountedSsm(fails=True)
    prompts, switches = together(ssm, [0.0])
    with pytest.raises(ConnectionError):
        prompts.read_live()
    with pytest.raises(ConnectionError):
        switches.read()
    assert ssm.calls == 1

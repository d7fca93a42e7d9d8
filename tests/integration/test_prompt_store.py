"""The live prompt in Parameter Store."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from route_switch.adapters.ssm import (
    FRESH_S,
    ParametersReadTogether,
    SsmPromptStore,
    SsmSwitchStore,
)
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.switches import Switches


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


def test_prompt_and_switches_are_read_in_one_call(
    store: SsmPromptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssm, now = boto3.client("ssm"), [0.0]
    calls: list[str] = []
    ssm.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    together = ParametersReadTogether(ssm, "/test/live", "/test/switches", clock=lambda: now[0])
    prompts = SsmPromptStore(ssm, "/test/live", "/test/seed", together)
    switches = SsmSwitchStore(ssm, "/test/switches", together)
    assert (prompts.read_live(), switches.read()) == (None, Switches())
    store.put_live("one")
    SsmSwitchStore(boto3.client("ssm"), "/test/switches").write(Switches(router="off"))
    assert (switches.read().router, prompts.read_live()) == ("off", StoredPrompt("one", 1))
    assert calls == ["GetParameters"] * 2

    prompts.read_live()
    store.put_live("two")
    now[0] += FRESH_S  # what the last call found for the switches is too old now
    switches.read()
    assert prompts.read_live() == StoredPrompt("two", 2)
    assert calls == ["GetParameters"] * 4


def test_a_failed_call_fails_for_each_value_and_is_not_repeated_for_the_second(
    store: SsmPromptStore,
) -> None:
    ssm = boto3.client("ssm")
    calls: list[int] = []

    def refuse(**_: object) -> None:
        calls.append(1)
        raise ConnectionError

    ssm.meta.events.register("before-call", refuse)
    together = ParametersReadTogether(ssm, "/test/live", "/test/switches")
    with pytest.raises(ConnectionError):
        SsmPromptStore(ssm, "/test/live", "/test/seed", together).read_live()
    with pytest.raises(ConnectionError):
        SsmSwitchStore(ssm, "/test/switches", together).read()
    assert len(calls) == 1

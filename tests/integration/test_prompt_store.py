"""The live prompt in Parameter Store."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.ports import StoredPrompt


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

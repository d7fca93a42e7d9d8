"""Concurrent changes of the live prompt, against DynamoDB and Parameter Store."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import boto3
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.prompt_lock import LEASE_S, DynamoDbPromptLock
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.errors import PromptConflictError
from route_switch.domain.prompt_document import to_markdown
from route_switch.services.prompts.publish_prompt import PublishPrompt
from tests.support.local_models import MemoryModels

THREADS = 8
DOCUMENT = to_markdown(packaged_prompt())
Lock = Callable[[str, float], DynamoDbPromptLock]


@pytest.fixture
def lock(aws: None, results_table: str) -> Lock:
    dynamodb = boto3.client("dynamodb")
    return lambda owner, now: DynamoDbPromptLock(dynamodb, results_table, owner, lambda: now)


def items() -> list[str]:
    found = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return [item["pk"]["S"] for item in found]


def test_the_lock_has_one_holder_and_names_it(lock: Lock) -> None:
    with lock("alice", 1000).hold():
        assert items() == ["LOCK#prompt"]
        with (
            pytest.raises(PromptConflictError, match="alice is changing"),
            lock("bob", 1001).hold(),
        ):
            raise AssertionError
    assert items() == []
    with lock("bob", 1002).hold():
        pass


def test_the_lock_is_released_when_the_change_fails(lock: Lock) -> None:
    with suppress(ConnectionError), lock("alice", 1000).hold():
        raise ConnectionError
    assert items() == []


def test_the_lock_of_a_crashed_holder_expires(lock: Lock) -> None:
    dead = lock("dead", 1000).hold()
    dead.__enter__()
    with pytest.raises(PromptConflictError), lock("bob", 1000 + LEASE_S).hold():
        raise AssertionError
    with lock("bob", 1001 + LEASE_S).hold():
        dead.__exit__(None, None, None)
        assert items() == ["LOCK#prompt"], (
            "a holder with an expired lease released its successor's lock"
        )


def test_one_of_eight_concurrent_changes_wins_and_nothing_is_lost(lock: Lock) -> None:
    store = SsmPromptStore(boto3.client("ssm"), "/test/live", "/test/seed")
    store.put_live(DOCUMENT)
    together = threading.Barrier(THREADS)

    def change(number: int) -> int | PromptConflictError:
        publish = PublishPrompt(store, store, lock(f"thread {number}", 1000), MemoryModels())
        together.wait()
        try:
            return publish(f"{DOCUMENT}{number}\n", 1)
        except PromptConflictError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(change, range(THREADS)))
    (winner,) = [n for n, result in enumerate(results) if isinstance(result, int)]
    assert results[winner] == 2
    kept = [each.document for each in store.versions()]
    assert kept == [DOCUMENT, f"{DOCUMENT}{winner}\n"]
    assert items() == []

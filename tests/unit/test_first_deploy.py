"""The first keys are created and handed over once, even after crashes."""

from itertools import count

import pytest

from route_switch.domain.api_keys import hash_key, new_key
from route_switch.services.operations.first_deploy import FirstKeys, ensure_first_keys


class FakeKeyStore:
    def __init__(self, *, crashes: int = 0) -> None:
        self.stored: list[FirstKeys] = []
        self._crashes = crashes

    def has_first_keys(self) -> bool:
        return bool(self.stored)

    def add_first_keys(self, keys: FirstKeys) -> None:
        if self._crashes:
            self._crashes -= 1
            raise ConnectionError("DynamoDB is away.")
        self.stored.append(keys)


class FakeHandover:
    def __init__(self) -> None:
        self.content: FirstKeys | None = None

    def read(self) -> FirstKeys | None:
        return self.content

    def write(self, keys: FirstKeys) -> None:
        assert self.content is None, "the handover was overwritten"
        self.content = keys


def numbered_keys() -> "count[int]":
    return count(1)


def ensure(store: FakeKeyStore, handover: FakeHandover, numbers: "count[int]") -> None:
    ensure_first_keys(store, handover, lambda: f"rs-{next(numbers)}")


def test_the_first_deployment_stores_the_keys_it_hands_over() -> None:
    store, handover = FakeKeyStore(), FakeHandover()
    ensure(store, handover, numbered_keys())
    assert store.stored == [FirstKeys(client="rs-1", admin="rs-2")]
    assert handover.content == store.stored[0]


def test_a_retry_after_a_crash_neither_loses_nor_duplicates_keys() -> None:
    store, handover, numbers = FakeKeyStore(crashes=1), FakeHandover(), numbered_keys()
    with pytest.raises(ConnectionError):
        ensure(store, handover, numbers)
    assert handover.content is not None
    ensure(store, handover, numbers)
    assert store.stored == [handover.content]


def test_keys_are_not_recreated_after_the_owner_has_picked_them_up() -> None:
    store, handover, numbers = FakeKeyStore(), FakeHandover(), numbered_keys()
    ensure(store, handover, numbers)
    handover.content = None
    ensure(store, handover, numbers)
    assert len(store.stored) == 1
    assert handover.content is None


def test_keys_are_long_random_and_hashed_to_fixed_hexadecimal() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("rs-") and len(key) >= 46 for key in keys)
    assert hash_key("rs-1") == "255d52331772bcb66a79533eed5ca6732cf07398c8eef1b8227204ceeaf2e3bf"

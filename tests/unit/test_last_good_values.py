"""What is served while a store is unavailable."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.services import last_good_values
from route_switch.services.authenticate import KEY_CACHE_S, KEY_OUTAGE_S, Authenticate
from route_switch.services.last_good_values import (
    LONGEST_PAUSE_S,
    PAUSE_S,
    LastGoodValues,
    Lifetime,
)
from tests.unit.test_authenticate import FakeKeys

DAY = Lifetime(300, 86_400)


class FakeStore:
    def __init__(self, **values: str) -> None:
        self.values = values
        self.reads = 0
        self.is_away = False

    def read(self, key: str) -> str | None:
        self.reads += 1
        if self.is_away:
            raise StoreError("The store is away.")
        return self.values.get(key)


def test_the_last_good_value_is_served_during_an_outage_until_it_is_too_old() -> None:
    store, now = FakeStore(a="1"), [0.0]
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0])
    assert values.get("a") == "1"
    store.is_away = True
    for now[0] in (299, 301, 3_600, 86_399):
        assert values.get("a") == "1"
    now[0] = 86_400
    with pytest.raises(StoreError, match="away"):
        values.get("a")


def test_a_store_that_fails_is_left_alone_for_a_while() -> None:
    store, now = FakeStore(a="1"), [0.0]
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0])
    values.get("a")
    store.is_away = True
    for now[0] in range(300, 420):
        assert values.get("a") == "1"
    assert store.reads == 1 + 7  # after 300, 302, 306, 314, 330, 360 and 390 s


def test_a_store_that_hangs_does_not_hold_up_requests_with_a_last_good_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(last_good_values, "LOOK_S", 0.01)
    store, now, hanging = FakeStore(a="1"), [0.0], list[Callable[[], None]]()
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0], hanging.append)
    values.get("a")
    store.is_away = True
    for now[0] in (300, 400, 500):
        assert values.get("a") == "1"
    assert (store.reads, len(hanging)) == (2, 1), "only the first failure is waited for"
    store.is_away, store.values = False, {"a": "2"}
    hanging[0]()
    assert values.get("a") == "2"


def test_a_value_is_renewed_on_demand_but_not_too_often() -> None:
    store, now = FakeStore(a="1"), [0.0]
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0])
    values.get("a")
    store.values = {"a": "2"}
    now[0] = 29
    values.renew("a", 30)
    assert values.get("a") == "1"
    now[0] = 30
    values.renew("a", 30)
    assert values.get("a") == "2"


def test_renewing_from_an_unavailable_store_keeps_the_value_and_then_skips_the_store() -> None:
    store, now = FakeStore(a="1"), [0.0]
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0])
    values.get("a")
    store.is_away, now[0] = True, 100
    for _ in range(5):
        values.renew("a", 30)
    assert values.get("a") == "1"
    assert store.reads == 2


def test_a_value_that_is_not_known_fails_at_once_while_the_store_is_left_alone() -> None:
    store, now = FakeStore(), [0.0]
    store.is_away = True
    values = LastGoodValues(store.read, DAY, 8, lambda: now[0])
    for _ in range(3):
        with pytest.raises(StoreError):
            values.get("a")
    assert store.reads == 1
    store.is_away, now[0] = False, PAUSE_S
    assert values.get("a") is None


def test_only_the_values_used_last_are_kept() -> None:
    store, now = FakeStore(a="1", b="2", c="3"), [0.0]
    values = LastGoodValues(store.read, DAY, 2, lambda: now[0])
    for key in "abac":
        values.get(key)
    store.is_away = True
    assert (values.get("a"), values.get("c")) == ("1", "3")
    with pytest.raises(StoreError):
        values.get("b")


@given(
    st.lists(st.tuples(st.floats(0, 4_000), st.booleans(), st.sampled_from(["1", "2", None]))),
)
def test_a_served_value_was_true_within_its_lifetime(
    steps: list[tuple[float, bool, str | None]],
) -> None:
    store, now = FakeStore(), [0.0]
    lifetime = Lifetime(60, 3_600)
    values = LastGoodValues(store.read, lifetime, 8, lambda: now[0])
    history: list[tuple[float, float, str | None]] = []
    for wait_s, store.is_away, value in steps:
        store.values = {} if value is None else {"a": value}
        history.append((now[0], now[0] + wait_s, value))
        now[0] += wait_s
        try:
            served = values.get("a")
        except StoreError:
            continue
        oldest = now[0] - lifetime.stale_s
        assert any(end > oldest and held == served for _, end, held in history)


class KeysWithOutages(FakeKeys):
    is_away = False

    def find(self, key_hash: str) -> ApiKey | None:
        found = super().find(key_hash)
        if self.is_away:
            raise StoreError("API keys cannot be checked.")
        return found


def test_a_verified_key_is_accepted_for_an_hour_while_the_keys_cannot_be_read() -> None:
    keys, now = KeysWithOutages("rs-a", "rs-b"), [0.0]
    authenticate = Authenticate(keys, lambda: now[0])
    authenticate("Bearer rs-a")
    keys.is_away = True
    now[0] = KEY_OUTAGE_S - 1
    assert authenticate("Bearer rs-a").name == "rs-a"
    for header in ("Bearer rs-b", "Bearer rs-unknown"):
        with pytest.raises(StoreError):  # a 503, not a 401: the key may well be valid
            authenticate(header)
    now[0] = KEY_OUTAGE_S
    with pytest.raises(StoreError):
        authenticate("Bearer rs-a")


def test_a_key_revoked_during_an_outage_is_refused_soon_after_its_end() -> None:
    keys, now = KeysWithOutages("rs-a"), [0.0]
    authenticate = Authenticate(keys, lambda: now[0])
    authenticate("Bearer rs-a")
    keys.is_away = True
    now[0] = KEY_CACHE_S
    authenticate("Bearer rs-a")
    keys.known.clear()
    keys.is_away = False
    now[0] += LONGEST_PAUSE_S
    with pytest.raises(RequestRefusedError):
        authenticate("Bearer rs-a")

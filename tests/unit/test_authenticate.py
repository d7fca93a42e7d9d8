"""Authentication with bearer keys."""

from dataclasses import replace

import pytest

from route_switch.domain.api_keys import ApiKey, hash_key, new_key
from route_switch.domain.errors import RequestRefusedError
from route_switch.services.authenticate import KEY_CACHE_S, Authenticate


class FakeKeys:
    def __init__(self, *keys: str) -> None:
        self.known = {hash_key(key): ApiKey(f"id-{key}", key, "client") for key in keys}
        self.reads = 0

    def find(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return self.known.get(key_hash)


def test_a_known_key_is_read_once_per_minute() -> None:
    keys, now = FakeKeys("rs-a"), [0.0]
    authenticate = Authenticate(keys, lambda: now[0])
    assert authenticate("Bearer rs-a").name == "rs-a"
    assert authenticate("bearer  rs-a ").name == "rs-a"
    assert keys.reads == 1
    now[0] = KEY_CACHE_S
    keys.known.clear()
    with pytest.raises(RequestRefusedError):
        authenticate("Bearer rs-a")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic rs-a", "rs-a"])
def test_a_request_without_a_key_is_refused_with_how_to_send_one(header: str | None) -> None:
    with pytest.raises(RequestRefusedError, match="Bearer rs-") as refused:
        Authenticate(FakeKeys("rs-a"))(header)
    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")


def test_an_unknown_key_is_refused_every_time() -> None:
    authenticate = Authenticate(FakeKeys())
    for _ in range(2):
        with pytest.raises(RequestRefusedError, match="has no such key"):
            authenticate("Bearer rs-b")


def test_a_revoked_key_is_refused_when_its_cache_entry_expires() -> None:
    keys, now = FakeKeys("rs-a"), [0.0]
    authenticate = Authenticate(keys, lambda: now[0])
    authenticate("Bearer rs-a")
    known = keys.known[hash_key("rs-a")]
    keys.known[hash_key("rs-a")] = replace(known, revoked=True)
    now[0] = KEY_CACHE_S
    for _ in range(2):
        with pytest.raises(RequestRefusedError, match="was revoked") as refused:
            authenticate("Bearer rs-a")
        assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")


def test_new_keys_are_unique_and_long() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 43

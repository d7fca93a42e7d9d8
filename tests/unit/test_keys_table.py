"""How keys are written as items, and read."""

from dataclasses import replace

import pytest

from route_switch.adapters.keys_table import item_of, key_id_of, key_of
from route_switch.domain.api_keys import ApiKey, hash_key
from route_switch.domain.tiers import Tier

HASH = hash_key("rs-secret")
PLAIN = ApiKey(key_id_of(HASH), "search", "client")
LIMITED = replace(
    PLAIN,
    role="admin",
    allowed_tiers=frozenset({Tier.SMALL, Tier.LARGE}),
    tags={"team": "search", "env": "prod"},
    requests_per_minute=60,
    monthly_budget_usd=12.5,
    when_spent="downgrade",
)


@pytest.mark.parametrize("key", [PLAIN, LIMITED, replace(LIMITED, when_spent="refuse")])
def test_a_key_is_read_as_it_was_written(key: ApiKey) -> None:
    assert key_of(item_of(key, HASH, "2026-11-24T00:00:00+00:00")) == key


def test_only_what_is_set_is_written_and_never_the_key() -> None:
    item = item_of(PLAIN, HASH, "2026-11-24T00:00:00+00:00")
    assert item == {
        "pk": {"S": f"KEY#{HASH}"},
        "key_id": {"S": f"key_{HASH[:12]}"},
        "name": {"S": "search"},
        "role": {"S": "client"},
        "allowed_tiers": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
        "created_at": {"S": "2026-11-24T00:00:00+00:00"},
    }


def test_a_key_is_revoked_by_when_it_was() -> None:
    item = item_of(PLAIN, HASH, "2026-11-24T00:00:00+00:00")
    assert key_of({**item, "revoked_at": {"S": "2026-11-25T00:00:00+00:00"}}).revoked

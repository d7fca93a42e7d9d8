"""How keys are written as items and read back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from route_switch.adapters.keys_table import item_of, key_of
from route_switch.domain.api_keys import ApiKey, hash_key, key_id_of
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
    max_upgrade_share=0.3,
    upgrades_limited_until=datetime(2026, 11, 30, 12, tzinfo=UTC),
)


@pytest.mark.parametrize("key", [PLAIN, LIMITED, replace(LIMITED, when_spent="refuse")])
def test_a_key_survives_the_round_trip(key: ApiKey) -> None:
    assert key_of(item_of(key, HASH, "2026-11-24T00:00:00+00:00")) == key


def test_only_set_attributes_are_written_and_never_the_key_itself() -> None:
    item = item_of(PLAIN, HASH, "2026-11-24T00:00:00+00:00")
    assert item == {
        "pk": {"S": f"KEY#{HASH}"},
        "key_id": {"S": f"key_{HASH[:12]}"},
        "name": {"S": "search"},
        "role": {"S": "client"},
        "allowed_tiers": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
        "created_at": {"S": "2026-11-24T00:00:00+00:00"},
    }


def test_a_key_with_a_revocation_time_is_revoked() -> None:
    item = item_of(PLAIN, HASH, "2026-11-24T00:00:00+00:00")
    assert key_of({**item, "revoked_at": {"S": "2026-11-25T00:00:00+00:00"}}).revoked

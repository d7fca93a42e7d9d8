"""API keys in the keys table: the format that writers and readers share.

    KEY#<sha256 of the key, hex>    a key; the key itself is stored nowhere

Attributes: key_id, name, role, allowed_tiers, created_at, and only if set: tags,
requests_per_minute, monthly_budget_usd, when_spent, profile, max_upgrade_share,
upgrades_limited_until, rotated_at, ends_at, revoked_at (ISO). Revoked keys stay in the table, so
that their requests keep a name. The owner may change `SETTABLE`; the monitor writes
`LIMITED_UNTIL` alone.

A rotation adds an item for the new secret: a copy of the former one, with the same `key_id` and the
time in `rotated_at`. The former one gets `ends_at`, and is not valid from then on. So each `key_id`
has exactly one item without `ends_at`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import StoreError
from route_switch.domain.profiles import profile_named
from route_switch.domain.tiers import Tier

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

KEY_PREFIX = "KEY#"
LIMITED_UNTIL = "upgrades_limited_until"
SETTABLE = (
    "name",
    "allowed_tiers",
    "tags",
    "requests_per_minute",
    "monthly_budget_usd",
    "when_spent",
    "profile",
    "max_upgrade_share",
    LIMITED_UNTIL,
)


def item_of(key: ApiKey, key_hash: str, created_at: str) -> "Item":
    item: Item = {
        **key_pk(key_hash),
        "key_id": {"S": key.key_id},
        "name": {"S": key.name},
        "role": {"S": key.role},
        "allowed_tiers": {"L": [{"N": str(tier.value)} for tier in sorted(key.allowed_tiers)]},
        "created_at": {"S": created_at},
    }
    if key.tags:
        item["tags"] = {"M": {name: {"S": value} for name, value in key.tags.items()}}
    if key.requests_per_minute is not None:
        item["requests_per_minute"] = {"N": str(key.requests_per_minute)}
    if key.monthly_budget_usd is not None:
        item["monthly_budget_usd"] = {"N": str(key.monthly_budget_usd)}
        item["when_spent"] = {"S": key.when_spent}
    if key.profile is not None:
        item["profile"] = {"S": key.profile}
    if key.max_upgrade_share is not None:
        item["max_upgrade_share"] = {"N": str(key.max_upgrade_share)}
    if key.upgrades_limited_until is not None:
        item[LIMITED_UNTIL] = {"S": key.upgrades_limited_until.isoformat()}
    return item


def key_of(item: "Mapping[str, AttributeValueTypeDef]") -> ApiKey:
    tags = item["tags"]["M"] if "tags" in item else {}
    rate = item.get("requests_per_minute")
    budget = item.get("monthly_budget_usd")
    when_spent = item.get("when_spent", {"S": "refuse"})
    profile = item.get("profile")
    cap = item.get("max_upgrade_share")
    return ApiKey(
        key_id=item["key_id"]["S"],
        name=item["name"]["S"],
        role="admin" if item["role"]["S"] == "admin" else "client",
        allowed_tiers=frozenset(Tier(int(tier["N"])) for tier in item["allowed_tiers"]["L"]),
        tags={name: value["S"] for name, value in tags.items()},
        requests_per_minute=None if rate is None else int(rate["N"]),
        monthly_budget_usd=None if budget is None else float(budget["N"]),
        when_spent="downgrade" if when_spent["S"] == "downgrade" else "refuse",
        profile=None if profile is None else profile_named(profile["S"]),
        revoked="revoked_at" in item,
        ends_at=_time(item, "ends_at"),
        max_upgrade_share=None if cap is None else float(cap["N"]),
        upgrades_limited_until=_time(item, LIMITED_UNTIL),
    )


def _time(item: "Mapping[str, AttributeValueTypeDef]", name: str) -> datetime | None:
    return datetime.fromisoformat(item[name]["S"]) if name in item else None


class DynamoDbKeyStore:
    """Looks up the key that a request presents. With `consistent`, it sees every change that was
    made before."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, *, consistent: bool = False) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._consistent = consistent

    def find(self, key_hash: str) -> ApiKey | None:
        try:
            found = self._dynamodb.get_item(
                TableName=self._table, Key=key_pk(key_hash), ConsistentRead=self._consistent
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"API keys cannot be checked: {error}") from error
        return key_of(found["Item"]) if "Item" in found else None


def key_pk(key_hash: str) -> "Item":
    return {"pk": {"S": f"{KEY_PREFIX}{key_hash}"}}

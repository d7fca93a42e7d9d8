"""Keys as the API shows them. A secret is shown once, by the call that makes it."""

from collections.abc import Sequence
from datetime import datetime

from route_switch.domain.operations.stored_keys import limited_until, stored_key_as_json
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.list_keys import KeyOfMonth


def key_body(shown: KeyOfMonth, now: datetime) -> JsonObject:
    return {
        **stored_key_as_json(shown.stored, now),
        "limited_until": limited_until(shown.stored.key, now),
        "month": {
            "spent_usd": shown.spent_usd,
            "reserved_usd": shown.reserved_usd,
            "requests": shown.requests,
            "requests_of_unknown_cost": shown.unknown,
        },
    }


def keys_body(shown: Sequence[KeyOfMonth], now: datetime) -> JsonObject:
    return {"object": "list", "data": [key_body(each, now) for each in shown]}

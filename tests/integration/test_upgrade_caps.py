"""A key above its cap on Tier 3: what its requests get, and which requests count."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from route_switch.adapters.keys_table import key_of
from route_switch.adapters.operations.owned_keys import KeysTable
from tests.integration.conftest import ANY, LONG, Api, add_key, by_model
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

KEY = "rs-capped"
TIERS = {name: completion("An answer.", 40, 90) for name in ("small", "medium", "large")}


@pytest.fixture
def asks_for_3(api: Api) -> Api:
    """The router LLM names Tier 3 for every query, and the upgrades of `KEY` are limited."""
    api.upstream.script = by_model(router=completion("3", 1000, 1), **TIERS)
    limit_for(KEY, hours=1)
    return api


def limit_for(key: str, hours: float, tiers: Sequence[int] = ANY) -> None:
    until = datetime.now(UTC) + timedelta(hours=hours)
    add_key(key, tiers, upgrades_limited_until={"S": until.isoformat()})


def told(headers: dict[str, str]) -> tuple[str, str]:
    return headers["x-route-tier"], headers["x-route-reason"]


def month_counters(key: str) -> dict[str, float]:
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    sums: dict[str, float] = {}
    for item in items:
        if item["pk"]["S"].startswith(f"KEY#key_{key}#"):
            for name, value in item.items():
                if name.startswith("routed:"):
                    sums[name] = sums.get(name, 0.0) + float(value["N"])
    return sums


def test_header_record_and_counters_show_that_the_cap_and_not_the_router_chose(
    asks_for_3: Api,
) -> None:
    answer = asks_for_3.chat(LONG, key=KEY)
    assert told(answer.headers) == ("2", "capped")
    record = asks_for_3("GET", f"/v1/results/{answer.body['id']}", key=KEY).body
    shown = (record["tier"], record["routed_tier"], record["decided_tier"], record["reason"])
    assert shown == (2, 3, 2, "capped")
    assert month_counters(KEY) == {"routed:2": 1}
    assert told(asks_for_3.chat(LONG).headers) == ("3", "router"), "another key is not limited"


def test_an_explanation_says_what_the_cap_did_and_when_it_ends(asks_for_3: Api) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": LONG}]}
    decided = asks_for_3("POST", "/v1/route", body, key=KEY).body
    explanation = decided["explanation"]
    assert isinstance(explanation, dict)
    assert (decided["tier"], decided["reason"]) == (2, "capped")
    assert "above its cap (max_upgrade_share), so Tier 2 answers" in str(explanation["sentences"])
    assert "back at the cap" in str(explanation["changes"])
    assert month_counters(KEY) == {}, "a dry run buys no answer"


def test_a_limit_that_was_not_renewed_has_ended(asks_for_3: Api) -> None:
    limit_for("rs-released", hours=-0.01)
    assert told(asks_for_3.chat(LONG, key="rs-released").headers) == ("3", "router")


def test_what_the_client_names_is_not_limited(asks_for_3: Api) -> None:
    assert told(asks_for_3.chat(LONG, key=KEY, model="tier-3").headers) == ("3", "override")
    above = {"min_tier": 3}
    assert told(asks_for_3.chat(LONG, key=KEY, route_switch=above).headers) == ("3", "router")


def test_a_cap_costs_no_answer_when_tier_2_fails(asks_for_3: Api) -> None:
    asks_for_3.upstream.script = by_model(
        router=completion("3", 1000, 1), **{**TIERS, "medium": failure(500)}
    )
    answer = asks_for_3.chat(LONG, key=KEY)
    assert (answer.status, *told(answer.headers)) == (200, "3", "degraded")


def test_a_key_that_may_use_only_tier_3_is_served(asks_for_3: Api) -> None:
    limit_for("rs-large", hours=1, tiers=[3])
    assert told(asks_for_3.chat(LONG, key="rs-large").headers) == ("3", "router")


def test_the_router_s_own_choice_below_tier_3_keeps_its_reason(asks_for_3: Api) -> None:
    asks_for_3.upstream.script = by_model(router=completion("2", 1000, 1), **TIERS)
    assert told(asks_for_3.chat(LONG, key=KEY).headers) == ("2", "router")


def test_a_limit_is_written_to_every_secret_that_is_valid_and_to_nothing_else(api: Api) -> None:
    table, now = KeysTable(boto3.client("dynamodb"), "keys"), datetime.now(UTC)
    add_key(KEY, max_upgrade_share={"N": "0.3"})
    [stored] = [each for each in table.all() if each.key.name == KEY]
    table.rotate(stored, "a" * 64, now, now + timedelta(days=1))
    [stored] = [each for each in table.all() if each.key.name == KEY]
    before, until = _items(), now + timedelta(hours=3)
    table.limit_upgrades(stored, until, now)
    assert [each.upgrades_limited_until for each in map(key_of, _items())] == [until, until]
    [stored] = [each for each in table.all() if each.key.name == KEY]
    table.limit_upgrades(stored, None, now)
    assert _items() == before


def _items() -> "list[Mapping[str, AttributeValueTypeDef]]":
    found = boto3.client("dynamodb").scan(TableName="keys")["Items"]
    return [item for item in found if item["name"]["S"] == KEY]

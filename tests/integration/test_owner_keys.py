"""Keys over HTTP: an admin key creates, changes, rotates and revokes them."""

import json
from typing import cast

import boto3
import pytest

from route_switch.domain.api_keys import hash_key
from route_switch.domain.operations.stored_keys import check_is_not_last_admin
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    Answer,
    Api,
    add_key,
    by_model,
    forget,
)
from tests.support.upstream import completion

NO_PRICE = (
    "No price is known for openai/small-2, and a key with a budget cannot use such a model. Set "
    "its price in cdk.json, under models.prices."
)
OWN_ID, CLIENT_ID = f"key_{ADMIN_KEY}", f"key_{CLIENT_KEY}"


def ask(api: Api, method: str, path: str, body: object = None, key: str = ADMIN_KEY) -> Answer:
    return api(method, path, body, key)


def made(api: Api, **settings: object) -> dict[str, object]:
    answer = ask(api, "POST", "/v1/keys", {"name": "search", **settings})
    assert answer.status == 201, answer.text
    return answer.body


def changes(api: Api) -> list[dict[str, object]]:
    found = ask(api, "GET", "/v1/audit?what=keys").body["data"]
    assert isinstance(found, list)
    return found


def items() -> list[dict[str, object]]:
    return [dict(item) for item in boto3.client("dynamodb").scan(TableName="keys")["Items"]]


def test_a_new_key_works_at_once_and_its_secret_is_stored_nowhere(api: Api) -> None:
    key = made(api, tiers=[1, 2], tags={"team": "search"}, monthly_budget_usd=5)
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi.", 5, 5))
    secret = str(key["key"])
    assert api.chat(LONG, secret).status == 200
    assert api.chat(LONG, secret, model="tier-3").status == 403
    assert secret.startswith("rs-")
    assert secret not in json.dumps(items())
    assert (key["when_spent"], key["role"], key["warnings"]) == ("refuse", "client", [NO_PRICE])


def test_the_answer_with_a_secret_is_not_to_be_cached(api: Api) -> None:
    answer = ask(api, "POST", "/v1/keys", {"name": "a"})
    rotated = ask(api, "POST", f"/v1/keys/{answer.body['key_id']}/rotate", {})
    assert {each.headers["cache-control"] for each in (answer, rotated)} == {"no-store"}


def test_the_list_has_every_key_with_its_month_and_no_secret_or_hash(api: Api) -> None:
    key = made(api)
    api.upstream.script = by_model(router=completion("1", 1000, 1), small=completion("Hi.", 5, 5))
    api.chat(LONG, str(key["key"]))
    answer = ask(api, "GET", "/v1/keys")
    data = answer.body["data"]
    assert isinstance(data, list)
    found = {each["key_id"]: each for each in data}
    assert {OWN_ID, CLIENT_ID, key["key_id"]} <= set(found)
    month = found[key["key_id"]]["month"]
    assert month["requests"] == 1
    assert month["spent_usd"] > 0
    assert str(key["key"]) not in answer.text
    assert hash_key(str(key["key"])) not in answer.text


def test_what_is_sent_changes_and_the_rest_stays(api: Api) -> None:
    key = made(api, monthly_budget_usd=5, when_spent="downgrade", tags={"a": "1"})
    path = f"/v1/keys/{key['key_id']}"
    changed = ask(api, "PATCH", path, {"name": "other", "requests_per_minute": 7}).body
    assert (changed["name"], changed["requests_per_minute"]) == ("other", 7)
    assert (changed["monthly_budget_usd"], changed["when_spent"]) == (5, "downgrade")
    removed = ask(api, "PATCH", path, {"monthly_budget_usd": None, "tags": {}}).body
    assert (removed["monthly_budget_usd"], removed["when_spent"], removed["tags"]) == (
        None,
        None,
        {},
    )
    newest = changes(api)[0]
    assert "5 USD/month" in str(newest["before"])
    assert "USD" not in str(newest["after"])
    assert "name search" in str(changes(api)[1]["before"])


def test_a_new_budget_begins_with_what_the_key_has_spent(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("3", 1000, 1), large=completion("l", 100_000, 100)
    )
    assert api.chat(LONG).status == 200
    ask(api, "PATCH", f"/v1/keys/{CLIENT_ID}", {"monthly_budget_usd": 0.9})
    forget()
    assert api.chat(LONG).error["code"] == "insufficient_quota"


def test_a_rotated_key_has_two_secrets_until_the_grace_ends(api: Api) -> None:
    answer = ask(api, "POST", f"/v1/keys/{CLIENT_ID}/rotate", {"grace_hours": 1})
    secret = str(answer.body["key"])
    forget()
    assert {api("GET", "/v1/models", key=each).status for each in (secret, CLIENT_KEY)} == {200}
    ask(api, "POST", f"/v1/keys/{CLIENT_ID}/rotate", {"grace_hours": 0})
    forget()
    assert api("GET", "/v1/models", key=secret).status == 401


def test_a_revoked_key_is_refused_and_stays_in_the_list(api: Api) -> None:
    answer = ask(api, "DELETE", f"/v1/keys/{CLIENT_ID}")
    assert (answer.status, answer.body["revoked_at"] is not None) == (200, True)
    forget()
    assert api("GET", "/v1/models").status == 401
    again = ask(api, "DELETE", f"/v1/keys/{CLIENT_ID}")
    assert again.body["revoked_at"] == answer.body["revoked_at"]
    changed = ask(api, "PATCH", f"/v1/keys/{CLIENT_ID}", {"tiers": [1]})
    assert (changed.status, changed.error["code"]) == (409, "key_revoked")
    assert "POST /v1/keys" in str(changed.error["message"])


def test_no_admin_key_can_revoke_itself(api: Api) -> None:
    add_key("rs-second", role={"S": "admin"})
    answer = ask(api, "DELETE", f"/v1/keys/{OWN_ID}")
    assert (answer.status, answer.error["code"]) == (409, "own_key")
    assert ask(api, "GET", "/v1/keys").status == 200


def test_a_revoked_admin_key_can_change_nothing_from_then_on(api: Api) -> None:
    """Elsewhere a warm process accepts it for a minute."""
    add_key("rs-second", role={"S": "admin"})
    assert ask(api, "GET", "/v1/keys", key="rs-second").status == 200
    ask(api, "DELETE", "/v1/keys/key_rs-second")
    assert ask(api, "POST", "/v1/keys", {"name": "back door"}, "rs-second").status == 401


def test_two_admin_keys_cannot_revoke_each_other_at_the_same_moment(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key("rs-second", role={"S": "admin"})
    checked = "route_switch.services.operations.change_keys.check_is_not_last_admin"

    def meanwhile(*arguments: object) -> None:
        monkeypatch.setattr(checked, check_is_not_last_admin)
        assert ask(api, "DELETE", f"/v1/keys/{OWN_ID}", key="rs-second").status == 200

    monkeypatch.setattr(checked, meanwhile)
    answer = ask(api, "DELETE", "/v1/keys/key_rs-second")
    assert (answer.status, answer.error["code"]) == (409, "key_changed")
    assert ask(api, "GET", "/v1/keys", key="rs-second").status == 200


def test_an_admin_keys_rate_limit_holds(api: Api) -> None:
    add_key("rs-slow", role={"S": "admin"}, requests_per_minute={"N": "1"})
    answers = [ask(api, "GET", "/v1/keys", key="rs-slow") for _ in range(3)]
    assert answers[-1].status == 429
    assert answers[-1].error["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["'name' is missing"]),
        (
            {"name": "", "tiers": [4], "monthly_budget_usd": -1, "bogus": 1},
            ["'name'", "'tiers.0'", "'monthly_budget_usd'", "'bogus' is not a known field"],
        ),
        ({"name": "a\nb", "max_upgrade_share": 2}, ["The name", "'max_upgrade_share'"]),
        ({"name": "a", "when_spent": "refuse"}, ["'when_spent'", "without 'monthly_budget_usd'"]),
        (
            {"name": "a", "tiers": [2], "monthly_budget_usd": 1, "when_spent": "downgrade"},
            ["'when_spent': \"downgrade\"", "'tiers' does not allow"],
        ),
        ({"name": "a", "requests_per_minute": True}, ["'requests_per_minute'"]),
        ({"name": "a", "requests_per_minute": 10**40}, ["'requests_per_minute'"]),
        ({"name": "a", "tags": {"t": "x" * 101}}, ["'tags.t'"]),
        ({"name": "a", "role": "owner"}, ["'role'"]),
        ({"name": "a", "tags": {"": "x"}}, ["A name in 'tags' must have at least 1 character."]),
        (
            {"name": "a", "tags": {f"t{n}": "x" for n in range(60)}},
            ["'tags' must have at most 50 entries."],
        ),
        ({"name": "a", "tags": {"a b": 1}}, ["'tags[\"a b\"]' must be a string."]),
        ([], ["must be a JSON object with 'name'."]),
        ({"name": "a", "tiers": []}, ["'tiers'"]),
    ],
)
def test_every_bad_value_of_a_new_key_is_named_by_its_json_field(
    api: Api, body: object, named: list[str]
) -> None:
    before = items()
    answer = ask(api, "POST", "/v1/keys", body)
    assert answer.status == 400
    message = str(answer.error["message"])
    assert [each for each in named if each not in message] == [], message
    assert "--" not in message
    assert items() == before


def test_nothing_but_a_json_object_of_a_sensible_size_is_read(api: Api) -> None:
    for body in ("", "[]", "null", "{", '{"name": NaN}'):
        assert ask(api, "POST", "/v1/keys", body).status == 400
    assert ask(api, "POST", "/v1/keys", {"name": "x" * 30_000}).status == 413
    assert ask(api, "PATCH", f"/v1/keys/{CLIENT_ID}", {}).error["code"] == "invalid_value"
    assert ask(api, "PATCH", f"/v1/keys/{CLIENT_ID}", {"role": "admin"}).status == 400
    assert ask(api, "PATCH", f"/v1/keys/{CLIENT_ID}", {"tiers": None}).status == 400


def test_an_unknown_key_is_a_404(api: Api) -> None:
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = ask(api, method, f"/v1/keys/key_nobody{path}", {"tiers": [1]} if not path else {})
        assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_the_trail_names_the_key_that_made_each_change(api: Api) -> None:
    key = made(api)
    ask(api, "POST", f"/v1/keys/{key['key_id']}/rotate", {})
    ask(api, "DELETE", f"/v1/keys/{key['key_id']}")
    found = changes(api)
    assert [each["action"] for each in found] == ["revoke", "rotate", "create"]
    assert {each["by"] for each in found} == {f"key:{OWN_ID} ({ADMIN_KEY})"}
    assert all(each["confirmed"] for each in found)


def test_a_budget_warns_of_models_without_a_price(api: Api) -> None:
    assert made(api, monthly_budget_usd=5)["warnings"] == [NO_PRICE]
    assert made(api)["warnings"] == []


def test_a_cap_on_a_tier_that_the_key_may_not_use_is_a_warning(api: Api) -> None:
    key = made(api, tiers=[1, 2], max_upgrade_share=0.1)
    [warning] = cast("list[str]", key["warnings"])
    assert "'max_upgrade_share' has no effect: the key may not use Tier 3." in warning
    one = f"/v1/keys/{key['key_id']}"
    assert ask(api, "PATCH", one, {"name": "b"}).body["warnings"] == [warning]
    assert ask(api, "PATCH", one, {"tiers": [1, 2, 3]}).body["warnings"] == []
    assert ask(api, "PATCH", one, {"monthly_budget_usd": 5}).body["warnings"] == [NO_PRICE]

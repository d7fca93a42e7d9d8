"""Switches over HTTP."""

import boto3
import pytest

from tests.integration.conftest import ADMIN_KEY, Answer, Api


def ask(api: Api, method: str, body: object = None) -> Answer:
    return api(method, "/v1/switches", body, ADMIN_KEY)


def test_what_is_sent_changes_and_the_other_switches_stay(api: Api) -> None:
    assert ask(api, "GET").body["pin_tier"] is None
    ask(api, "PATCH", {"pin_tier": 2})
    ask(api, "PATCH", {"learning": "off", "routing": "shadow"})
    found = ask(api, "GET").body
    assert (found["pin_tier"], found["routing"], found["learning"]) == (2, "shadow", "off")
    assert ask(api, "PATCH", {"pin_tier": None}).body["pin_tier"] is None
    effects = found["effects"]
    assert isinstance(effects, dict)
    assert set(effects) == {"pin_tier", "routing", "learning"}


def test_the_trail_has_each_change_with_its_key(api: Api) -> None:
    ask(api, "PATCH", {"pin_tier": 3})
    found = api("GET", "/v1/audit?what=switches", key=ADMIN_KEY).body["data"]
    assert isinstance(found, list)
    [entry] = found
    assert entry["by"] == f"key:key_{ADMIN_KEY} ({ADMIN_KEY})"
    assert "pin-tier 3" in entry["after"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "changes nothing"),
        ({"pin_tier": 4, "routing": "maybe"}, "'routing'"),
        ({"pin_tier": True}, "'pin_tier'"),
        ({"router": "off"}, "'router' is not a known field"),
        ({"learning": None}, "'learning'"),
    ],
)
def test_a_bad_switch_is_named_and_changes_nothing(api: Api, body: object, named: str) -> None:
    answer = ask(api, "PATCH", body)
    assert answer.status == 400
    assert named in str(answer.error["message"])
    assert ask(api, "GET").body["routing"] == "on"


def test_unreadable_switches_are_an_error_until_one_is_set(api: Api) -> None:
    boto3.client("ssm").put_parameter(Name="/test/switches", Value="?", Type="String")
    assert ask(api, "GET").error["code"] == "switches_unreadable"
    changed = ask(api, "PATCH", {"learning": "off"}).body
    assert changed["learning"] == "off"
    assert "all that were not sent have their defaults now" in str(changed["note"])
    again = ask(api, "PATCH", {"learning": "on"}).body
    assert "defaults" not in str(again["note"])
    assert ask(api, "GET").status == 200

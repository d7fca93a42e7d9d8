"""`route-switch keys set`: a key's settings change, its secret does not."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.keys_table import key_of
from route_switch.cli import audit, keys, set_key
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.errors import RouteSwitchError
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    Api,
    MakeApi,
    by_model,
    forget,
)
from tests.support.clock import stop_clock
from tests.support.upstream import completion

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ID = f"key_{CLIENT_KEY}"


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    for command in (keys, set_key, audit):
        monkeypatch.setattr(command, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, list(arguments))


def set_(*options: str, key: str = ID) -> dict[str, object]:
    result = run("keys", "set", key, *options, "--json")
    assert result.exit_code == 0, result.output
    changed: dict[str, object] = json.loads(result.stdout)
    return changed


def refusal(*options: str, key: str = ID) -> str:
    before = items()
    result = run("keys", "set", key, *options)
    assert isinstance(result.exception, RouteSwitchError), result.output
    assert items() == before
    return str(result.exception)


def items() -> list[dict[str, object]]:
    return [dict(item) for item in boto3.client("dynamodb").scan(TableName="keys")["Items"]]


def trail() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("audit", "--json").stdout)
    return found


def test_the_answer_has_what_the_key_has_spent(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, set_key)
    api.upstream.script = by_model(small=completion("Hi."))
    assert api.chat("hello").status == 200
    changed = set_("--requests-per-minute", "60")
    assert changed["requests_this_month"] == 1
    assert isinstance(changed["spent_this_month_usd"], float)
    assert changed["spent_this_month_usd"] > 0


def test_what_is_given_changes_and_the_rest_stays() -> None:
    first = set_("--monthly-budget-usd", "5", "--when-spent", "downgrade", "--tag", "team=search")
    assert (first["monthly_budget_usd"], first["when_spent"]) == (5, "downgrade")
    second = set_("--requests-per-minute", "60", "--profile", "cost", "--tag", "env=dev")
    assert second["tags"] == {"team": "search", "env": "dev"}
    third = set_("--tiers", "1,2", "--max-upgrade-share", "0.3", "--untag", "team")
    assert {name: third[name] for name in first} == {
        **first,
        "tiers": [1, 2],
        "tags": {"env": "dev"},
        "requests_per_minute": 60,
        "profile": "cost",
        "max_upgrade_share": 0.3,
    }


def test_none_removes_a_setting_with_all_that_belongs_to_it() -> None:
    before = items()
    set_("--monthly-budget-usd", "5", "--when-spent", "downgrade", "--requests-per-minute", "9")
    set_("--profile", "cost", "--max-upgrade-share", "1")
    set_("--monthly-budget-usd", "none", "--requests-per-minute", "none")
    set_("--profile", "none", "--max-upgrade-share", "none")
    assert items() == before


def test_a_changed_key_has_the_new_limits_with_the_same_secret(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("3", 1000, 1), medium=completion("m"), large=completion("l")
    )
    assert api.chat(LONG).headers["x-route-tier"] == "3"
    set_("--tiers", "1,2")
    forget()  # what a warm process does within a minute
    assert api.chat(LONG).headers["x-route-tier"] == "2"
    assert api.chat(LONG, model="tier-3").status == 403


def test_a_new_budget_begins_with_what_the_key_has_spent_this_month(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch, set_key)
    api.upstream.script = by_model(
        router=completion("3", 1000, 1), large=completion("l", 100_000, 100)
    )
    assert api.chat(LONG).status == 200
    set_("--monthly-budget-usd", "0.9")
    forget()
    assert api.chat(LONG).error["code"] == "insufficient_quota"
    set_("--monthly-budget-usd", "none")
    forget()
    assert api.chat(LONG).status == 200
    set_("--monthly-budget-usd", "1.9")
    forget()
    assert api.chat(LONG).error["code"] == "insufficient_quota", "what it spent in between"
    set_("--monthly-budget-usd", "4")
    forget()
    assert api.chat(LONG).status == 200


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--monthly-budget-usd", "ten", "it must be a number"),
        ("--max-upgrade-share", "30%", "it must be a number"),
        ("--requests-per-minute", "6.5", "it must be a whole number"),
    ],
)
def test_a_value_that_is_not_a_number_is_refused_in_plain_words(
    option: str, value: str, says: str
) -> None:
    result = CliRunner().invoke(app, ["keys", "set", ID, option, value])
    assert isinstance(result.exception, RouteSwitchError)
    assert says in str(result.exception)
    assert "convert" not in str(result.exception)


def test_a_cap_is_shown_as_it_is_and_one_without_effect_is_warned_of() -> None:
    shown = run("keys", "set", ID, "--max-upgrade-share", "0.004")
    assert "at most 0.4% on Tier 3" in shown.stdout
    assert "no effect" not in shown.stderr
    said = run("keys", "set", ID, "--tiers", "1,2").stderr
    assert "warning: --max-upgrade-share has no effect: the key may not use Tier 3" in said
    assert "no effect" not in run("keys", "set", ID, "--max-upgrade-share", "none").stderr


def test_all_secrets_of_a_rotated_key_change_and_ended_ones_stay() -> None:
    run("keys", "rotate", ID, "--grace", "0")
    run("keys", "rotate", ID)
    set_("--requests-per-minute", "7")
    found = [key_of(item) for item in _items_of(ID)]
    now = datetime.now(UTC) + timedelta(seconds=1)
    assert sorted((each.refusal(now) is None, each.requests_per_minute) for each in found) == [
        (False, None),
        (True, 7),
        (True, 7),
    ]


def _items_of(key_id: str) -> "list[dict[str, AttributeValueTypeDef]]":
    found = boto3.client("dynamodb").scan(TableName="keys")["Items"]
    return [item for item in found if item["key_id"]["S"] == key_id]


def test_the_audit_trail_has_the_settings_before_and_after() -> None:
    set_("--tiers", "1,2", "--tag", "team=search")
    [entry] = trail()
    assert (entry["action"], entry["subject"]) == ("set", ID)
    assert entry["before"] == "tiers 1, 2, 3"
    assert entry["after"] == "tiers 1, 2; tags team=search"
    assert "arn:aws" in str(entry["by"])


def test_settings_that_a_key_already_has_are_not_a_change() -> None:
    set_("--tiers", "1,2")
    result = run("keys", "set", ID, "--tiers", "2,1")
    assert result.exit_code == 0
    assert "has these settings already" in result.stderr
    assert len(trail()) == 1


def test_a_warning_names_the_models_that_a_budget_excludes(make_api: MakeApi) -> None:
    """The catalog has no price for the fallback of Tier 1."""
    assert "openai/small-2" in run("keys", "set", ID, "--monthly-budget-usd", "5").stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--tiers", "0"], "one or more of 1, 2 and 3"),
        (["--monthly-budget-usd", "0"], "an amount above 0"),
        (["--monthly-budget-usd", "much"], "'none' removes it"),
        (["--monthly-budget-usd", "nan"], "an amount above 0"),
        (["--requests-per-minute", "0"], "at least 1"),
        (["--requests-per-minute", "1.5"], "'none' removes it"),
        (["--when-spent", "refuse"], "without --monthly-budget-usd"),
        (
            ["--tiers", "2", "--monthly-budget-usd", "1", "--when-spent", "downgrade"],
            "which --tiers does not allow",
        ),
        (["--profile", "cheap"], "quality, balanced, cost"),
        (["--max-upgrade-share", "0"], "above 0 and at most 1"),
        (["--max-upgrade-share", "30"], "above 0 and at most 1"),
        (["--max-upgrade-share", "nan"], "above 0 and at most 1"),
        (["--tag", "team"], "has no '='"),
        (["--untag", "team"], "has no such tag"),
    ],
)
def test_settings_that_no_key_could_be_created_with_are_refused(
    options: list[str], told: str
) -> None:
    assert told in refusal(*options)


def test_a_change_may_not_contradict_what_stays() -> None:
    set_("--monthly-budget-usd", "5", "--when-spent", "downgrade")
    assert "which --tiers does not allow" in refusal("--tiers", "2,3")


def test_a_revoked_or_unknown_key_is_not_changed() -> None:
    run("keys", "revoke", ID)
    assert "is revoked" in refusal("--tiers", "1")
    assert "There is no key" in refusal("--tiers", "1", key="nobody")


def test_an_admin_key_stays_an_admin_key(api: Api) -> None:
    set_("--requests-per-minute", "9", key=f"key_{ADMIN_KEY}")
    forget()
    assert api("GET", "/v1/costs", key=ADMIN_KEY).status == 200


def test_another_cap_ends_a_limit_at_once_and_another_setting_does_not() -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    [item] = _items_of(ID)
    limited = {**item, "upgrades_limited_until": {"S": until}}
    boto3.client("dynamodb").put_item(TableName="keys", Item=limited)
    assert set_("--tiers", "1,2")["upgrades_limited_until"] == until
    assert "upgrades limited now" in run("keys", "list").stdout
    assert set_("--max-upgrade-share", "0.5")["upgrades_limited_until"] is None

"""`route-switch keys` against DynamoDB, and the keys' effect on the API."""

import json
from collections.abc import Sequence

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.results_table import SHARDS, month_key
from route_switch.cli import keys
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.api_keys import hash_key
from route_switch.domain.errors import RouteSwitchError
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, Api, MakeApi
from tests.support.clock import NOW, stop_clock

CLIENT_ID = f"key_{CLIENT_KEY}"


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    monkeypatch.setattr(keys, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    """Use a terminal that is wide enough for one row per line."""
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["keys", *arguments])


def refusal(*arguments: str) -> str:
    """Return the command's message when it refuses."""
    before = items()
    result = run(*arguments)
    assert isinstance(result.exception, RouteSwitchError), result.output
    assert items() == before
    return str(result.exception)


def create(*arguments: str) -> dict[str, object]:
    result = run("create", *arguments, "--json")
    assert result.exit_code == 0, result.output
    made: dict[str, object] = json.loads(result.stdout)
    return made


def listed(*arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("list", *arguments, "--json").stdout)
    return found


def items() -> list[dict[str, object]]:
    return [dict(item) for item in boto3.client("dynamodb").scan(TableName="keys")["Items"]]


def names(found: Sequence[dict[str, object]]) -> set[object]:
    return {each["name"] for each in found}


def test_stdout_has_only_the_key_which_works_and_only_its_hash_is_stored(api: Api) -> None:
    result = run("create", "search")
    key = result.stdout.removesuffix("\n")
    assert key.startswith("rs-")
    assert "\n" not in key
    assert "shown only once" in result.stderr
    assert key not in result.stderr
    assert api("GET", "/v1/models", key=key).status == 200
    assert key not in json.dumps(items())
    assert f"KEY#{hash_key(key)}" in json.dumps(items())


def test_a_key_has_the_limits_and_tags_it_was_created_with() -> None:
    made = create(
        *("search", "--tag", "team=search", "--tag", "env=prod", "--tiers", "2,1", "--admin"),
        *("--requests-per-minute", "60", "--monthly-budget-usd", "12.5"),
        *("--when-spent", "downgrade", "--profile", "cost", "--max-upgrade-share", "0.3"),
    )
    [found] = [each for each in listed() if each["key_id"] == made["key_id"]]
    assert found == {name: value for name, value in made.items() if name != "key"}
    assert found == {
        "key_id": made["key_id"],
        "name": "search",
        "role": "admin",
        "tiers": [1, 2],
        "tags": {"team": "search", "env": "prod"},
        "requests_per_minute": 60,
        "monthly_budget_usd": 12.5,
        "when_spent": "downgrade",
        "spent_this_month_usd": 0.0,
        "reserved_this_month_usd": 0.0,
        "requests_this_month": 0,
        "profile": "cost",
        "max_upgrade_share": 0.3,
        "upgrades_limited_until": None,
        "requests_of_unknown_cost": 0,
        "created_at": made["created_at"],
        "rotated_at": None,
        "former_secrets_end_at": [],
        "revoked_at": None,
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--tiers", ""], "one or more of 1, 2 and 3"),
        (["--tiers", "1,4"], "one or more of 1, 2 and 3"),
        (["--monthly-budget-usd", "0"], "an amount above 0"),
        (["--monthly-budget-usd", "nan"], "an amount above 0"),
        (["--monthly-budget-usd", "inf"], "an amount above 0"),
        (["--when-spent", "refuse"], "without --monthly-budget-usd"),
        (
            ["--tiers", "2,3", "--monthly-budget-usd", "1", "--when-spent", "downgrade"],
            "which --tiers does not allow",
        ),
        (["--max-upgrade-share", "30"], "above 0 and at most 1"),
        (["--tag", "team"], "has no '='"),
        (["--tag", "team=a", "--tag", "team=b"], "twice"),
        (["--tag", "=a"], "1 to 100 printable"),
        (["--tag", "a="], "1 to 100 printable"),
    ],
)
def test_nonsensical_options_create_no_key(options: list[str], told: str) -> None:
    assert told in refusal("create", "search", *options)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "\x1b[31m"])
def test_a_name_must_be_short_and_printable(name: str) -> None:
    assert "1 to 100 printable" in refusal("create", name)


def test_a_budget_that_cannot_be_enforced_causes_a_warning(make_api: MakeApi) -> None:
    """The catalog has no price for the fallback of Tier 1."""
    result = run("create", "a", "--monthly-budget-usd", "5")
    assert "warning: no price is known for openai/small-2" in result.stderr
    assert result.stdout.count("\n") == 1
    assert "warning" not in run("create", "b", "--monthly-budget-usd", "5", "--tiers", "2").stderr
    assert "warning" not in run("create", "c").stderr


def test_the_list_sums_the_months_shards_and_marks_unknown_costs(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch, keys)
    for shard in range(SHARDS):
        counters = {"cost_usd": {"N": "0.25"}, "cost_usd:unknown": {"N": "1"}}
        item = {**month_key(CLIENT_ID, f"{NOW:%Y-%m}", shard), **counters}
        boto3.client("dynamodb").put_item(TableName="results", Item=item)
    before = {**month_key(CLIENT_ID, "2020-01", 0), "cost_usd": {"N": "9"}}
    boto3.client("dynamodb").put_item(TableName="results", Item=before)
    by_id = {each["key_id"]: each for each in listed()}
    assert by_id[CLIENT_ID]["spent_this_month_usd"] == 4.0
    assert by_id[CLIENT_ID]["requests_of_unknown_cost"] == 16
    assert by_id["key_rs-other"]["spent_this_month_usd"] == 0.0
    assert "4.0000 USD" in (table := run("list").stdout)
    assert "+ 16 unpriced" in table


def test_the_list_shows_tags_and_no_hash() -> None:
    made = create("with [brackets]", "--tag", "team=a", "--tag", "env=prod")
    create("other", "--tag", "team=b")
    for shown in (run("list").stdout, run("list", "--json").stdout):
        assert hash_key(str(made["key"])) not in shown
        assert str(made["key"]) not in shown
    assert "with [brackets]" in run("list").stdout
    assert names(listed("--tag", "team=a")) == {"with [brackets]"}
    assert names(listed("--tag", "team=a", "--tag", "env=dev")) == set()


def test_a_key_is_revoked_once_and_refused_with_the_reason(api: Api) -> None:
    made = create("search")
    done = run("revoke", "search")
    assert done.stdout == f"{made['key_id']} (search) is revoked.\n"
    assert "for 60 s more" in done.stderr
    [found] = [each for each in listed() if each["name"] == "search"]
    assert found["revoked_at"] is not None
    again = run("revoke", str(made["key_id"]))
    assert (again.exit_code, again.stdout) == (
        0,
        f"{made['key_id']} (search) was revoked already.\n",
    )
    assert [each for each in listed() if each["name"] == "search"] == [found]
    refused = api("GET", "/v1/models", key=str(made["key"]))
    assert refused.status == 401
    assert "was revoked" in json.dumps(refused.body)


def test_an_ambiguous_or_unknown_name_revokes_nothing() -> None:
    first, second = create("search"), create("search")
    told = refusal("revoke", "search")
    assert str(first["key_id"]) in told
    assert str(second["key_id"]) in told
    assert "2 active keys are named 'search'" in told
    run("revoke", str(first["key_id"]))
    assert str(second["key_id"]) in run("revoke", "search").stdout, "the one that is not revoked"
    assert "revoked already" in run("revoke", "search").stdout
    assert "There is no key 'nobody'" in refusal("revoke", "nobody")


def test_the_last_admin_key_is_revoked_only_by_force() -> None:
    create("a", "--admin")
    assert run("revoke", ADMIN_KEY).exit_code == 0
    assert "the last admin key" in refusal("revoke", "a")
    assert run("revoke", "a", "--force").exit_code == 0
    assert "revoked already" in run("revoke", ADMIN_KEY).stdout

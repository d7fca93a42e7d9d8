"""`route-switch keys rotate`: a new secret for the same key."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.cli import audit, keys
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.api_keys import hash_key
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.operations.stored_keys import StoredKey
from route_switch.services.authenticate import Authenticate
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, Api, forget

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ID = f"key_{CLIENT_KEY}"


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    for command in (keys, audit):
        monkeypatch.setattr(command, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, list(arguments))


def rotated(key: str = ID, *options: str) -> str:
    """Return the new secret."""
    result = run("keys", "rotate", key, *options)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refusal(*arguments: str) -> str:
    before = boto3.client("dynamodb").scan(TableName="keys")["Items"]
    result = run("keys", *arguments)
    assert isinstance(result.exception, RouteSwitchError), result.output
    assert boto3.client("dynamodb").scan(TableName="keys")["Items"] == before
    return str(result.exception)


def status(api: Api, key: str) -> int:
    """Ask a process that has cached no key."""
    forget()
    return api("GET", "/v1/models", key=key).status


def table() -> KeysTable:
    return KeysTable(boto3.client("dynamodb"), "keys")


def stored(key_id: str = ID) -> StoredKey:
    [found] = [each for each in table().all() if each.key.key_id == key_id]
    return found


def trail() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("audit", "--json").stdout)
    return found


def test_both_secrets_are_valid_during_the_grace_period_and_belong_to_one_key(api: Api) -> None:
    asked = api.chat("why is the sky blue?", key=CLIENT_KEY)
    new = rotated()
    assert status(api, CLIENT_KEY) == status(api, new) == 200
    result = api("GET", f"/v1/results/{asked.body['id']}", key=new)
    assert result.status == 200, "records stay with the key"
    assert stored().key.key_id == ID
    assert len(stored().still_valid(datetime.now(UTC) + DAY - timedelta(minutes=1))) == 1
    assert len(stored().still_valid(datetime.now(UTC) + DAY)) == 0


def test_the_former_secret_ends_by_itself_even_in_a_process_that_has_cached_it() -> None:
    clock = [NOW]
    authenticate = Authenticate(_store(), lambda: 0.0, lambda: clock[0])
    table().rotate(stored(), hash_key("rs-new"), NOW, NOW + DAY)
    for moment in (NOW, NOW + DAY - timedelta(seconds=1)):
        clock[0] = moment
        assert authenticate(f"Bearer {CLIENT_KEY}").key_id == ID
    clock[0] = NOW + DAY
    with pytest.raises(RouteSwitchError, match="was replaced and ended at 2026-12-01 12:00 UTC"):
        authenticate(f"Bearer {CLIENT_KEY}")
    assert authenticate("Bearer rs-new").key_id == ID


def test_without_grace_the_former_secret_ends_at_once(api: Api) -> None:
    new = rotated(ID, "--grace", "0")
    assert (status(api, CLIENT_KEY), status(api, new)) == (401, 200)


def test_a_second_rotation_shortens_the_time_of_earlier_secrets_and_never_prolongs_it() -> None:
    table().rotate(stored(), hash_key("rs-2"), NOW, NOW + DAY)
    table().rotate(stored(), hash_key("rs-3"), NOW, NOW + 2 * DAY)
    ends = {each.key_hash: each.ends_at for each in stored().former}
    assert ends == {hash_key(CLIENT_KEY): NOW + DAY, hash_key("rs-2"): NOW + 2 * DAY}
    table().rotate(stored(), hash_key("rs-4"), NOW, NOW)
    assert {each.ends_at for each in stored().former} == {NOW}
    assert stored().key_hash == hash_key("rs-4")


def test_a_revocation_ends_all_secrets(api: Api) -> None:
    secrets = [CLIENT_KEY, rotated(), rotated()]
    assert [status(api, each) for each in secrets] == [200, 200, 200]
    assert run("keys", "revoke", ID).exit_code == 0
    assert [status(api, each) for each in secrets] == [401, 401, 401]
    assert "is revoked" in refusal("rotate", ID)


@pytest.mark.parametrize(
    "late",
    [lambda old: table().rotate(old, "b" * 64, NOW, NOW), lambda old: table().revoke(old, NOW)],
)
def test_one_of_two_changes_at_the_same_moment_is_refused(
    late: Callable[[StoredKey], object],
) -> None:
    old = stored()
    table().rotate(old, "a" * 64, NOW, NOW)
    with pytest.raises(RouteSwitchError, match="Nothing was changed"):
        late(old)
    assert stored().key_hash == "a" * 64


def test_an_admin_key_stays_the_only_admin_key(api: Api) -> None:
    new = rotated(f"key_{ADMIN_KEY}")
    assert api("GET", "/v1/costs", key=new).status == 200
    assert "last admin key" in refusal("revoke", f"key_{ADMIN_KEY}")


def test_a_key_is_listed_once_with_the_end_of_its_former_secret() -> None:
    before = len(table().all())
    rotated()
    listed = json.loads(run("keys", "list", "--json").stdout)
    assert len(listed) == before
    [found] = [each for each in listed if each["key_id"] == ID]
    assert found["rotated_at"] is not None
    assert len(found["former_secrets_end_at"]) == 1
    assert "former secret until" in run("keys", "list").stdout


@pytest.mark.parametrize("grace", ["31d", "-1h", "1", "1w", "h", "", "٣h", "721h"])
def test_a_grace_period_that_is_invalid_or_too_long_is_refused(grace: str) -> None:
    assert "--grace" in refusal("rotate", ID, f"--grace={grace}")


def test_a_key_has_few_valid_secrets() -> None:
    for _ in range(5):
        rotated()
    assert "--grace 0" in refusal("rotate", ID)
    rotated(ID, "--grace", "0")
    assert stored().still_valid(datetime.now(UTC) + timedelta(seconds=1)) == ()


def test_rotations_are_in_the_audit_trail_without_secrets() -> None:
    new = rotated()
    [entry] = trail()
    assert (entry["what"], entry["action"], entry["subject"]) == ("keys", "rotate", ID)
    assert "arn:aws" in str(entry["by"])
    assert new not in json.dumps(entry)
    assert hash_key(new) not in json.dumps(entry)


def _store() -> DynamoDbKeyStore:
    return DynamoDbKeyStore(boto3.client("dynamodb"), "keys")

"""`route-switch delete-user`: what DELETE /v1/users/{user} does, from the command line."""

import json
from hashlib import sha256

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.cli import audit, delete_user
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.errors import RouteSwitchError
from route_switch.services.operations import delete_texts
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import CLIENT_KEY, OTHER_KEY, Api
from tests.support.upstream import completion

USER = "customer-17"


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    for command in (delete_user, audit):
        monkeypatch.setattr(command, "find_deployed", lambda stage: deployed)
    api.upstream.script = lambda _: completion("1")


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), input=answer)


def ask(api: Api, user: str, key: str) -> str:
    return str(api.chat("What is the xylophone for?", key=key, user=user).body["id"])


def records() -> set[str]:
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    prefix = "RESULT#"
    return {i["pk"]["S"].removeprefix(prefix) for i in items if i["pk"]["S"].startswith(prefix)}


def test_the_requests_of_every_key_are_deleted_and_those_of_others_stay(api: Api) -> None:
    mine = {ask(api, USER, CLIENT_KEY), ask(api, USER, OTHER_KEY)}
    others = {ask(api, "customer-1", CLIENT_KEY), ask(api, f"{USER}0", CLIENT_KEY)}
    assert records() == mine | others
    result = run("delete-user", USER, "--yes", "--json")
    assert json.loads(result.stdout) == {"requests": 2, "pending": [], "remains": []}
    assert records() == others
    assert "deleted: 0 requests" in run("delete-user", USER, "--yes").stdout


def test_the_audit_trail_says_that_and_how_much_was_deleted_but_not_of_whom(api: Api) -> None:
    ask(api, USER, CLIENT_KEY)
    run("delete-user", USER, "--yes")
    trail = run("audit", "--json", "--what", "texts").stdout
    [entry] = json.loads(trail)
    assert (entry["action"], entry["after"], entry["confirmed"]) == (
        "delete user",
        "1 request",
        True,
    )
    digest = sha256(USER.encode()).hexdigest()
    assert digest[:8] not in str(boto3.client("dynamodb").scan(TableName="results")["Items"])
    assert USER not in str(boto3.client("dynamodb").scan(TableName="results")["Items"])


def test_it_goes_on_until_all_is_deleted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has no time left deletes one batch."""
    for _ in range(5):
        ask(api, USER, CLIENT_KEY)
    monkeypatch.setattr(delete_texts, "BATCH_SIZE", 1)
    monkeypatch.setattr(delete_texts, "TIME_LIMIT_S", 0.05)
    result = run("delete-user", USER, "--yes")
    assert "deleted: 5 requests" in result.stdout
    assert records() == set()


def test_a_user_without_requests_is_an_error_that_says_how_users_are_named(api: Api) -> None:
    ask(api, USER, CLIENT_KEY)
    result = run("delete-user", USER.upper(), "--yes")
    assert isinstance(result.exception, RouteSwitchError)
    assert "match the `user` field of the requests exactly" in str(result.exception)


def test_without_an_answer_the_option_yes_is_named(api: Api) -> None:
    for answer in ("", "n\n"):
        result = run("delete-user", USER, answer=answer)
        assert isinstance(result.exception, RouteSwitchError)
        assert "add --yes" in str(result.exception)


def test_nothing_is_deleted_without_a_yes(api: Api) -> None:
    kept = {ask(api, USER, CLIENT_KEY)}
    assert run("delete-user", USER, answer="n\n").exit_code == 1
    assert records() == kept
    assert run("delete-user", USER, answer="y\n").exit_code == 0
    assert records() == set()


@pytest.mark.parametrize("user", ["", "x" * 2000])
def test_a_name_that_no_request_can_have_is_refused(user: str) -> None:
    result = run("delete-user", user, "--yes")
    assert isinstance(result.exception, RouteSwitchError)
    assert "characters" in str(result.exception)


def test_backups_are_named_if_the_tables_have_them(api: Api) -> None:
    ask(api, USER, CLIENT_KEY)
    boto3.client("dynamodb").update_continuous_backups(
        TableName="results",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    assert "remains: point-in-time backups" in run("delete-user", USER, "--yes").stdout

"""`GET /v1/audit`: the audit trail for admin keys, newest first, in pages."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from typer.testing import CliRunner

from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.cli import audit
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.operations.audit import Area, AuditEntry, Change, State
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, Api

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def add(at: datetime, number: int, state: State = "done", area: Area = "keys") -> None:
    change = Change(area, "set", f"subject {number}", None, "after" if state == "done" else None)
    entry = AuditEntry(at, f"{number:x}", "arn:aws:iam::1:user/ann", state, change)
    DynamoDbAudit(boto3.client("dynamodb"), "results").add(entry)


def ask(api: Api, parameters: str = "") -> dict[str, object]:
    answer = api("GET", f"/v1/audit{parameters}", key=ADMIN_KEY)
    assert answer.status == 200, answer.text
    return answer.body


def subjects(body: dict[str, object]) -> list[str]:
    data = body["data"]
    assert isinstance(data, list)
    return [str(each["subject"]).removeprefix("subject ") for each in data]


def all_pages(api: Api, parameters: str) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        body = ask(api, f"{parameters}{cursor}")
        pages.append(subjects(body))
        if body["cursor"] is None:
            return pages
        cursor = f"&cursor={body['cursor']}"


def test_changes_are_listed_newest_first_in_pages_over_months_and_years(api: Api) -> None:
    for number, days in enumerate((0, 1, 40, 41, 100, 400, 730)):
        add(NOW - days * DAY, number)
    assert ask(api)["cursor"] is None
    assert all_pages(api, "?limit=3") == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert all_pages(api, "?limit=7") == [["0", "1", "2", "3", "4", "5", "6"]]
    assert [len(page) for page in all_pages(api, "?limit=1")] == [1] * 7


def test_an_empty_trail_is_an_empty_list(api: Api) -> None:
    assert ask(api) == {"object": "list", "data": [], "cursor": None}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_change_over_the_turn_of_a_month_is_one_change_on_every_page(
    api: Api, limit: int
) -> None:
    turn = NOW.replace(day=1, hour=0, minute=0, second=0)
    add(turn - timedelta(seconds=2), 1)
    add(turn - timedelta(seconds=1), 2, "begun", "prompt")
    add(turn + timedelta(seconds=1), 2, "done", "prompt")
    add(turn - timedelta(days=1), 3)
    pages = all_pages(api, f"?limit={limit}")
    assert [number for page in pages for number in page] == ["2", "1", "3"]
    found = json.dumps(ask(api, "?what=prompt")["data"])
    assert '"after": "after", "confirmed": true' in found


def test_changes_at_the_same_moment_are_all_listed(api: Api) -> None:
    for number in range(5):
        add(NOW, number)
    pages = all_pages(api, "?limit=2")
    assert sorted(number for page in pages for number in page) == ["0", "1", "2", "3", "4"]


def test_only_one_kind_is_listed_if_asked(api: Api) -> None:
    for number, area in enumerate(("keys", "prompt", "texts", "keys")):
        add(NOW - number * DAY, number, area=area)  # type: ignore[arg-type]  # each is an area
    assert subjects(ask(api, "?what=keys")) == ["0", "3"]
    assert all_pages(api, "?limit=1&what=keys") == [["0"], ["3"]]


def test_the_api_shows_what_the_command_line_shows(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    monkeypatch.setattr(audit, "find_deployed", lambda stage: deployed)
    add(NOW, 1, "begun", "prompt")
    add(NOW - DAY, 2)
    said = CliRunner().invoke(app, ["audit", "--json"]).stdout
    assert json.loads(said)[::-1] == ask(api)["data"]


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("rs-wrong", 401), (CLIENT_KEY, 403)])
def test_the_trail_needs_an_admin_key(api: Api, key: str | None, status: int) -> None:
    assert api("GET", "/v1/audit", key=key).status == status


@pytest.mark.parametrize(
    "parameters",
    [
        "?limit=0",
        "?limit=101",
        "?limit=-1",
        "?limit=ten",
        "?limit=٣",
        "?what=everything",
        "?cursor=",
        "?cursor=7",
        "?cursor=2026-13-30T12:00:00.000Z_0f",
        "?cursor=2026-11-30T12:00:00.000Z_x",
        "?cursor=2026-11-30T12:00:00.000Z_0f%23",
    ],
)
def test_a_wrong_parameter_is_named(api: Api, parameters: str) -> None:
    answer = api("GET", f"/v1/audit{parameters}", key=ADMIN_KEY)
    assert answer.status == 400
    assert answer.error["param"] == parameters[1:].partition("=")[0]

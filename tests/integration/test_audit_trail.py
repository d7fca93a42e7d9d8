"""The audit trail: who changed the prompt, keys and switches, and from what to what."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.cli import audit, keys, switch
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import StoreError
from route_switch.domain.operations.audit import RETENTION, AuditEntry, Change, merged
from route_switch.domain.prompt_document import to_markdown
from route_switch.services.operations.audited_deletions import deletions_of_day
from route_switch.services.operations.record_change import RecordChange
from route_switch.services.prompts.audited_prompts import AuditedPrompts
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, Api
from tests.support.upstream import completion

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHANGE = Change("prompt", "push", "live", "version 1", "version 2")


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    for command in (keys, audit, switch):
        monkeypatch.setattr(command, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))


def listed(*options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("audit", *options, "--json").stdout)
    return found


def trail() -> DynamoDbAudit:
    return DynamoDbAudit(boto3.client("dynamodb"), "results")


@dataclass
class FailingTrail:
    """Takes this many entries."""

    left: int
    taken: list[AuditEntry] = field(default_factory=list)

    def add(self, entry: AuditEntry) -> None:
        if len(self.taken) >= self.left:
            raise StoreError("The audit trail is unavailable.")
        self.taken.append(entry)

    def add_once(self, entry: AuditEntry) -> None:
        self.add(entry)


def test_keys_and_switches_are_recorded_with_caller_before_and_after() -> None:
    run("keys", "create", "search")
    run("keys", "revoke", "search")
    run("switch", "pin-tier", "3")
    created, revoked, pinned = listed()
    assert (created["action"], revoked["action"]) == ("create", "revoke")
    assert created["subject"] == revoked["subject"]
    assert (created["before"], created["after"]) == (None, "client; tiers 1, 2, 3")
    assert (pinned["before"], pinned["after"]) == (
        "pin-tier off, routing on, learning on",
        "pin-tier 3, routing on, learning on",
    )
    assert {str(each["by"])[:8] for each in (created, revoked, pinned)} == {"arn:aws:"}
    assert all(each["confirmed"] for each in (created, revoked, pinned))
    assert listed("--what", "switches") == [pinned]
    assert "switches: set switches" in run("audit").stdout


def test_deletions_over_http_are_recorded_with_the_key_that_made_them(api: Api) -> None:
    api.upstream.script = lambda _: completion("1")
    mine, other = (str(api.chat("hello", user=name).body["id"]) for name in ("ann", "bob"))
    assert api("DELETE", f"/v1/results/{mine}", key=ADMIN_KEY).status == 200
    assert api("DELETE", "/v1/users/bob", key=ADMIN_KEY).status == 200
    by_id, by_user = listed("--what", "texts")
    assert (by_id["by"], by_id["action"], by_id["subject"], by_id["after"]) == (
        f"key:key_{ADMIN_KEY} ({ADMIN_KEY})",
        "delete request",
        mine,
        "1 request",
    )
    assert (by_user["by"], by_user["action"]) == (
        f"key:key_{ADMIN_KEY} ({ADMIN_KEY})",
        "delete user",
    )
    assert "bob" not in str(by_user)
    assert other not in str(by_user)


def test_all_deletions_of_a_client_key_share_one_entry_a_day(api: Api) -> None:
    """A client that deletes what it has asked for must not bury the owners' changes."""
    api.upstream.script = lambda _: completion("1")
    for _ in range(3):
        mine = str(api.chat("hello").body["id"])
        assert api("DELETE", f"/v1/results/{mine}").status == 200
    api.chat("hello", user="ann")
    assert api("DELETE", "/v1/users/ann").status == 200
    [entry] = listed("--what", "texts")
    assert (entry["by"], entry["action"], entry["subject"], entry["confirmed"]) == (
        f"key:key_{CLIENT_KEY} ({CLIENT_KEY})",
        "delete requests",
        "requests of the key",
        True,
    )
    assert str(entry["after"]).startswith("one or more on ")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.datetimes(datetime(2026, 11, 29), datetime(2026, 12, 2), timezones=st.just(UTC)),
        ),
        min_size=1,
    )
)
def test_the_trail_has_one_entry_for_each_client_key_and_day(
    deletions: list[tuple[str, datetime]],
) -> None:
    entries = {deletions_of_day(ApiKey(key, key, "client"), at) for key, at in deletions}
    assert len(entries) == len({(key, at.date()) for key, at in deletions})
    assert all(entry.at.time() == time.min for entry in entries)


def test_a_deletion_of_nothing_is_not_recorded(api: Api) -> None:
    """Otherwise any key could fill the trail."""
    assert api("DELETE", "/v1/results/chatcmpl-0123456789abcdef0123456789abcdef").status == 404
    assert api("DELETE", "/v1/users/nobody").status == 200
    assert listed() == []


def test_a_deletion_that_was_made_does_not_fail_because_of_its_entry(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.upstream.script = lambda _: completion("1")
    mine = str(api.chat("hello").body["id"])

    def fail(*_: object) -> None:
        raise StoreError("The audit trail is unavailable.")

    monkeypatch.setattr(DynamoDbAudit, "add_once", fail)
    assert api("DELETE", f"/v1/results/{mine}").status == 200


def test_a_prompt_is_recorded_with_its_versions_and_digest() -> None:
    ssm = boto3.client("ssm")
    prompts = SsmPromptStore(ssm, "/test/prompt/live", "/test/prompt/seed")
    record = RecordChange(trail(), lambda: "route-switch: run 1")
    store = AuditedPrompts(prompts, record, "promote")
    text = to_markdown(packaged_prompt())
    assert (store.put_live(text), store.put_live(f"{text}\n")) == (1, 2)
    first, second = listed()
    digest = packaged_prompt().version
    assert (first["before"], first["after"]) == (None, f"version 1 ({digest})")
    assert str(second["before"]) == f"version 1 ({digest})"
    assert (second["by"], second["action"]) == ("route-switch: run 1", "promote")
    assert text[:40] not in json.dumps(listed())


def test_nothing_is_changed_that_cannot_be_recorded_before() -> None:
    made: list[int] = []
    record = RecordChange(FailingTrail(0), lambda: "me")
    with pytest.raises(StoreError):
        record(CHANGE, lambda: made.append(1), lambda _: "")
    assert made == []


def test_a_change_that_was_made_does_not_fail_because_of_its_second_entry() -> None:
    failing = FailingTrail(1)
    assert RecordChange(failing, lambda: "me")(CHANGE, lambda: 7, str) == 7
    assert [each.state for each in failing.taken] == ["begun"]


def test_a_change_that_failed_is_listed_as_not_confirmed() -> None:
    def fail() -> int:
        raise ValueError("timed out")

    with pytest.raises(ValueError, match="timed out"):
        RecordChange(trail(), lambda: "me")(CHANGE, fail, str)
    [entry] = listed()
    assert entry["confirmed"] is False
    assert "(not confirmed)" in run("audit").stdout


def test_entries_are_read_over_months_and_years_from_the_given_time_on() -> None:
    moments = [NOW - timedelta(days=days) for days in (500, 400, 90, 31, 1, 0)]
    for number, moment in enumerate(moments):
        trail().add(AuditEntry(moment, f"{number}", "me", "done", CHANGE))
    found = trail().since(NOW - timedelta(days=400), NOW)
    assert [each.at for each in found] == moments[1:]


def test_entries_stay_for_at_least_400_days_and_are_never_overwritten() -> None:
    entry = AuditEntry(NOW, "1", "me", "done", CHANGE)
    trail().add(entry)
    with pytest.raises(StoreError):
        trail().add(AuditEntry(NOW, "1", "someone else", "done", CHANGE))
    [item] = [
        each
        for each in boto3.client("dynamodb").scan(TableName="results")["Items"]
        if each["pk"]["S"].startswith("AUDIT#")
    ]
    assert item["by"] == {"S": "me"}
    kept = int(item["expires_at"]["N"]) - NOW.timestamp()
    assert kept == RETENTION.total_seconds() >= timedelta(days=400).total_seconds()


def test_a_change_has_one_entry_with_the_time_it_began_and_the_result_it_ended_with() -> None:
    begun = AuditEntry(NOW, "1", "me", "begun", Change("prompt", "push", "live"))
    done = AuditEntry(NOW + timedelta(seconds=1), "1", "me", "done", CHANGE)
    [entry] = merged([done, begun])
    assert (entry.at, entry.state, entry.change) == (NOW, "done", CHANGE)


@pytest.mark.parametrize("since", ["0h1", "yesterday", "800d", ""])
def test_a_period_that_is_invalid_or_longer_than_the_retention_is_refused(since: str) -> None:
    result = run("audit", f"--since={since}")
    assert "--since" in str(result.exception)

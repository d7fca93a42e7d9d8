"""`GET /v1/results`: requests by time, against moto."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.client import BaseClient

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.listed_results import LISTED_SHARDS, listed_entry, listed_key
from route_switch.adapters.results_table import day_key
from route_switch.domain.request_record import RequestRecord
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    MakeApi,
    by_model,
)
from tests.support.records import answered
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from route_switch.domain.ports import TextStore

NOW = datetime.now(UTC)
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(1)
SECOND = timedelta(seconds=1)
FAR = 4_000_000_000
MANY = 10_000


def keep(*records: RequestRecord, expires_at: int = FAR) -> None:
    store = DynamoDbResultStore(boto3.client("dynamodb"), "results", cast("TextStore", None))
    for record in records:
        store.save(record, expires_at)


def made(number: int, at: datetime, **changes: Any) -> RequestRecord:
    return replace(answered(f"r{number}", "q", at), **changes)


def list_many(first: int, last: int) -> None:
    """Put entries alone, 90 s apart: records are not read."""
    items = [listed_entry(made(n, NOON - 90 * n * SECOND), FAR) for n in range(first, last)]
    client = boto3.client("dynamodb")
    for start in range(0, len(items), 25):
        puts: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={"results": puts})


def page(api: Api, parameters: str = "") -> dict[str, Any]:
    answer = api("GET", f"/v1/results{parameters}", key=ADMIN_KEY)
    assert answer.status == 200, answer.text
    return answer.body


def ids(body: dict[str, Any]) -> list[str]:
    return [row["request_id"] for row in body["data"]]


def walk(api: Api, parameters: str = "?") -> Iterator[list[str]]:
    cursor = ""
    while True:
        body = page(api, f"{parameters}{cursor}")
        assert body["has_more"] is (body["cursor"] is not None)
        yield ids(body)
        if not body["has_more"]:
            return
        cursor = f"&cursor={body['cursor']}"


def entries() -> list[dict[str, Any]]:
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return [dict(item) for item in items if item["pk"]["S"].startswith("TIME#")]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Count the items that DynamoDB returns, and the calls, by operation."""
    read: dict[str, int] = {}
    call = vars(BaseClient)["_make_api_call"]

    def counting(self: object, operation: str, kwargs: dict[str, object]) -> Any:
        answer = call(self, operation, kwargs)
        found = answer.get("Items", [])
        for items in answer.get("Responses", {}).values():
            found = [*found, *items]
        read[operation] = read.get(operation, 0) + 1
        read[f"items of {operation}"] = read.get(f"items of {operation}", 0) + len(found)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr("botocore.client.BaseClient._make_api_call", counting)
        yield read


def test_a_page_costs_the_same_however_many_requests_exist_and_a_walk_shows_each_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(12):
        boto3.client("dynamodb").put_item(
            TableName="results", Item=day_key(NOW.date() - timedelta(days), 0)
        )
    list_many(0, 200)
    page(api)  # reads the key, which the process keeps
    with counted(monkeypatch) as few:
        page(api, "?limit=50")
    list_many(200, MANY)
    with counted(monkeypatch) as many:
        newest = page(api, "?limit=50")
    assert ids(newest) == [f"r{n}" for n in range(50)]
    assert few == many, "neither calls nor items grow"
    assert many["Query"] <= 3 * LISTED_SHARDS, "today has no requests yet"
    with counted(monkeypatch) as late:
        page(api, f"?limit=50&cursor={newest['cursor']}")
    assert late["items of Query"] <= many["items of Query"] + LISTED_SHARDS

    seen: list[str] = []
    day = NOON.date() - timedelta(2)  # moto takes 0.1 s to look at one more
    for number, shown in enumerate(walk(api, f"?limit=200&from={day}&to={NOON.date()}")):
        seen += shown
        list_many(-2 * number - 2, -2 * number)  # newer than all that was listed
    wanted = [n for n in range(MANY) if (NOON - 90 * n * SECOND).date() >= day]
    assert seen == [f"r{n}" for n in wanted]
    assert len(wanted) > 2_000


def test_rows_show_what_records_do_and_no_text(api: Api) -> None:
    api.upstream.script = by_model(
        small=failure(500, LONG), small_2=failure(429, LONG), medium=completion("Canary answer.")
    )
    request_id = api.chat("hello canary", user="ada canary").body["id"]
    record = api("GET", f"/v1/results/{request_id}", key=ADMIN_KEY).body
    [row] = page(api)["data"]
    own = {"thumb", "score", "error", "first_token_ms"}
    shown = {name: record.get(name, "balanced") for name in row.keys() - own}
    assert {name: row[name] for name in row.keys() - own} == {
        **shown,
        "latency_ms": pytest.approx(record["latency_ms"], abs=0.051),
    }
    assert (row["thumb"], row["score"], row["first_token_ms"]) == (None, None, None)
    assert row["error"] == "status 429"
    assert page(api, "?error=any")["data"] == [row]
    assert page(api, "?error=none")["data"] == []
    [entry] = entries()
    for text in ("canary", LONG[:20], "ada"):
        assert text not in json.dumps(entry).lower()


def test_each_filter_lists_what_fits_and_nothing_else(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("2"), small=completion("Hi."), medium=completion("Yes.", 37, 211)
    )
    bypassed = api.chat("hello").body["id"]
    routed = api.chat(LONG, OTHER_KEY).body["id"]
    dry = api("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]})
    dry_run = dry.headers["x-request-id"]
    api("POST", "/v1/feedback", {"request_id": bypassed, "thumb": "up"})
    api("POST", "/v1/feedback", {"request_id": routed, "score": 0.25}, OTHER_KEY)
    for parameters, wanted in {
        "tier=1": [bypassed],
        "tier=3": [],
        "reason=bypass": [bypassed],
        "model=openai/medium&status=answered": [routed],
        f"key=key_{OTHER_KEY}": [routed],
        f"key=key_{CLIENT_KEY}": [dry_run, bypassed],
        "status=dry_run": [dry_run],
        "thumb=up": [bypassed],
        "thumb=down": [routed],
        "thumb=none": [dry_run],
        "error=any": [],
        "error=none&status=answered": [routed, bypassed],
        "min_cost_usd=0.001": [routed],
        "min_cost_usd=1e-9&tier=2": [dry_run, routed],
        f"to={NOW.date() - timedelta(1)}": [],
    }.items():
        assert [i for some in walk(api, f"?{parameters}") for i in some] == wanted, parameters
    rows = {row["request_id"]: (row["thumb"], row["score"]) for row in page(api)["data"]}
    assert rows == {bypassed: ("up", 1.0), routed: ("down", 0.25), dry_run: (None, None)}


def test_the_record_shows_its_feedback(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Yes."))
    request_id = api.chat(LONG).body["id"]
    shown = api("GET", f"/v1/results/{request_id}").body
    assert shown["feedback"] is None
    rating = {"request_id": request_id, "score": 0.75, "comment": "Nearly."}
    assert api("POST", "/v1/feedback", rating).status == 200
    shown = api("GET", f"/v1/results/{request_id}").body
    assert shown["feedback"] == {"score": 0.75, "thumb": "up", "comment": "Nearly."}
    assert api("POST", "/v1/feedback", {"request_id": request_id, "thumb": "down"}).status == 200
    shown = api("GET", f"/v1/results/{request_id}").body
    assert shown["feedback"] == {"score": 0.0, "thumb": "down"}


def test_days_are_walked_back_over_gaps_and_expired_requests_are_left_out(api: Api) -> None:
    for number, days in enumerate((0, 1, 5, 61, 89)):
        keep(made(number, NOW - timedelta(days=days)))
    keep(made(9, NOW - timedelta(days=2)), expires_at=1)
    assert [i for some in walk(api) for i in some] == ["r0", "r1", "r2", "r3", "r4"]
    two_days = f"?from={NOW.date() - timedelta(5)}&to={NOW.date() - timedelta(1)}"
    assert ids(page(api, two_days)) == ["r1", "r2"]


def test_the_list_goes_back_a_century_for_any_retention(make_api: MakeApi) -> None:
    api = make_api(retention_days=1_000_000)
    keep(made(1, NOW))
    first = page(api)
    assert (ids(first), first["has_more"]) == (["r1"], True)


def test_an_entry_that_a_later_release_wrote_is_left_out(api: Api) -> None:
    keep(made(1, NOW), made(2, NOW - timedelta(seconds=1)))
    boto3.client("dynamodb").put_item(
        TableName="results",
        Item={
            **listed_key("r1", NOW),
            "row": {"S": '{"reason":"by magic"}'},
            "expires_at": {"N": str(FAR)},
        },
    )
    assert ids(page(api)) == ["r2"]


def test_a_deleted_request_and_a_deleted_user_leave_the_list(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    kept, deleted = (api.chat("hello").body["id"] for _ in range(2))
    api.chat("hello", user="ada")
    assert len(entries()) == 3
    assert api("DELETE", f"/v1/results/{deleted}").status == 200
    assert api("DELETE", "/v1/users/ada").status == 200
    assert ids(page(api)) == [kept]
    assert len(entries()) == 1


def test_a_request_that_is_saved_many_times_has_one_entry(api: Api) -> None:
    record = made(1, NOW)
    store = DynamoDbResultStore(boto3.client("dynamodb"), "results", cast("TextStore", None))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.save(record, FAR), range(8)))
    assert store.bring_home(record, FAR) is False
    assert ids(page(api)) == ["r1"]
    assert len(entries()) == 1


def test_an_entry_takes_one_write_unit(api: Api) -> None:
    long_name = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
    keep(made(1, NOW, model=long_name, request_id=f"chatcmpl-{'0' * 32}"))
    [entry] = entries()
    assert len(json.dumps(entry)) < 700


@pytest.mark.parametrize(
    "parameters",
    [
        "limit=0",
        "limit=201",
        "limit=٣",
        "tier=4",
        "tier=",
        "reason=magic",
        "status=ok",
        "thumb=sideways",
        "error=429",
        "min_cost_usd=-1",
        "min_cost_usd=nan",
        "min_cost_usd=inf",
        "min_cost_usd=1e400",
        "key=",
        "model=",
        "from=2026-02-30",
        "to=tomorrow",
        "from=2026-11-02&to=2026-11-01",
        "cursor=",
        "cursor=7",
        "cursor=%00",
        f"cursor={urlsafe_b64encode(b'2026-13-01').decode().rstrip('=')}",
        f"cursor={urlsafe_b64encode(b'2026-11-01T').decode().rstrip('=')}",
        f"cursor={urlsafe_b64encode(b'9').decode()}",
        f"cursor={'A' * 600}",
    ],
)
def test_a_bad_parameter_is_named(api: Api, parameters: str) -> None:
    answer = api("GET", f"/v1/results?{parameters}", key=ADMIN_KEY)
    assert answer.status == 400
    assert answer.error["param"] == parameters.partition("=")[0]
    assert answer.error["code"] == "invalid_value"


@pytest.mark.parametrize("key", [CLIENT_KEY, OTHER_KEY])
def test_only_an_admin_key_may_list(api: Api, key: str) -> None:
    answer = api("GET", "/v1/results", key=key)
    assert (answer.status, answer.error["code"]) == (403, "admin_key_required")

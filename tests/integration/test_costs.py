"""`GET /v1/costs` against moto, compared with the results that it sums up."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.client import BaseClient

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.learning.dynamodb_cap import DynamoDbCap
from route_switch.adapters.results_table import SHARDS, item_key
from route_switch.api.costs_answer import GROUPS, MAX_RANGE_DAYS
from route_switch.services.operations.sum_costs import BY_MONTH
from tests.integration.conftest import (
    ADMIN_KEY,
    CATALOG,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    MakeApi,
    by_model,
    record_of,
)
from tests.support.records import answered
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from route_switch.domain.ports import TextStore

TODAY = datetime.now(UTC).date()
AROUND = f"from={TODAY - timedelta(1)}&to={TODAY + timedelta(1)}"
"""Also valid if midnight passes while a test runs."""

Row = dict[str, Any]  # JSON is data, not a model


def costs(api: Api, query: str) -> tuple[Row, list[Row]]:
    """Return the total and the rows."""
    answer = api("GET", f"/v1/costs?{query}", key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    return cast("Row", answer.body["total"]), cast("list[Row]", answer.body["data"])


def months_around(group_by: str = "key") -> str:
    """Whole months, in whichever month the requests of a test fall."""
    first = (TODAY.replace(day=1) - timedelta(1)).replace(day=1)
    after_next = (TODAY.replace(day=1) + timedelta(64)).replace(day=1)
    return f"from={first}&to={after_next - timedelta(1)}&group_by={group_by}"


@pytest.fixture
def mixed(api: Api) -> tuple[Api, list[dict[str, object]]]:
    """Requests of two keys: bypassed, routed, with a named tier, failed, and a dry run."""
    api.upstream.script = by_model(
        router=completion("2", 101, 1),
        small=completion("Hi."),
        medium=completion("Yes.", 37, 211),
        large=completion("Indeed.", 40, 90),
    )
    made = [
        api.chat("hello"),
        api.chat(LONG),
        api.chat(LONG, OTHER_KEY),
        api.chat("hello", model="tier-3"),
        api("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]}),
    ]
    api.upstream.script = by_model(
        router=completion("2"),
        **dict.fromkeys(("small", "small_2", "medium", "large"), failure(500)),
    )
    failed = api.chat(LONG)
    assert failed.status == 502
    ids = [answer.headers["x-request-id"] for answer in (*made, failed)]
    return api, [api("GET", f"/v1/results/{id_}", key=ADMIN_KEY).body for id_ in ids]


def sum_of(records: list[dict[str, object]], field: str) -> float:
    return sum(cast("float", record[field]) for record in records if record[field] is not None)


def test_the_total_equals_the_sum_of_the_results(
    mixed: tuple[Api, list[dict[str, object]]],
) -> None:
    api, records = mixed
    total, days = costs(api, AROUND)
    assert total["spent_usd"] == pytest.approx(sum_of(records, "cost_usd"), abs=1e-9)
    assert total["router_usd"] == pytest.approx(sum_of(records, "router_cost_usd"), abs=1e-9)
    baseline = sum_of(records, "baseline_cost_usd")
    assert total["baseline_estimated_usd"] == pytest.approx(baseline, abs=1e-9)
    saved = baseline - sum_of(records, "cost_usd")
    assert total["saved_estimated_usd"] == pytest.approx(saved, abs=2e-9)
    assert (total["requests"], total["answered"], total["failed"]) == (6, 4, 1)
    assert total["dry_runs"] == 1
    assert total["requests_without_cost"] == total["requests_without_saving"] == 0
    assert total["learning_usd"] == 0
    used = [a["usage"] for r in records for a in cast("list[Any]", r["attempts"]) if a["usage"]]
    assert total["input_tokens"] == sum(usage["input_tokens"] for usage in used) > 0
    assert total["cached_input_tokens"] == sum(usage["cached_input_tokens"] for usage in used)
    assert [day["day"] for day in days] == [str(TODAY + timedelta(n)) for n in (-1, 0, 1)]


def test_rows_sum_to_the_total(mixed: tuple[Api, list[dict[str, object]]]) -> None:
    api, _ = mixed
    queries = [
        *(months_around(group) for group in BY_MONTH),
        *(f"{AROUND}&group_by={group}" for group in GROUPS if group not in BY_MONTH),
    ]
    totals = []
    for query in queries:
        total, rows = costs(api, query)
        totals.append(total)
        assert sum(row["spent_usd"] for row in rows) == pytest.approx(total["spent_usd"], abs=1e-8)
        if "model" not in query:  # answers are not counted by model
            assert sum(row["answered"] or 0 for row in rows) == total["answered"] == 4
    assert totals == [totals[0]] * len(GROUPS)


def test_tier_and_router_rows_have_costs_and_null_for_uncounted_figures(
    mixed: tuple[Api, list[dict[str, object]]],
) -> None:
    api, _ = mixed
    total, rows = costs(api, f"{AROUND}&group_by=tier")
    by_tier = {str(row["tier"]): row for row in rows}
    assert [by_tier[tier]["answered"] for tier in "123"] == [1, 2, 1]
    assert by_tier["router"]["spent_usd"] == total["router_usd"]
    assert by_tier["2"]["spent_usd"] == pytest.approx(2 * (37 * 3 + 211 * 5) / 1e6)
    assert {row["baseline_estimated_usd"] for row in rows} == {None}
    _, models = costs(api, f"{AROUND}&group_by=model")
    assert [row["model"] for row in models] == [
        "openai/large",
        "openai/medium",
        "openai/router",
        "openai/small",
        "openai/small-2",
    ]


def test_keys_are_named_and_keys_without_requests_left_out(
    mixed: tuple[Api, list[dict[str, object]]],
) -> None:
    api, _ = mixed
    table = boto3.client("dynamodb")
    for item in table.scan(TableName="keys")["Items"]:
        if item["name"] == {"S": OTHER_KEY}:
            table.put_item(TableName="keys", Item={**item, "tags": {"M": {"team": {"S": "x"}}}})
    table.put_item(TableName="keys", Item={"pk": {"S": "FIRST_KEYS"}})
    _, rows = costs(api, months_around())
    assert [(row["key_id"], row["name"], row["tags"]) for row in rows] == [
        (f"key_{CLIENT_KEY}", CLIENT_KEY, {}),
        (f"key_{OTHER_KEY}", OTHER_KEY, {"team": "x"}),
    ]
    assert [row["requests"] for row in rows] == [5, 1]
    assert {row["learning_usd"] for row in rows} == {None}


def test_the_total_counts_requests_of_unknown_cost(make_api: MakeApi) -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "openai/medium"}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    api.upstream.script = by_model(
        router=completion("2"), small=completion("Hi."), medium=completion("Yes.")
    )
    known, unknown = api.chat("hello"), api.chat(LONG)
    total, _ = costs(api, AROUND)
    assert total["requests_without_cost"] == total["requests_without_saving"] == 1
    assert total["requests_without_baseline"] == 0
    assert total["unpriced"] == {
        "spent": "1 of 2 requests could not be priced",
        "baseline": None,
        "saved": "1 of 2 answers could not be priced",
    }
    record = record_of(api, unknown.body["id"])
    assert record["cost_usd"] is None
    router_usd = cast("float", record["router_cost_usd"])
    spent = float(known.headers["x-route-cost-usd"]) + router_usd
    assert total["spent_usd"] == pytest.approx(spent, abs=2e-9)


def test_without_any_estimate_the_baseline_is_null(make_api: MakeApi) -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "openai/large"}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello")
    total, _ = costs(api, AROUND)
    assert total["baseline_estimated_usd"] is None
    assert total["saved_estimated_usd"] is None
    assert total["requests_without_baseline"] == 1


def test_learning_counts_on_the_day_of_its_run_with_any_outcome(api: Api) -> None:
    client = boto3.client("dynamodb")
    first = DynamoDbCap(client, "results", "2026-11", 5.0, "2026-11-08T030000Z")
    first.reserve(0.5)
    first.settle(0.5, 0.2)
    early = DynamoDbCap(client, "results", "2026-11", 5.0, "2026-11-08T000000Z-drift")
    early.reserve(0.1)  # killed: it may have been charged
    DynamoDbCap(client, "results", "2026-11", 5.0, "2026-11-29T030000Z").reserve(1.0)
    DynamoDbCap(client, "results", "2026-12", 5.0, "2026-12-06T030000Z").reserve(2.0)
    total, days = costs(api, "from=2026-11-05&to=2026-11-20")
    assert total["learning_usd"] == pytest.approx(0.3)
    assert total["saved_estimated_usd"] == pytest.approx(-0.3)
    assert {day["day"]: day["learning_usd"] for day in days if day["learning_usd"]} == {
        "2026-11-08": pytest.approx(0.3)
    }
    total, _ = costs(api, "from=2026-11-01&to=2026-12-31")
    assert total["learning_usd"] == pytest.approx(3.3)


def test_days_outside_the_range_do_not_count(api: Api) -> None:
    store = DynamoDbResultStore(boto3.client("dynamodb"), "results", cast("TextStore", None))
    for day in (1, 2, 3, 4):
        made = datetime(2026, 1, day, 23, 59, 59, tzinfo=UTC)
        store.save(answered(f"r{day}", "q", made), 4_000_000_000)
    total, days = costs(api, "from=2026-01-02&to=2026-01-03")
    assert total["answered"] == 2
    assert [(day["day"], day["answered"]) for day in days] == [("2026-01-02", 1), ("2026-01-03", 1)]
    _, rows = costs(api, "from=2026-01-01&to=2026-01-31&group_by=key")
    assert [(row["key_id"], row["answered"]) for row in rows] == [(None, 4)]


def test_reads_grow_with_the_range_not_with_requests(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    call = vars(BaseClient)["_make_api_call"]

    def counted(self: object, operation: str, kwargs: dict[str, object]) -> object:
        read.append(operation)
        return call(self, operation, kwargs)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    last = date(2024, 12, 31)
    costs(api, f"from={last - timedelta(MAX_RANGE_DAYS - 1)}&to={last}")
    assert set(read) == {"GetItem", "BatchGetItem"}
    batches = -(-MAX_RANGE_DAYS * SHARDS // 100)
    assert read.count("BatchGetItem") == batches + 1, "and the months of learning"


@pytest.mark.parametrize(
    ("query", "param"),
    [("from=soon", "from"), ("group_by=color", "group_by"), ("from=2999-01-01", "from")],
)
def test_an_invalid_parameter_gives_an_openai_error(api: Api, query: str, param: str) -> None:
    answer = api("GET", f"/v1/costs?{query}", key=ADMIN_KEY)
    error = cast("dict[str, str]", answer.body["error"])
    assert (answer.status, error["type"], error["param"]) == (400, "invalid_request_error", param)


@pytest.mark.parametrize("path", ["/v1/costs", "/v1/prompt", "/v1/prompt/history"])
def test_only_an_admin_key_may_see_costs(api: Api, path: str) -> None:
    answer = api("GET", path)
    error = cast("dict[str, str]", answer.body["error"])
    assert (answer.status, error["type"]) == (403, "permission_error")
    assert error["code"] == "admin_key_required"
    assert api("GET", path, key=None).status == 401
    assert api("GET", path, key=ADMIN_KEY).status == 200


def test_an_unreadable_table_is_an_error_not_a_sum_of_zero(api: Api) -> None:
    api("GET", "/v1/costs", key=ADMIN_KEY)
    boto3.client("dynamodb").delete_table(TableName="results")
    answer = api("GET", "/v1/costs", key=ADMIN_KEY)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_the_admin_key_sees_every_keys_results(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = api.chat("hello").body["id"]
    found = api("GET", f"/v1/results/{request_id}", key=ADMIN_KEY)
    assert found.body["key_id"] == f"key_{CLIENT_KEY}"
    assert api("GET", "/v1/results/nothing", key=ADMIN_KEY).status == 404


def test_other_items_are_not_counters(api: Api) -> None:
    key = item_key("DAY#2026-01-02#0", "TOTALS")
    boto3.client("dynamodb").put_item(TableName="results", Item={**key, "note": {"S": "x"}})
    total, _ = costs(api, "from=2026-01-02&to=2026-01-02")
    assert total["requests"] == 0

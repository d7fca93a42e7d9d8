"""Ratings, summed by the day and key of their requests, through the API."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from route_switch.adapters.results_table import feedback_key
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    MakeApi,
    add_key,
    by_model,
)
from tests.support.upstream import completion

TODAY = datetime.now(UTC).date()


@pytest.fixture
def api(make_api: MakeApi) -> Iterator[Api]:
    api = make_api()
    api.upstream.script = by_model(
        router=completion("2"), small=completion("Hi."), medium=completion("Yes.")
    )
    add_key(OTHER_KEY, tags={"M": {"team": {"S": "x"}}})
    yield api


def rate(api: Api, request_id: object, key: str = CLIENT_KEY, **rating: object) -> int:
    return api("POST", "/v1/feedback", {"request_id": request_id, **rating}, key).status


def costs(api: Api, group_by: str = "day") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    path = f"/v1/costs?group_by={group_by}&from={TODAY.replace(day=1)}&to={TODAY}"
    body: dict[str, Any] = api("GET", path, key=ADMIN_KEY).body
    return body["total"], body["data"]


def people(api: Api) -> object:
    return costs(api)[0]["quality"]["people"]


def test_ratings_count_by_day_key_and_tag_no_matter_what_chose_the_tier(api: Api) -> None:
    bypassed, routed = (api.chat(text).body["id"] for text in ("hello", LONG))
    others = api.chat("hello", OTHER_KEY).body["id"]
    assert people(api) is None
    assert [rate(api, bypassed, thumb="up"), rate(api, routed, score=0.25)] == [200, 200]
    assert rate(api, others, OTHER_KEY, thumb="down") == 200
    total, days = costs(api)
    assert total["quality"]["people"] == {"mean": pytest.approx(0.4167), "n": 3}
    [today] = [day for day in days if day["day"] == str(TODAY)]
    assert today["quality"] == total["quality"]
    assert today["tiers"] == total["tiers"] == {"1": 2, "2": 1, "3": 0}
    _, keys = costs(api, "key")
    assert {row["key_id"]: row["quality"]["people"] for row in keys} == {
        f"key_{CLIENT_KEY}": {"mean": 0.625, "n": 2},
        f"key_{OTHER_KEY}": {"mean": 0.0, "n": 1},
    }
    _, tags = costs(api, "tag")
    assert [(row["tag"], row["quality"]["people"]) for row in tags] == [
        ("team=x", {"mean": 0.0, "n": 1}),
        (None, {"mean": 0.625, "n": 2}),
    ]


def test_a_repeated_rating_counts_once_and_a_changed_one_by_its_difference(api: Api) -> None:
    request_id = api.chat("hello").body["id"]
    for rating, mean in (
        ({"thumb": "up"}, 1.0),
        ({"thumb": "up"}, 1.0),
        ({"score": 0.25}, 0.25),
        ({"score": 0.25, "comment": "Meh."}, 0.25),
        ({"thumb": "down"}, 0.0),
        ({"score": 0.5}, 0.5),
    ):
        assert rate(api, request_id, **rating) == 200
        assert people(api) == {"mean": mean, "n": 1}


def test_ratings_that_arrive_at_once_count_once_per_request(api: Api) -> None:
    made = [api.chat("hello").body["id"] for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        said = pool.map(lambda n: rate(api, made[n % 3], score=(n % 6) / 5), range(24))
        assert set(said) == {200}
    shown = [api("GET", f"/v1/results/{each}").body["feedback"] for each in made]
    scores = [each["score"] for each in shown if isinstance(each, dict)]
    assert people(api) == {"mean": pytest.approx(sum(scores) / 3, abs=1e-4), "n": 3}


def test_a_rating_of_an_older_release_counts_from_its_first_change(api: Api) -> None:
    """That release stored it without counting it."""
    request_id = str(api.chat("hello").body["id"])
    boto3.client("dynamodb").put_item(
        TableName="results",
        Item={
            **feedback_key(request_id),
            "feedback": {"S": '{"adequate":true}'},
            "expires_at": {"N": "4000000000"},
        },
    )
    assert people(api) is None
    assert rate(api, request_id, score=0.75) == 200
    assert people(api) == {"mean": 0.75, "n": 1}


def test_a_deleted_request_keeps_its_rating_in_the_sums(api: Api) -> None:
    request_id = api.chat("hello").body["id"]
    rate(api, request_id, thumb="up")
    assert api("DELETE", f"/v1/results/{request_id}").status == 200
    assert people(api) == {"mean": 1.0, "n": 1}


@pytest.mark.parametrize("group_by", ["tier", "model"])
def test_rows_by_tier_and_model_have_no_times_or_ratings(api: Api, group_by: str) -> None:
    api.chat(LONG)
    total, rows = costs(api, group_by)
    assert total["latency_ms"]["mean"] > 0
    for name in ("tiers", "latency_ms", "first_token_ms", "quality"):
        assert {str(row[name]) for row in rows} == {"None"}


def test_response_times_are_those_of_the_records(api: Api) -> None:
    made = [api.chat("hello").body["id"] for _ in range(4)]
    records = [api("GET", f"/v1/results/{each}").body for each in made]
    mean = sum(float(str(each["latency_ms"])) for each in records) / 4
    total, _ = costs(api)
    assert total["latency_ms"]["mean"] == pytest.approx(mean, abs=1)
    assert total["latency_ms"]["p50"] <= total["latency_ms"]["p95"]
    assert total["first_token_ms"] is None

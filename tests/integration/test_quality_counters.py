"""Feedback scores, summed by the prompt version that chose the tier."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import boto3
import pytest

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_feedback import DynamoDbFeedback
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.results_table import record_key
from route_switch.domain.clients import client_of
from route_switch.domain.decision import Reason
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.tiers import Tier
from tests.integration.conftest import LONG, MakeApi, by_model
from tests.support.records import answered
from tests.support.upstream import completion

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from route_switch.domain.ports import TextStore

FAR = 4_000_000_000
DAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROUTED = replace(answered("r1", "q", DAY), routed_tier=Tier.SMALL)
UP, DOWN = GivenFeedback(adequate=True), GivenFeedback(adequate=False)


@pytest.fixture
def dynamodb(results_table: str) -> "DynamoDBClient":
    client: DynamoDBClient = boto3.client("dynamodb")
    return client


def keep(*records: RequestRecord) -> None:
    store = DynamoDbResultStore(boto3.client("dynamodb"), "results", cast("TextStore", None))
    for record in records:
        store.save(record, FAR)


def rate(said: GivenFeedback, request_id: str = "r1") -> FeedbackStatus:
    store = DynamoDbFeedback(boto3.client("dynamodb"), "results", sleep=lambda _: None)
    return store.save_feedback(request_id, ROUTED.key_id, said)


def sums(version: str = "live@1") -> Scores:
    """As written, with six decimals."""
    return DynamoDbQuality(boto3.client("dynamodb"), "results").scores(version)


def test_scores_and_thumbs_are_summed_by_version(dynamodb: "DynamoDBClient") -> None:
    keep(*(replace(ROUTED, request_id=f"r{n}") for n in range(3)))
    keep(replace(ROUTED, request_id="r3", prompt_version="live@2"))
    for number, said in enumerate((UP, DOWN, GivenFeedback(adequate=True, score=0.6), UP)):
        rate(said, f"r{number}")
    assert sums() == Scores(3, 1.6, 1.36)
    assert sums("live@2") == Scores(1, 1.0, 1.0)
    assert sums("live@3") == Scores()


def test_scores_are_summed_by_client_without_the_users_name(dynamodb: "DynamoDBClient") -> None:
    users = (None, "ann", "ann", "bob")
    keep(*(replace(ROUTED, request_id=f"r{n}", user=user) for n, user in enumerate(users)))
    for number, said in enumerate((UP, DOWN, UP, DOWN)):
        rate(said, f"r{number}")
    rate(UP, "r3")
    by_client = DynamoDbQuality(dynamodb, "results").by_client("live@1")
    ann, bob = (client_of(ROUTED.key_id, user) for user in ("ann", "bob"))
    assert by_client == {ROUTED.key_id: Scores(1, 1, 1), ann: Scores(2, 1, 1), bob: Scores(1, 1, 1)}
    assert sums() == Scores(4, 3, 3)
    stored = str([i for i in dynamodb.scan(TableName="results")["Items"] if "QUALITY" in str(i)])
    assert "ann" not in stored


def test_repeated_feedback_changes_nothing_and_replaced_feedback_changes_the_difference(
    dynamodb: "DynamoDBClient",
) -> None:
    keep(ROUTED)
    for said, total in (
        (UP, 1.0),
        (UP, 1.0),
        (GivenFeedback(adequate=False, score=0.3), 0.3),
        (GivenFeedback(adequate=False, score=0.3, comment="Meh."), 0.3),
        (DOWN, 0.0),
        (DOWN, 0.0),
        (GivenFeedback(adequate=True, score=0.7), 0.7),
    ):
        rate(said)
        assert sums() == Scores(1, total, round(total**2, 6))


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": Reason.BYPASS},
        {"reason": Reason.OVERRIDE, "routed_tier": None},
        {"reason": Reason.DEGRADED, "tier": Tier.MEDIUM},
        {"reason": Reason.FALLBACK, "routed_tier": None},
        {"routed_tier": Tier.LARGE},
    ],
    ids=["bypassed", "asked for by name", "degraded", "router down", "the key's tiers"],
)
def test_an_answer_from_a_tier_that_the_prompt_did_not_choose_is_not_counted(
    dynamodb: "DynamoDBClient", changes: dict[str, object]
) -> None:
    keep(replace(ROUTED, **changes))  # type: ignore[arg-type]  # fields of a record
    assert rate(UP) is FeedbackStatus.KEPT
    assert sums() == Scores()


def test_a_reply_without_a_tier_counts_as_choosing_the_safe_tier(
    dynamodb: "DynamoDBClient",
) -> None:
    keep(replace(ROUTED, reason=Reason.FALLBACK))
    rate(DOWN)
    assert sums() == Scores(1, 0.0, 0.0)


def test_a_deleted_request_keeps_its_score_and_accepts_no_other(
    dynamodb: "DynamoDBClient",
) -> None:
    keep(ROUTED)
    rate(UP)
    dynamodb.delete_item(TableName="results", Key=record_key("r1"))
    assert rate(DOWN) is FeedbackStatus.NO_SUCH_RESULT
    assert sums() == Scores(1, 1.0, 1.0)


def test_concurrent_feedback_counts_once_per_request(dynamodb: "DynamoDBClient") -> None:
    keep(*(replace(ROUTED, request_id=f"r{n}") for n in range(4)))
    said = [(f"r{n % 4}", UP if n % 8 < 4 else DOWN) for n in range(48)]
    with ThreadPoolExecutor(8) as pool:
        fates = list(pool.map(lambda each: rate(each[1], each[0]), said))
    assert set(fates) == {FeedbackStatus.KEPT}
    items = [
        dynamodb.get_item(
            TableName="results", Key={"pk": {"S": f"RESULT#r{n}"}, "sk": {"S": "FEEDBACK"}}
        )["Item"]
        for n in range(4)
    ]
    ups = sum(item["feedback"]["S"] == UP.model_dump_json(exclude_none=True) for item in items)
    assert sums() == Scores(4, ups, ups)


def test_feedback_that_is_replaced_between_read_and_write_is_read_again(
    dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(ROUTED)
    rate(UP)
    between = iter([GivenFeedback(adequate=False, score=0.2)])
    write = DynamoDbFeedback._write

    def write_late(store: DynamoDbFeedback, *found: object) -> bool:
        for theirs in between:
            rate(theirs)
        return write(store, *found)  # type: ignore[arg-type]  # whatever it is given

    monkeypatch.setattr(DynamoDbFeedback, "_write", write_late)
    assert rate(DOWN) is FeedbackStatus.KEPT
    assert sums() == Scores(1, 0.0, 0.0)


def test_endless_conflicts_are_an_error_that_says_to_retry(
    dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(ROUTED)
    monkeypatch.setattr(DynamoDbFeedback, "_write", lambda *_: False)
    with pytest.raises(StoreError, match="Send the feedback again"):
        rate(UP)
    assert sums() == Scores()


def test_a_request_through_the_api_counts_for_the_prompt_that_served_it(make_api: MakeApi) -> None:
    # The first call loads a provider's library, which takes long on a busy machine.
    api = make_api(router_timeout_s=10, request_deadline_s=25)
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    routed, bypassed = api.chat(LONG), api.chat("hello")
    for answer in (routed, bypassed):
        body = {"request_id": answer.body["id"], "thumb": "up"}
        assert api("POST", "/v1/feedback", body).status == 200
    assert sums(routed.headers["x-route-prompt-version"]) == Scores(1, 1.0, 1.0)

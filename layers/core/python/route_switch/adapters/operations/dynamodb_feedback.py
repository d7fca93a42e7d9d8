"""Feedback in the results table, and its sums by prompt version, day and key.

One transaction writes a piece of feedback and updates its version's sums (`dynamodb_quality`) and
the counters of its request's day and key's month (`counted` marks that they know this rating). Its
conditions: the request still exists, and its stored feedback is the one that the update was
computed from. So repeated or replaced feedback never counts twice, even with concurrent writers. A
version's sums are one item, which takes 1,000 writes per second, or about 100 transactions that
wait for each other; feedback is rarer than requests.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import (
    LEARNING_KEYS,
    SHARDS,
    day_key,
    feedback_in_index,
    feedback_key,
    month_key,
    quality_key,
    record_key,
)
from route_switch.domain.clients import client_of
from route_switch.domain.decision import Reason
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback
from route_switch.domain.overview_counters import RATED, SCORES
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
    )

    Item = dict[str, AttributeValueTypeDef]

MAX_TRIES = 10
MAX_PAUSE_S = 0.03

_DECIDED_BY_PROMPT = {Reason.ROUTER, Reason.FALLBACK}


@dataclass(frozen=True, slots=True)
class _Rated:
    """A request, and its feedback so far as stored."""

    request_id: str
    item: "Item"
    record: JsonObject
    earlier: str | None
    is_counted: bool = False
    """Whether the counters know the earlier rating: an older release did not count it."""

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.item["created_at"]["S"])

    @property
    def rating_before(self) -> float | None:
        if self.earlier is None:
            return None
        return GivenFeedback.model_validate_json(self.earlier).rating


class DynamoDbFeedback:
    """`FeedbackStore`. Raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now = now
        self._sleep = sleep

    @store_errors()
    def save_feedback(
        self, request_id: str, key_id: str, feedback: GivenFeedback
    ) -> FeedbackStatus:
        """Saving the same feedback again changes nothing."""
        for attempt in range(MAX_TRIES):
            rated = self._find(request_id, key_id)
            if rated is None:
                return FeedbackStatus.NO_SUCH_RESULT
            if rated.record["status"] != "answered":
                return FeedbackStatus.NO_ANSWER
            kept = feedback if LEARNING_KEYS[0] in rated.item else feedback.without_text
            if self._write(rated, kept):
                return FeedbackStatus.KEPT if kept == feedback else FeedbackStatus.KEPT_WITHOUT_TEXT
            self._sleep(random.uniform(0, MAX_PAUSE_S * (attempt + 1)))  # noqa: S311 (jitter)
        raise StoreError("Too many ratings arrived at the same moment. Send the feedback again.")

    def _find(self, request_id: str, key_id: str) -> _Rated | None:
        item = self._get(record_key(request_id))
        if item is None or item["key_id"]["S"] != key_id:
            return None
        if (
            int(item["expires_at"]["N"]) <= self._now()
        ):  # DynamoDB deletes expired items within days
            return None
        said = self._get(feedback_key(request_id))
        earlier = None if said is None else said["feedback"]["S"]
        record = json.loads(item["record"]["S"])
        return _Rated(request_id, item, record, earlier, said is not None and "counted" in said)

    def _write(self, rated: _Rated, feedback: GivenFeedback) -> bool:
        """Return False if another write came in between."""
        said = feedback.model_dump_json(exclude_none=True)
        if said == rated.earlier:
            return True
        writes = [
            self._check(rated),
            self._put(rated, said),
            *self._count(rated, feedback),
            *self._count_for_day_and_key(rated, feedback),
        ]
        try:
            self._dynamodb.transact_write_items(TransactItems=writes)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            codes = {reason["Code"] for reason in error.response.get("CancellationReasons", [])}
            if codes.isdisjoint({"ConditionalCheckFailed", "TransactionConflict"}):
                raise
            return False
        return True

    def _check(self, rated: _Rated) -> "TransactWriteItemTypeDef":
        """Ensure that no feedback outlives its request."""
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": record_key(rated.request_id),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }

    def _put(self, rated: _Rated, said: str) -> "TransactWriteItemTypeDef":
        day = rated.created_at.date()
        can_be_learned_from = LEARNING_KEYS[0] in rated.item
        item: Item = {
            **feedback_key(rated.request_id),
            **(feedback_in_index(rated.request_id, day) if can_be_learned_from else {}),
            "expires_at": rated.item["expires_at"],
            "feedback": {"S": said},
            "counted": {"BOOL": True},
        }
        put: PutTypeDef = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if rated.earlier is not None:
            put["ConditionExpression"] = "feedback = :earlier"
            put["ExpressionAttributeValues"] = {":earlier": {"S": rated.earlier}}
        return {"Put": put}

    def _count(self, rated: _Rated, feedback: GivenFeedback) -> "list[TransactWriteItemTypeDef]":
        """Return the change of the sums: nothing when the prompt did not choose the tier, or the
        score is unchanged."""
        score, before = feedback.rating, rated.rating_before
        if score is None or score == before or not is_prompts_choice(rated.record):
            return []
        was = before or 0.0
        change = {
            ":n": str(int(before is None)),
            ":total": f"{score - was:.6f}",
            ":squares": f"{score**2 - was**2:.6f}",
        }
        version, user = str(rated.record["prompt_version"]), rated.record.get("user")
        client = client_of(rated.item["key_id"]["S"], None if user is None else str(user))
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": quality_key(version, of),
                    "UpdateExpression": "ADD n :n, #total :total, total_squares :squares",
                    "ExpressionAttributeNames": {"#total": "total"},
                    "ExpressionAttributeValues": {
                        name: {"N": value} for name, value in change.items()
                    },
                }
            }
            for of in (None, client)
        ]

    def _count_for_day_and_key(
        self, rated: _Rated, feedback: GivenFeedback
    ) -> "list[TransactWriteItemTypeDef]":
        """Return the change of the counters, no matter what chose the tier: nothing when the score
        is unchanged. Each writer takes any shard, so that none waits for others."""
        score, before = feedback.rating, rated.rating_before if rated.is_counted else None
        if score is None or score == before:
            return []
        values = {":n": str(int(before is None)), ":score": f"{score - (before or 0.0):.6f}"}
        day, shard = rated.created_at.date(), random.randrange(SHARDS)  # noqa: S311 (any will do)
        key_id = rated.item["key_id"]["S"]
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": key,
                    "UpdateExpression": "ADD #rated :n, #scores :score",
                    "ExpressionAttributeNames": {"#rated": RATED, "#scores": SCORES},
                    "ExpressionAttributeValues": {n: {"N": value} for n, value in values.items()},
                }
            }
            for key in (day_key(day, shard), month_key(key_id, f"{day:%Y-%m}", shard))
        ]

    def _get(self, key: "Item") -> "Item | None":
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return found.get("Item")


def is_prompts_choice(record: JsonObject) -> bool:
    """Whether the answer says something about the routing prompt: it came from the tier that the
    prompt chose, not from the bypass, the caller, the key's tiers or an outage. If the router
    answered without naming a tier, the safe tier counts as its choice, as it does in learning."""
    chosen = record.get("routed_tier")
    decided = record["reason"] in _DECIDED_BY_PROMPT
    return decided and chosen is not None and chosen == record["tier"]

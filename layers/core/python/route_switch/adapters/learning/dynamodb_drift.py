"""The daily drift checks, for a time line.

    DRIFT#DAYS  <YYYY-MM-DD>  prompt_version, requests, tiers_distance, tiers_p_value,
                              lengths_distance, lengths_p_value, drifted, expires_at

The day is the last full day of the traffic that was compared. A day on which nothing could be
compared has no item.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import item_key
from route_switch.domain.learning.drift import Difference, Drift, DriftDay

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

DRIFT_PARTITIONS = "DRIFT#*"
DAYS_PK = "DRIFT#DAYS"
KEPT = timedelta(days=100)


class DynamoDbDriftDays:
    """Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def put(self, checked: DriftDay) -> None:
        """A repeated check replaces the day's item."""
        self._dynamodb.put_item(TableName=self._table, Item=_item_of(checked))

    @store_errors()
    def newest(self, days: int) -> list[DriftDay]:
        """Return the newest last."""
        found = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": DAYS_PK}},
            ScanIndexForward=False,
            Limit=days,
        )
        return [_day_of(item) for item in reversed(found["Items"])]


def _item_of(checked: DriftDay) -> "Item":
    drift = checked.drift
    expires_at = datetime.combine(checked.day, time(), UTC) + KEPT
    numbers = {
        "requests": drift.requests,
        "tiers_distance": drift.tiers.distance,
        "tiers_p_value": drift.tiers.p_value,
        "lengths_distance": drift.lengths.distance,
        "lengths_p_value": drift.lengths.p_value,
        "expires_at": int(expires_at.timestamp()),
    }
    return {
        **item_key(DAYS_PK, f"{checked.day:%Y-%m-%d}"),
        "prompt_version": {"S": checked.prompt_version},
        "drifted": {"BOOL": drift.is_found},
        # DynamoDB takes no number below 1E-130.
        **{name: {"N": f"{value:.12f}".rstrip("0").rstrip(".")} for name, value in numbers.items()},
    }


def _day_of(item: "Item") -> DriftDay:
    def difference(name: str) -> Difference:
        return Difference(float(item[f"{name}_distance"]["N"]), float(item[f"{name}_p_value"]["N"]))

    drift = Drift(int(item["requests"]["N"]), difference("tiers"), difference("lengths"))
    return DriftDay(date.fromisoformat(item["sk"]["S"]), item["prompt_version"]["S"], drift)

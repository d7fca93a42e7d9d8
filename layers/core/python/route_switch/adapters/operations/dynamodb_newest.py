"""The newest results, for the owner's command line.

No index holds results by time: it would cost a write unit per request. So the table is scanned,
which reads all of it, up to a limit.
"""

from heapq import nlargest
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.results_table import read_record, record_key, request_id_of
from route_switch.domain.ports import JsonObject, TextStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_PAGES = 200
"""A page is 1 MB, so a scan costs at most 25,000 read units: less than 0.01 USD."""


@store_errors()
def newest_results(
    dynamodb: "DynamoDBClient", table: str, texts: TextStore, limit: int, now: float
) -> tuple[list[JsonObject], bool]:
    """Return up to `limit` unexpired results, newest first, and whether the whole table was read.
    Raise `StoreError`."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="sk = :result AND expires_at > :now",
        ProjectionExpression="pk, created_at",
        ExpressionAttributeValues={":result": {"S": "RESULT"}, ":now": {"N": str(int(now))}},
    )
    whole = True
    newest: list[tuple[str, str]] = []
    for number, page in enumerate(pages):
        if number == MAX_PAGES:
            whole = False
            break
        found = ((each["created_at"]["S"], request_id_of(each)) for each in page["Items"])
        newest = nlargest(limit, [*newest, *found])
    items = batch_get(dynamodb, table, [record_key(request_id) for _, request_id in newest])
    records = [read_record(item, texts) for item in items]
    return sorted(records, key=lambda record: str(record["created_at"]), reverse=True), whole

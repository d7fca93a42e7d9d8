"""What each key spent in a month, from the month's counters."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get
from route_switch.adapters.results_table import SHARDS, month_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_USD, _UNKNOWN = "cost_usd", "cost_usd:unknown"


@dataclass(slots=True)
class Spent:
    """`unknown` requests are not in `usd`: their price, or their tokens, are not known."""

    usd: float = 0.0
    unknown: int = 0


def spent_by_key(
    dynamodb: "DynamoDBClient", table: str, key_ids: Iterable[str], month: str
) -> defaultdict[str, Spent]:
    """`month` is `YYYY-MM`, in UTC; a key without requests spent nothing."""
    keys = [month_key(key_id, month, shard) for key_id in key_ids for shard in range(SHARDS)]
    spent: defaultdict[str, Spent] = defaultdict(Spent)
    for item in batch_get(dynamodb, table, keys, ("pk", _USD, _UNKNOWN)):
        of_key = spent[item["pk"]["S"].split("#")[1]]
        of_key.usd += float(item[_USD]["N"]) if _USD in item else 0.0
        of_key.unknown += int(item[_UNKNOWN]["N"]) if _UNKNOWN in item else 0
    return spent

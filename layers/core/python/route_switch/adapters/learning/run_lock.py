"""The lock that allows one learning run at a time, in the results table.

    LOCK#learning  LOCK  run, execution, expires_at (Unix seconds): the current run; start: which
                         start by hand took it

The lock expires with its lease, which is as long as an execution may take. It is also free as soon
as its execution is no longer running, so that stopping an execution by hand needs no cleanup. A
start by hand takes the lock for the execution before it starts; the first step of every run takes
it in the transaction that records the run (`adapters.learning.dynamodb_runs`).
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from route_switch.adapters.results_table import item_key
from route_switch.domain.learning.stored_run import Execution

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

LEASE_S = 7 * 24 * 3600
STARTING_S = 60
"""How long Step Functions may not know an execution after its lock was reserved."""
LOCK_KEY = item_key("LOCK#learning", "LOCK")


def lock_item(run_id: str, execution: str, now: int) -> "Item":
    return {
        **LOCK_KEY,
        "run": {"S": run_id},
        "execution": {"S": execution},
        "expires_at": {"N": str(now + LEASE_S)},
    }


def read_lock(dynamodb: "DynamoDBClient", table: str) -> "Item | None":
    found = dynamodb.get_item(TableName=table, Key=LOCK_KEY, ConsistentRead=True)
    return found.get("Item")


def may_be_starting(lock: "Item", now: float) -> bool:
    """Whether the lock was reserved so recently that Step Functions may not know its execution."""
    return now - (int(lock["expires_at"]["N"]) - LEASE_S) <= STARTING_S


def release_lock(dynamodb: "DynamoDBClient", table: str, execution: str) -> None:
    """Release the lock if this execution holds it."""
    with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        # Refused: the lock was released before, or it expired and another run holds it.
        dynamodb.delete_item(
            TableName=table,
            Key=LOCK_KEY,
            ConditionExpression="execution = :me",
            ExpressionAttributeValues={":me": {"S": execution}},
        )


class DynamoDbRunLock:
    """`state_of` returns the state of an execution."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        state_of: Callable[[str], Execution],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._state_of = state_of
        self._now = now

    def reserve(self, run_id: str, execution: str) -> str | None:
        """Take the lock for an execution that is about to start. Return None, or the id of the run
        that holds it. Of several starts at the same moment, one takes it."""
        wanted: Item = {"start": {"S": uuid.uuid4().hex}}
        holder, dead = run_id, "-"
        for _ in range(3):
            if self._take({**lock_item(run_id, execution, int(self._now())), **wanted}, dead):
                return None
            lock = read_lock(self._dynamodb, self._table)
            if lock is None:  # it was released at this moment
                continue
            if lock.get("start") == wanted["start"]:  # it was taken, but the answer was lost
                return None
            holder, dead = lock["run"]["S"], lock["execution"]["S"]
            if not self._is_over(lock, self._state_of(dead)):
                break
        return holder

    def release(self, execution: str) -> None:
        release_lock(self._dynamodb, self._table, execution)

    def _take(self, lock: "Item", dead: str) -> bool:
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=lock,
                ConditionExpression=(
                    "attribute_not_exists(pk) OR expires_at < :now OR execution = :dead"
                ),
                ExpressionAttributeValues={
                    ":dead": {"S": dead},
                    ":now": {"N": str(int(self._now()))},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _is_over(self, lock: "Item", state: Execution) -> bool:
        is_known = state != "unknown" or not may_be_starting(lock, self._now())
        return is_known and state in ("ended", "unknown")

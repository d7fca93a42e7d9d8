"""Runs of the weekly workflow, and the lock that allows one at a time, in the results table.

    RUNS           <run id>  a run: execution, trigger, reason, started_at; at its end outcome,
                             message, version; while it waits for a person, token
    LOCK#learning  LOCK      run, execution, expires_at (Unix seconds): the current run

One transaction writes both. The lock expires with its lease, which is as long as an execution may
take. It is also free as soon as its execution is no longer running, so that stopping an execution
by hand needs no cleanup.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_switch.adapters.results_table import item_key
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

RUNS = "RUNS"
RUNS_CHECKED = 50
LEASE_S = 7 * 24 * 3600
_LOCK = item_key("LOCK#learning", "LOCK")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as recorded. Without an outcome, it is in progress or crashed."""

    id: str
    trigger: str
    started_at: int
    reason: str | None = None
    outcome: str | None = None
    message: str | None = None
    version: int | None = None
    token: str | None = None


class DynamoDbRuns:
    """`is_running` tells whether the execution with this ARN is running."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        is_running: Callable[[str], bool] = lambda _: True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._is_running = is_running
        self._now = now

    def claim(self, run: LearningRun, execution: str) -> str | None:
        """Return None if the run may proceed, else the reason. The same execution may claim
        again."""
        dead = execution
        for _ in range(2):
            refused = self._try_to_claim(run, execution, dead)
            if refused is None:
                return None
            if refused[0] == "ConditionalCheckFailed":
                return f"Run {run.id} was started before: each scheduled time starts one run."
            lock = self._read_lock()
            holder = None if lock is None else lock["execution"]["S"]
            if holder is not None and self._is_running(holder):
                break
            dead = holder or execution
        return "Another run is in progress, and only one may run at a time."

    def _try_to_claim(self, run: LearningRun, execution: str, dead: str) -> list[str] | None:
        """Return None on success, else DynamoDB's reason codes: for the run, for the lock."""
        now = int(self._now())
        me: Item = {":me": {"S": execution}}
        entry: Item = {
            **item_key(RUNS, run.id),
            "execution": {"S": execution},
            "trigger": {"S": run.trigger},
            "started_at": {"N": str(now)},
            **({} if run.reason is None else {"reason": {"S": run.reason}}),
        }
        lock: Item = {
            **_LOCK,
            "run": {"S": run.id},
            "execution": {"S": execution},
            "expires_at": {"N": str(now + LEASE_S)},
        }
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": entry,
                            "ConditionExpression": "attribute_not_exists(pk) OR execution = :me",
                            "ExpressionAttributeValues": me,
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": lock,
                            "ConditionExpression": (
                                "attribute_not_exists(pk) OR expires_at < :now "
                                "OR execution IN (:me, :dead)"
                            ),
                            "ExpressionAttributeValues": {
                                **me,
                                ":dead": {"S": dead},
                                ":now": {"N": str(now)},
                            },
                        }
                    },
                ]
            )
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = [reason["Code"] for reason in reasons]
            if "ConditionalCheckFailed" not in codes:
                raise
            return codes
        return None

    def _read_lock(self) -> "Item | None":
        found = self._dynamodb.get_item(TableName=self._table, Key=_LOCK, ConsistentRead=True)
        return found.get("Item")

    def finish(
        self, run_id: str, execution: str, outcome: RunOutcome, message: str, version: int | None
    ) -> None:
        """Record the outcome, and release the lock if this execution still holds it."""
        self._update(
            run_id,
            {
                "outcome": {"S": outcome.value},
                "message": {"S": message},
                **({} if version is None else {"version": {"N": str(version)}}),
            },
        )
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            # Refused: the lock was released before, or it expired and another run holds it.
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=_LOCK,
                ConditionExpression="execution = :me",
                ExpressionAttributeValues={":me": {"S": execution}},
            )

    def wait_for_approval(self, run_id: str, token: str) -> None:
        self._update(run_id, {"token": {"S": token}})

    def answered(self, run_id: str) -> None:
        """Note that no approval is pending any more."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=item_key(RUNS, run_id),
            UpdateExpression="REMOVE #token",
            ExpressionAttributeNames={"#token": "token"},
        )

    def load(self, run_id: str) -> StoredRun | None:
        key = item_key(RUNS, run_id)
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _run(found["Item"]) if "Item" in found else None

    def newest(self, limit: int) -> list[StoredRun]:
        """Return the newest runs first."""
        found = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :runs",
            ExpressionAttributeValues={":runs": {"S": RUNS}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_run(item) for item in found["Items"]]

    def ran_for(self, reason: str) -> bool:
        """Whether one of the newest runs was started for this reason and has not failed."""
        failed = RunOutcome.FAILED.value
        return any(r.reason == reason and r.outcome != failed for r in self.newest(RUNS_CHECKED))

    def holder(self) -> str | None:
        """Return the run that holds the lock. Its execution may have been stopped since."""
        lock = self._read_lock()
        if lock is None or int(lock["expires_at"]["N"]) < self._now():
            return None
        return lock["run"]["S"]

    def _update(self, run_id: str, values: "Item") -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=item_key(RUNS, run_id),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        )


def _run(item: "Item") -> StoredRun:
    def text(name: str) -> str | None:
        return item[name]["S"] if name in item else None

    return StoredRun(
        id=item["sk"]["S"],
        trigger=item["trigger"]["S"],
        started_at=int(item["started_at"]["N"]),
        reason=text("reason"),
        outcome=text("outcome"),
        message=text("message"),
        version=int(item["version"]["N"]) if "version" in item else None,
        token=text("token"),
    )

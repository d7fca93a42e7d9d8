"""Runs of the weekly workflow, in the results table.

    RUNS  <run id>  a run: execution, trigger, reason, started_at; once its examples are collected,
                    left_out; at its end outcome, message, version; while it waits for a person,
                    token

One transaction writes a run and takes the lock that allows one at a time (`run_lock`).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from route_switch.adapters.learning.run_lock import (
    lock_item,
    may_be_starting,
    read_lock,
    release_lock,
)
from route_switch.adapters.results_table import item_key
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.learning.stored_run import StoredRun

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

RUNS = "RUNS"
RUNS_CHECKED = 50


class DynamoDbRuns:
    """`is_running` says whether the execution with this ARN is running."""

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
            lock = read_lock(self._dynamodb, self._table)
            holder = None if lock is None else lock["execution"]["S"]
            if lock is not None and holder is not None and self._is_alive(lock, holder):
                break
            dead = holder or execution
        return "Another run is in progress, and only one may run at a time."

    def _is_alive(self, lock: "Item", holder: str) -> bool:
        is_reserved = "start" in lock and may_be_starting(lock, self._now())
        return is_reserved or self._is_running(holder)

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
                            "Item": lock_item(run.id, execution, now),
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
        self.release(execution)

    def release(self, execution: str) -> None:
        """Release the lock if this execution holds it."""
        release_lock(self._dynamodb, self._table, execution)

    def note_left_out(self, run_id: str, left_out: Mapping[str, int]) -> None:
        """Note how many examples were left out, by reason, with a run that is recorded."""
        counts: Item = {reason: {"N": str(number)} for reason, number in left_out.items()}
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.update_item(
                TableName=self._table,
                Key=item_key(RUNS, run_id),
                UpdateExpression="SET left_out = :counts",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":counts": {"M": counts}},
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
        lock = read_lock(self._dynamodb, self._table)
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
        execution=text("execution"),
        left_out=_counts(item),
    )


def _counts(item: "Item") -> dict[str, int]:
    counts = item["left_out"]["M"] if "left_out" in item else {}
    return {reason: int(number["N"]) for reason, number in counts.items()}

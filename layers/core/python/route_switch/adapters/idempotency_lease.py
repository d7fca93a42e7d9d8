"""The lease with which a request with an Idempotency-Key keeps its repeats out: its process renews
it.

Powertools would keep repeats out until the function's time is up. If the function is killed, its
item stays in progress for that long: about 27 s. A lease of seconds ends with the process.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

LEASE_S = 3.5
RENEW_S = 1.0
"""Two renewals may fail before the lease ends."""


class LeaseContext(LambdaContext):
    """Tells Powertools the length of the lease in place of the function's remaining time."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return int(LEASE_S * 1000)


@contextmanager
def renewed(renew: Callable[[], None]) -> Iterator[None]:
    """Call `renew` again and again until the block ends. The process may be busy with a provider:
    renewing has a thread of its own."""
    ended = Event()

    def run() -> None:
        while not ended.wait(RENEW_S):
            renew()

    Thread(target=run, daemon=True, name="lease").start()
    try:
        yield
    finally:
        ended.set()


def renew_lease(
    dynamodb: "DynamoDBClient", table: str, item: str, now: Callable[[], float] = time.time
) -> None:
    """Extend the lease of an item that is in progress. Never fail: the answer goes on without it,
    and at worst a repeat is paid for too."""
    try:
        dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": item}},
            UpdateExpression="SET in_progress_expiration = :until",
            ConditionExpression="#status = :in_progress",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":until": {"N": str(int((now() + LEASE_S) * 1000))},
                ":in_progress": {"S": "INPROGRESS"},
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return  # the answer has been stored meanwhile
    except Exception as error:  # noqa: BLE001, RUF100 (as the docstring says)
        logger.warning("The lease of an Idempotency-Key was not renewed: %s", type(error).__name__)

"""Dependencies of the deletion of requests, for the API and for the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.learning_texts import LearningTexts
from route_switch.adapters.operations.dynamodb_deletion import (
    DynamoDbDeletion,
    DynamoDbDeletionNotes,
)
from route_switch.adapters.s3 import S3TextStore
from route_switch.domain.ports import StoredVersion
from route_switch.services.operations.delete_texts import DeleteTexts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class DeletionStores:
    """`backup_days` is how far the tables' point-in-time backups reach back; 0 without backups."""

    results_table: str
    idempotency_table: str
    texts_bucket: str
    learning_bucket: str
    backup_days: int


def build_deletion(
    stores: DeletionStores,
    connect: Callable[[str], object],
    versions: Callable[[], Sequence[StoredVersion]],
) -> DeleteTexts:
    """`connect` creates a client of a service; `versions` reads those of the live prompt."""
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    s3 = cast("S3Client", connect("s3"))
    table, texts = stores.results_table, S3TextStore(lambda: s3, stores.texts_bucket)
    learning_bucket = LearningBucket(s3, stores.learning_bucket)
    return DeleteTexts(
        DynamoDbDeletion(dynamodb, table, stores.idempotency_table, texts),
        DynamoDbDeletionNotes(dynamodb, table),
        lambda go_on: LearningTexts(learning_bucket, go_on),
        DynamoDbRuns(dynamodb, table).holder,
        versions,
        stores.backup_days,
    )

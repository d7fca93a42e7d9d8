"""Texts that are too long for a DynamoDB item, in S3."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.s3_deletion import delete_under
from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE = frozenset({"AccessDenied", "NoSuchKey"})
"""The former where the function may not list the bucket."""


class S3TextStore:
    """`connect` makes the client when the first long text comes: most processes see none."""

    def __init__(self, connect: "Callable[[], S3Client]", bucket: str) -> None:
        self._connect = connect
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        return self._connect()

    def put(self, key: str, text: str) -> None:
        """Raises `StoreError`."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"A text cannot be written to S3: {error}") from error

    def get(self, key: str) -> str | None:
        """None where there is no such text (any more); raises `StoreError` where S3 fails."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
            return answer["Body"].read().decode()
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise StoreError(f"A text cannot be read from S3: {error}") from error
        except BotoCoreError as error:
            raise StoreError(f"A text cannot be read from S3: {error}") from error

    def delete_all(self, prefix: str) -> None:
        """Raises `StoreError` where not everything under it can be deleted."""
        delete_under(self._s3, self._bucket, prefix)

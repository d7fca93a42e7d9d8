"""Texts that are too long for a DynamoDB item, in S3."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from route_switch.adapters.s3_deletion import delete_under

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3TextStore:
    """`connect` makes the client when the first long text comes: most processes see none."""

    def __init__(self, connect: "Callable[[], S3Client]", bucket: str) -> None:
        self._connect = connect
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        return self._connect()

    def put(self, key: str, text: str) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())

    def get(self, key: str) -> str | None:
        """None where there is no such text (any more)."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError:  # AccessDenied, without the permission to list the bucket
            return None
        return answer["Body"].read().decode()

    def delete_all(self, prefix: str) -> None:
        """Raises `StoreError` where not everything under it can be deleted."""
        delete_under(self._s3, self._bucket, prefix)

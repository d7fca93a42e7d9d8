"""Texts that are too long for a DynamoDB item, and helpers to list and delete objects by prefix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.models.deadlines import deadline_in
from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

MISSING = frozenset({"AccessDenied", "NoSuchKey"})
"""S3 returns the former when the function may not list the bucket."""
READ_S = 4.0
"""Time limit for a whole text, on clients whose calls have deadlines (`adapters.whole_calls`)."""


class S3TextStore:
    """`connect` creates the client for the first long text; most processes never see one."""

    def __init__(self, connect: "Callable[[], S3Client]", bucket: str) -> None:
        self._connect = connect
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        return self._connect()

    def put(self, key: str, text: str) -> None:
        """Raise `StoreError` when S3 fails."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"A text cannot be written to S3: {error}") from error

    def get(self, key: str) -> str | None:
        """Return None when the text does not exist or has expired. Raise `StoreError` when S3
        fails."""
        try:
            with deadline_in(READ_S):
                answer = self._s3.get_object(Bucket=self._bucket, Key=key)
                return answer["Body"].read().decode()
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise StoreError(f"A text cannot be read from S3: {error}") from error
        except BotoCoreError as error:
            raise StoreError(f"A text cannot be read from S3: {error}") from error

    def delete_all(self, prefix: str) -> None:
        """Raise `StoreError` when anything under the prefix cannot be deleted."""
        delete_under(self._s3, self._bucket, prefix)


def folders(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """Return the names of the folders directly under the prefix, without reading their contents."""
    pages = s3.get_paginator("list_objects_v2")
    with _store_errors(prefix):
        return [
            each["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
            for each in page.get("CommonPrefixes", ())
        ]


def objects(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """Return the keys of all objects under the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with _store_errors(prefix):
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def delete_under(
    s3: "S3Client", bucket: str, prefix: str, keep_going: Callable[[], bool] = lambda: True
) -> bool:
    """Return whether everything was deleted. Stop when `keep_going`, called every 1,000 objects,
    returns False."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with _store_errors(prefix):
        for page in pages:
            if not page.get("Contents"):
                continue
            if not keep_going():
                return False
            names: list[ObjectIdentifierTypeDef] = [
                {"Key": each["Key"]} for each in page["Contents"]
            ]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True})
            if refused := answer.get("Errors"):
                raise StoreError(f"{refused[0].get('Key')} cannot be deleted. Try again.")
    return True


@contextmanager
def _store_errors(prefix: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"{prefix} cannot be listed or deleted: {error}") from error

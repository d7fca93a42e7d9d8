"""Texts that are too long for a DynamoDB item, in S3."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

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


def folders(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """Names of the folders right under the prefix, without reading what is in them."""
    pages = s3.get_paginator("list_objects_v2")
    with _store_errors(prefix):
        return [
            each["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
            for each in page.get("CommonPrefixes", ())
        ]


def objects(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """Keys of all objects under the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with _store_errors(prefix):
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def delete_under(
    s3: "S3Client", bucket: str, prefix: str, go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Whether everything is gone: it stops where `go_on`, asked every 1,000 objects, says no."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with _store_errors(prefix):
        for page in pages:
            if not page.get("Contents"):
                continue
            if not go_on():
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
        raise StoreError(f"{prefix} cannot be listed or deleted right now: {error}") from error

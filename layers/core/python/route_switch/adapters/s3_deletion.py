"""Finding and deleting what lies under a prefix in S3."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


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

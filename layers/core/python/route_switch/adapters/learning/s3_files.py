"""A run's files in S3."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Files:
    """`RunFiles` under a prefix. The reader needs `s3:ListBucket`: without it S3 answers a missing
    file with AccessDenied, and it could not be told from a forbidden one."""

    def __init__(self, s3: "S3Client", bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def read(self, name: str) -> bytes | None:
        key = f"{self._prefix}{name}"
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{key} cannot be read: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        key = f"{self._prefix}{name}"
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{key} cannot be written: {error}") from error

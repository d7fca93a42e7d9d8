"""The numbers of local models in the learning bucket, each under its digest."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.s3 import MISSING
from route_switch.domain.errors import LocalModelError, StoreError
from route_switch.domain.local_model import LocalNumbers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODELS = "models/"
"""No lifecycle rule covers it: any of the 100 kept versions of the prompt may name a model."""
READ_S = 3.0
"""Time limit for all numbers of a model, on clients whose calls have deadlines
(`adapters.whole_calls`)."""


class S3LocalModels:
    """`connect` and `bucket` are called for the first model; most prompts name none."""

    def __init__(self, connect: "Callable[[], S3Client]", bucket: Callable[[], str]) -> None:
        self._connect = connect
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        return self._connect()

    @cached_property
    def _name(self) -> str:
        return self._bucket()

    def get(self, sha256: str) -> LocalNumbers | None:
        key = _key(sha256)
        try:
            with deadline_in(READ_S):
                content = self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise StoreError(f"{key} cannot be read from S3: {error}") from error
        except BotoCoreError as error:
            raise StoreError(f"{key} cannot be read from S3: {error}") from error
        return _parse(content, sha256)

    def put(self, numbers: LocalNumbers) -> None:
        key = _key(numbers.sha256)
        content = numbers.model_dump_json().encode()
        try:
            self._s3.put_object(Bucket=self._name, Key=key, Body=content)
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{key} cannot be written to S3: {error}") from error


def _key(sha256: str) -> str:
    return f"{MODELS}{sha256}.json"


def _parse(content: bytes, sha256: str) -> LocalNumbers:
    key = _key(sha256)
    advice = "Promote the candidate.json of the run that trained it to store it again."
    try:
        numbers = LocalNumbers.model_validate_json(content)
    except ValidationError as error:
        raise LocalModelError(f"{key} holds no local model of this release. {advice}") from error
    if numbers.sha256 != sha256:
        raise LocalModelError(f"{key} holds other numbers than its name says. {advice}")
    return numbers

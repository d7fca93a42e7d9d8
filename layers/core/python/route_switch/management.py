"""What the management function serves with."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import botocore.session

from route_switch.adapters.dynamodb import DynamoDbResultStore
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.s3 import S3TextStore
from route_switch.bootstrap import AWS
from route_switch.domain.ports import ResultStore
from route_switch.services.authenticate import Authenticate
from route_switch.settings import Settings, read_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Management:
    authenticate: Authenticate
    results: ResultStore


@lru_cache(maxsize=1)
def management() -> Management:
    """The process's own, made when the first request needs it."""
    return build_management(read_settings())


def build_management(settings: Settings) -> Management:
    session = botocore.session.get_session()
    dynamodb = cast("DynamoDBClient", session.create_client("dynamodb", config=AWS))
    s3 = cast("S3Client", session.create_client("s3", config=AWS))
    texts = S3TextStore(lambda: s3, settings.texts_bucket)
    return Management(
        Authenticate(DynamoDbKeyStore(dynamodb, settings.keys_table)),
        DynamoDbResultStore(dynamodb, settings.results_table, texts),
    )

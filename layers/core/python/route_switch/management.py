"""What the management function serves with."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import botocore.session

from route_switch.adapters.dynamodb import DynamoDbResultStore
from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.keys_table import DynamoDbKeyStore, KeysTable
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.bootstrap import AWS, packaged_prompt
from route_switch.domain.keys import ApiKey
from route_switch.domain.ports import ResultStore
from route_switch.services.authenticate import Authenticate
from route_switch.services.live_prompt import LivePrompt, ServedPrompt
from route_switch.services.show_prompt import ShowPrompt
from route_switch.services.sum_costs import SumCosts
from route_switch.settings import Settings, read_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Management:
    authenticate: Authenticate
    results: ResultStore
    costs: SumCosts
    prompt: ShowPrompt


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
        SumCosts(
            DynamoDbTotals(dynamodb, settings.results_table),
            _all_keys(dynamodb, settings),
        ),
        _show_prompt(cast("SSMClient", session.create_client("ssm", config=AWS)), settings),
    )


def _all_keys(dynamodb: "DynamoDBClient", settings: Settings) -> Callable[[], list[ApiKey]]:
    table = KeysTable(dynamodb, settings.keys_table)

    @store_errors("The keys table")
    def read() -> list[ApiKey]:
        return [stored.key for stored in table.all()]

    return read


def _show_prompt(ssm: "SSMClient", settings: Settings) -> ShowPrompt:
    prompts = SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)
    pool = ThreadPoolExecutor(1)

    def serving() -> ServedPrompt:
        return LivePrompt(prompts, packaged_prompt(), pool).current()

    return ShowPrompt(store_errors("Parameter Store")(prompts.versions), serving)

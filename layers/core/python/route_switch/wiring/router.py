"""Dependencies of the router function."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, cast

import botocore.session

from route_switch.adapters.dynamodb_idempotency import IdempotentRequests
from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.models.registry import ModelClients, ProviderKeys
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.sqs import SqsLostRecords
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.api.stored_responses import StoredResponses
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.authenticate import Authenticate
from route_switch.services.call_models import ModelCaller
from route_switch.services.choose_tier import ChooseTier
from route_switch.services.live_prompt import LivePrompt
from route_switch.services.live_switches import LiveSwitches
from route_switch.services.record_request import RecordRequest
from route_switch.services.route_request import RouteRequest
from route_switch.wiring.aws_config import IN_REQUEST, IN_REQUEST_ONCE
from route_switch.wiring.secrets_manager import provider_keys, read_secret
from route_switch.wiring.settings import Settings, read_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

POOL_THREADS = 16
"""A call that timed out keeps its thread until the provider ends it."""


@dataclass(frozen=True, slots=True)
class Router:
    """Built once per process, when the first request needs it."""

    config: RouterConfig
    authenticate: Authenticate
    route: RouteRequest
    idempotency: IdempotentRequests
    stored_responses: StoredResponses


@lru_cache(maxsize=1)
def router() -> Router:
    """Return the router of this process."""
    return build_router(read_settings())


def build_router(settings: Settings) -> Router:
    config = settings.router
    # boto3's clients are botocore's. Importing boto3 itself would add 0.12 s to a cold start, for
    # uploads and resources that no request uses.
    session = botocore.session.get_session()
    connect = partial(session.create_client, config=IN_REQUEST)
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    ssm = cast("SSMClient", connect("ssm"))
    texts = S3TextStore(lambda: cast("S3Client", connect("s3")), settings.texts_bucket)
    lost = SqsLostRecords(lambda: cast("SQSClient", connect("sqs")), settings.records_queue_url)
    results = DynamoDbResultStore(dynamodb, settings.results_table, texts)
    prompts = SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)
    pool = ThreadPoolExecutor(POOL_THREADS)
    # A separate pool: hanging model calls must not delay reading parameters.
    parameters = ThreadPoolExecutor(2)
    caller = ModelCaller(
        ModelClients(config, provider_keys(settings.provider_secret)), config.models, pool
    )
    return Router(
        config,
        Authenticate(DynamoDbKeyStore(dynamodb, settings.keys_table)),
        RouteRequest(
            config,
            LivePrompt(prompts, packaged_prompt(), parameters),
            LiveSwitches(SsmSwitchStore(ssm, settings.switches_parameter), parameters),
            caller,
            AdmitRequest(
                DynamoDbKeyLimits(
                    lambda: cast("DynamoDBClient", connect("dynamodb", config=IN_REQUEST_ONCE)),
                    settings.results_table,
                ),
                _now,
            ),
            RecordRequest(results, lost, config, lambda: _text_hash_secret(settings), pool),
            pool,
            _now,
        ),
        IdempotentRequests(dynamodb, settings.idempotency_table),
        StoredResponses(texts, config.text_storage),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _text_hash_secret(settings: Settings) -> bytes:
    if settings.text_hash_secret is None:
        raise ConfigurationError("TEXT_HASH_SECRET is not set, but text_storage is 'hash'.")
    return read_secret(settings.text_hash_secret).encode()


def build_tier_chooser(config: RouterConfig, keys: ProviderKeys) -> ChooseTier:
    """Build the choice of tiers without AWS: it calls only the router model."""
    pool = ThreadPoolExecutor(POOL_THREADS)
    return ChooseTier(config, ModelCaller(ModelClients(config, keys), config.models, pool))

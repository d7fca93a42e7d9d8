"""The one place where adapters meet services."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from route_switch.adapters.dynamodb import DynamoDbResultStore
from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.idempotency import RepeatedRequests
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.models.registry import ModelClients, ProviderKeys
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.sqs import SqsLostRecords
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.api.repeats import Repeats
from route_switch.domain.config import RouterConfig
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.authenticate import Authenticate
from route_switch.services.call_models import ModelCaller
from route_switch.services.choose_tier import ChooseTier
from route_switch.services.live_prompt import LivePrompt
from route_switch.services.live_switches import LiveSwitches
from route_switch.services.record import RecordRequest
from route_switch.services.route_request import RouteRequest
from route_switch.settings import Settings, Stores, read_settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

    from route_switch.domain.example import Example
    from route_switch.services.collect_examples import CollectExamples

POOL_THREADS = 16
"""A call that ran out of time holds its thread until the provider lets go of it."""

SECRET_CACHE_S = 300

AWS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    # The services check what they are sent; checking it here as well took 0.5 ms a record.
    parameter_validation=False,
)

ONCE = AWS.merge(Config(retries={"total_max_attempts": 1}))


@dataclass(frozen=True, slots=True)
class Router:
    """What the router Lambda serves with."""

    config: RouterConfig
    authenticate: Authenticate
    route: RouteRequest
    repeated: RepeatedRequests
    repeats: Repeats


@lru_cache(maxsize=1)
def router() -> Router:
    """The process's router, made when the first request needs it."""
    return build_router(read_settings())


def build_router(settings: Settings) -> Router:
    config = settings.router
    # botocore is what boto3's clients are made of; importing boto3 itself would add 0.12 s to a
    # cold start, for uploads and resources that no request uses.
    session = botocore.session.get_session()
    connect = partial(session.create_client, config=AWS)
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    ssm = cast("SSMClient", connect("ssm"))
    texts = S3TextStore(lambda: cast("S3Client", connect("s3")), settings.texts_bucket)
    lost = SqsLostRecords(lambda: cast("SQSClient", connect("sqs")), settings.records_queue_url)
    results = DynamoDbResultStore(dynamodb, settings.results_table, texts)
    prompts = SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)
    pool = ThreadPoolExecutor(POOL_THREADS)
    # Threads of their own: model calls that hang must not keep a parameter from being read.
    parameters = ThreadPoolExecutor(2)
    caller = ModelCaller(ModelClients(config, secret_keys(settings)), config.models, pool)
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
                    lambda: cast("DynamoDBClient", connect("dynamodb", config=ONCE)),
                    settings.results_table,
                ),
                _now,
            ),
            RecordRequest(results, lost, config, lambda: _text_hash_secret(settings), pool),
            pool,
            _now,
        ),
        RepeatedRequests(dynamodb, settings.idempotency_table),
        Repeats(texts, config.text_storage),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def packaged_prompt() -> RoutingPrompt:
    """The hand-written prompt that a release brings along."""
    document = files("route_switch").joinpath("data/hand_written.md").read_text("utf-8")
    return parse_prompt(document)


def secret_keys(settings: Stores) -> ProviderKeys:
    """Provider keys from the stack's secret; one that is not there is None."""

    def find(name: str) -> str | None:
        if settings.provider_secret is None:
            return None
        keys = json.loads(read_secret(settings.provider_secret))
        return keys.get(name) if isinstance(keys, dict) else None

    return find


def _text_hash_secret(settings: Settings) -> bytes:
    if settings.text_hash_secret is None:
        raise ConfigurationError("TEXT_HASH_SECRET is not set, but text_storage is 'hash'.")
    return read_secret(settings.text_hash_secret).encode()


def read_secret(name: str) -> str:
    return str(_secrets().get(name, max_age=SECRET_CACHE_S))


@lru_cache(maxsize=1)
def _secrets() -> "SecretsProvider":
    # Imported where a stage has a secret at all: this part of Powertools brings boto3 along.
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto_config=AWS)


def build_tier_chooser(config: RouterConfig, keys: ProviderKeys) -> ChooseTier:
    """Choosing alone, without AWS: only the router model is called."""
    pool = ThreadPoolExecutor(POOL_THREADS)
    return ChooseTier(config, ModelCaller(ModelClients(config, keys), config.models, pool))


def build_collector(
    settings: Stores,
    dynamodb: "DynamoDBClient",
    s3: "S3Client",
    allowed: "Callable[[Example], Example | None]",
) -> "CollectExamples":
    """What learning reads of recorded traffic, with its text as `allowed` gives it."""
    # Imported here: no request loads what only learning uses.
    from route_switch.adapters.dynamodb_learning import DynamoDbLearning
    from route_switch.services.collect_examples import CollectExamples

    texts = S3TextStore(lambda: s3, settings.texts_bucket)
    table = DynamoDbLearning(dynamodb, settings.results_table, texts)
    return CollectExamples(table, table, settings.router, allowed)

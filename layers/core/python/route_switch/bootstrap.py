"""The one place where adapters meet services."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files

import boto3
from aws_lambda_powertools.utilities import parameters
from botocore.config import Config

from route_switch.adapters.dynamodb import DynamoDbKeyStore, DynamoDbResultStore
from route_switch.adapters.models.registry import ModelClients, ProviderKeys
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.sqs import SqsLostRecords
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.config import RouterConfig
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.ports import ResultStore
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.services.authenticate import Authenticate
from route_switch.services.call_models import ModelCaller
from route_switch.services.choose_tier import ChooseTier
from route_switch.services.live_prompt import LivePrompt
from route_switch.services.record import RecordRequest
from route_switch.services.route_request import RouteRequest
from route_switch.settings import Settings, read_settings

POOL_THREADS = 16
"""A call that ran out of time holds its thread until the provider lets go of it."""

SECRET_CACHE_S = 300


@dataclass(frozen=True, slots=True)
class Router:
    """What the router Lambda serves with."""

    config: RouterConfig
    authenticate: Authenticate
    route: RouteRequest
    results: ResultStore


@lru_cache(maxsize=1)
def router() -> Router:
    """The process's router, made when the first request needs it."""
    return build_router(read_settings())


def build_router(settings: Settings) -> Router:
    config = settings.router
    aws = Config(
        connect_timeout=1,
        read_timeout=3,
        retries={"mode": "standard", "total_max_attempts": 2},
        # The services check what they are sent; checking it here as well took 0.5 ms a record.
        parameter_validation=False,
    )
    dynamodb = boto3.client("dynamodb", config=aws)
    pool = ThreadPoolExecutor(POOL_THREADS)
    results = DynamoDbResultStore(
        dynamodb,
        settings.results_table,
        S3TextStore(boto3.client("s3", config=aws), settings.texts_bucket),
    )
    lost = SqsLostRecords(boto3.client("sqs", config=aws), settings.records_queue_url)
    prompts = SsmPromptStore(
        boto3.client("ssm", config=aws), settings.live_parameter, settings.seed_parameter
    )
    caller = ModelCaller(ModelClients(config, secret_keys(settings)), config.models, pool)
    return Router(
        config,
        Authenticate(DynamoDbKeyStore(dynamodb, settings.keys_table)),
        RouteRequest(
            config,
            LivePrompt(prompts, packaged_prompt(), pool),
            caller,
            RecordRequest(results, lost, config, lambda: _text_hash_secret(settings)),
            lambda: datetime.now(UTC),
            time.perf_counter,
        ),
        results,
    )


def packaged_prompt() -> RoutingPrompt:
    """The hand-written prompt that a release brings along."""
    document = files("route_switch").joinpath("data/hand_written.md").read_text("utf-8")
    return parse_prompt(document)


def secret_keys(settings: Settings) -> ProviderKeys:
    """Provider keys from the stack's secret; one that is not there is None."""

    def find(name: str) -> str | None:
        if settings.provider_secret is None:
            return None
        keys = parameters.get_secret(
            settings.provider_secret, transform="json", max_age=SECRET_CACHE_S
        )
        return keys.get(name) if isinstance(keys, dict) else None

    return find


def _text_hash_secret(settings: Settings) -> bytes:
    if settings.text_hash_secret is None:
        raise ConfigurationError("TEXT_HASH_SECRET is not set, but text_storage is 'hash'.")
    return str(parameters.get_secret(settings.text_hash_secret, max_age=SECRET_CACHE_S)).encode()


def build_tier_chooser(config: RouterConfig, keys: ProviderKeys) -> ChooseTier:
    """Choosing alone, without AWS: only the router model is called."""
    pool = ThreadPoolExecutor(POOL_THREADS)
    return ChooseTier(config, ModelCaller(ModelClients(config, keys), config.models, pool))

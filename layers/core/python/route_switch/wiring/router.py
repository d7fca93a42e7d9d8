"""Dependencies of the router function."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, cast

from route_switch.adapters.dynamodb_days import DynamoDbDays
from route_switch.adapters.dynamodb_idempotency import IdempotentRequests
from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.dynamodb_sessions import DynamoDbSessions
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.adapters.models.registry import ModelClients, ProviderKeys
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.sqs import SqsLostRecords
from route_switch.adapters.ssm import (
    ParametersReadTogether,
    SsmPromptStore,
    SsmSwitchStore,
    output_ratios_parameter,
)
from route_switch.api.request_metrics import emit_opened_circuit
from route_switch.api.stored_responses import StoredResponses
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.shadow import READ_BY_BUDGET
from route_switch.domain.switches import Switches
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.authenticate import Authenticate
from route_switch.services.call_models import ModelCaller
from route_switch.services.choose_tier import ChooseTier
from route_switch.services.circuits import Circuits
from route_switch.services.live_prompt import LivePrompt
from route_switch.services.live_switches import LiveSwitches
from route_switch.services.record_request import RecordRequest
from route_switch.services.request_session import Sessions
from route_switch.services.route_request import RouteRequest
from route_switch.services.shadow_budget import ShadowBudget
from route_switch.wiring.aws_config import (
    IN_REQUEST,
    IN_REQUEST_S,
    LOCAL_MODELS,
    LOCAL_MODELS_S,
    PARAMETERS,
    PARAMETERS_S,
    QUICK,
    QUICK_S,
    clients,
)  # fmt: skip
from route_switch.wiring.secrets_manager import provider_keys, read_secret, renew_secret
from route_switch.wiring.settings import Settings, read_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

    from route_switch.services.explain_decision import ExplainDecision
    from route_switch.services.find_evidence import FindEvidence

CALL_THREADS = 16
"""Calls of one provider at a time. A late call keeps its thread until its provider ends it."""
RECORD_THREADS = 4
"""Records have threads of their own: calls that hang must not keep a record from being saved."""
SHADOW_THREADS = 4
"""Decisions in shadow. One that an answer did not wait for keeps its thread until it ends."""
SESSION_THREADS = 2
"""A read and a write of a session's state. A store that hangs must not take a record's thread."""


@dataclass(frozen=True, slots=True)
class Router:
    """Built once per process, when the first request needs it."""

    config: RouterConfig
    authenticate: Authenticate
    admit: AdmitRequest
    route: RouteRequest
    explain: Callable[[], "ExplainDecision"]
    idempotency: IdempotentRequests
    stored_responses: StoredResponses


@lru_cache(maxsize=1)
def router() -> Router:
    """Return the router of this process."""
    return build_router(read_settings())


def build_router(settings: Settings) -> Router:
    config = settings.router
    connect = clients(IN_REQUEST, IN_REQUEST_S)
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    keys = cast("DynamoDBClient", clients(QUICK, QUICK_S)("dynamodb"))
    ssm = cast("SSMClient", clients(PARAMETERS, PARAMETERS_S)("ssm"))
    live, switched = settings.live_parameter, settings.switches_parameter
    together = ParametersReadTogether(ssm, live, switched, output_ratios_parameter(live))
    texts = S3TextStore(lambda: cast("S3Client", connect("s3")), settings.texts_bucket)
    lost = SqsLostRecords(lambda: cast("SQSClient", connect("sqs")), settings.records_queue_url)
    results = DynamoDbResultStore(dynamodb, settings.results_table, texts)
    local_models = S3LocalModels(
        lambda: cast("S3Client", clients(LOCAL_MODELS, LOCAL_MODELS_S)("s3")),
        lambda: settings.learning_bucket,
    )
    prompts = SsmPromptStore(ssm, live, settings.seed_parameter, together)
    switches = SsmSwitchStore(ssm, switched, together)
    pool = ThreadPoolExecutor(RECORD_THREADS)
    # A separate pool: hanging model calls must not delay reading parameters.
    parameters = ThreadPoolExecutor(2)
    secret = settings.provider_secret
    models = ModelClients(config, provider_keys(secret), lambda: renew_secret(secret))
    limited = LimitedClients(models, config.output_limit)
    caller = ModelCaller(
        limited, config.models, pools_by_provider(), circuits=Circuits(opened=emit_opened_circuit)
    )
    admit = AdmitRequest(DynamoDbKeyLimits(dynamodb, settings.results_table), _now)
    return Router(
        config,
        Authenticate(DynamoDbKeyStore(keys, settings.keys_table)),
        admit,
        RouteRequest(
            config,
            LivePrompt(prompts, packaged_prompt(), parameters, models=local_models),
            LiveSwitches(switches, parameters, unread=Switches(routing=config.start)),
            caller,
            admit,
            RecordRequest(results, lost, config, lambda: _text_hash_secret(settings), pool),
            pool,
            _now,
            ShadowBudget(
                DynamoDbDays(dynamodb, settings.results_table, READ_BY_BUDGET),
                config,
                parameters,
                _now,
            ),
            ThreadPoolExecutor(SHADOW_THREADS, thread_name_prefix="shadow"),
            Sessions(
                DynamoDbSessions(dynamodb, settings.results_table),
                config,
                ThreadPoolExecutor(SESSION_THREADS, thread_name_prefix="session"),
                _now,
            ),
        ),
        lambda: _build_explainer(config, caller),
        IdempotentRequests(dynamodb, settings.idempotency_table),
        StoredResponses(texts, config.text_storage),
    )


def _build_explainer(config: RouterConfig, caller: ModelCaller) -> "ExplainDecision":
    """Import what only explanations need, when the first one is asked for."""
    from route_switch.services.explain_decision import ExplainDecision

    return ExplainDecision(config, build_evidence_finder(config, caller))


def build_evidence_finder(config: RouterConfig, caller: ModelCaller) -> "FindEvidence":
    from route_switch.adapters.models.weighing import weighing_model
    from route_switch.services.find_evidence import FindEvidence

    return FindEvidence(config, caller, weighing_model)


def _now() -> datetime:
    return datetime.now(UTC)


def _text_hash_secret(settings: Settings) -> bytes:
    if settings.text_hash_secret is None:
        raise ConfigurationError("TEXT_HASH_SECRET is not set, but text_storage is 'hash'.")
    return read_secret(settings.text_hash_secret).encode()


def build_tier_chooser(config: RouterConfig, keys: ProviderKeys) -> ChooseTier:
    """Build the choice of tiers without AWS: it calls only the router model."""
    caller = ModelCaller(ModelClients(config, keys), config.models, pools_by_provider())
    return ChooseTier(config, caller)


def build_explainer(config: RouterConfig, keys: ProviderKeys) -> "FindEvidence":
    """Build the search for evidence without AWS: it calls only the router model."""
    caller = ModelCaller(ModelClients(config, keys), config.models, pools_by_provider())
    return build_evidence_finder(config, caller)


def pools_by_provider() -> Callable[[str], Executor]:
    """Return a function that gives each provider a pool of its own, made when it is first used."""
    making = Lock()
    pools: dict[str, ThreadPoolExecutor] = {}

    def pool_of(provider: str) -> Executor:
        with making:
            if provider not in pools:
                pools[provider] = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix=provider)
            return pools[provider]

    return pool_of

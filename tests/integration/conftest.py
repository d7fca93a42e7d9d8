"""The router's handler in this process, against moto and a scripted upstream."""

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from functions.management import handler as management_handler
from functions.owner import handler as owner_handler
from functions.router import handler as router_handler
from infra.routes import ROUTES
from local.aws.moto_dynamodb import make_faster, normalize_sums
from route_switch.adapters.results_table import (
    LEARNING_INDEX,
    LEARNING_KEYS,
    USERS_INDEX,
    USERS_KEYS,
)
from route_switch.domain.api_keys import hash_key
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import SessionOfRequest
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.decide_beside import DecideBeside, PendingDecision
from route_switch.services.inbound_request import AdmittedRequest
from route_switch.services.live_prompt import ServedPrompt
from route_switch.wiring import management, owner_api, router, secrets_manager, settings
from tests.support.aws_clients import share_clients
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import Body, Reply, Script, Upstream, completion, running_upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeySchemaElementTypeDef

make_faster()
normalize_sums()

CLIENT_KEY = "rs-client"
OTHER_KEY = "rs-other"
ADMIN_KEY = "rs-admin"
SMALL_ONLY_KEY = "rs-small-only"
ANY = [1, 2, 3]
REGION = "eu-west-1"
STATE_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:learning"
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."

CATALOG = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="openai/small", fallbacks=("openai/small-2",)),
        Tier.MEDIUM: TierModels(model="openai/medium"),
        Tier.LARGE: TierModels(model="openai/large"),
    },
    router="openai/router",
    prices={
        "openai/router": Price(input_usd_per_million=0.1, output_usd_per_million=0.4),
        "openai/small": Price(input_usd_per_million=1, output_usd_per_million=2),
        "openai/medium": Price(input_usd_per_million=3, output_usd_per_million=5),
        "openai/large": Price(input_usd_per_million=10, output_usd_per_million=30),
    },
    tier_3_output_ratio={Tier.SMALL: 2.0, Tier.MEDIUM: 1.5},
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.text)
        return content

    @property
    def error(self) -> dict[str, object]:
        error = self.body["error"]
        assert isinstance(error, dict)
        return error


class Api:
    """Calls the handler with API Gateway events."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str | None = CLIENT_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        event = api_event(method, path, body, key, headers)
        name, event["pathParameters"] = route_of(method, path.partition("?")[0])
        response = HANDLERS[name](event, FakeContext())
        values = response.get("multiValueHeaders", {})
        assert isinstance(values, dict)
        return Answer(
            int(str(response["statusCode"])),
            {name.lower(): value[0] for name, value in values.items()},
            str(response["body"]),
        )

    def chat(
        self,
        text: str,
        key: str | None = CLIENT_KEY,
        headers: Mapping[str, str] | None = None,
        **fields: object,
    ) -> Answer:
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return self("POST", "/v1/chat/completions", body, key, headers)


def route_of(method: str, path: str) -> tuple[str, dict[str, str] | None]:
    """Return the function that API Gateway would call, with the path parameters; for unknown
    routes, the router."""
    for (verb, route), name in ROUTES.items():
        found = re.fullmatch(re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", route), path)
        if verb == method and found:
            return name, {key: unquote(value) for key, value in found.groupdict().items()} or None
    return "router", None


HANDLERS: dict[str, Callable[[dict[str, object], FakeContext], dict[str, object]]] = {
    "router": router_handler.lambda_handler,
    "management": management_handler.lambda_handler,
    "owner": owner_handler.lambda_handler,
}

MakeApi = Callable[..., Api]


def forget() -> None:
    """Clear what a process keeps between requests."""
    settings.read_settings.cache_clear()
    router.router.cache_clear()
    management.management.cache_clear()
    owner_api.owner_wiring.cache_clear()
    secrets_manager.reset()


@contextmanager
def mocked_aws(environment: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.setenv(name, "testing")
    environment.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        share_clients(environment)
        make_dynamodb_atomic(environment)
        yield


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mocked_aws(monkeypatch):
        yield


@contextmanager
def api_maker(environment: pytest.MonkeyPatch) -> Iterator[MakeApi]:
    """Yield a function that creates the API with changes to its configuration."""
    with running_upstream(lambda _: completion("2")) as upstream:

        def make(**changes: object) -> Api:
            values: dict[str, object] = {
                "models": CATALOG,
                "openai_base_url": upstream.url,
                # Long enough for a busy machine. Tests of timeouts set shorter ones.
                "router_timeout_s": 5,
                "request_deadline_s": 15,
                **changes,
            }
            config = RouterConfig.model_validate(values)
            for name, value in create_resources(config).items():
                environment.setenv(name, value)
            forget()
            return Api(upstream)

        yield make
    forget()


@pytest.fixture
def make_api(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeApi]:
    with api_maker(monkeypatch) as make:
        yield make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


@pytest.fixture(scope="module")
def shared_api() -> Iterator[Api]:
    """One API for the tests of a module, which do not disturb each other."""
    with (
        pytest.MonkeyPatch.context() as environment,
        mocked_aws(environment),
        api_maker(environment) as make,
    ):
        yield make()


@pytest.fixture
def in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every decision be made before the answer is."""
    start = DecideBeside.start

    def start_and_wait(
        beside: DecideBeside,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        session: SessionOfRequest | None = None,
    ) -> PendingDecision:
        pending = start(beside, admitted, served, session)
        pending.wait()
        return pending

    monkeypatch.setattr(DecideBeside, "start", start_and_wait)


@pytest.fixture
def shadow(api: Api, in_time: None) -> Api:
    """Routing chooses Tier 1, and Tier 3 answers."""
    switch(routing="shadow")
    api.upstream.script = by_model(
        router=completion("1", 1000, 1), large=completion("Because of gravity.", 40, 90)
    )
    return api


@pytest.fixture
def results_table(aws: None) -> str:
    create_results_table(boto3.client("dynamodb"))
    return "results"


@pytest.fixture
def keys_table(aws: None) -> str:
    create_keys_table(boto3.client("dynamodb"))
    return "keys"


def make_dynamodb_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto do one thing at a time, as it seems in DynamoDB. It checks a condition and writes in
    two steps, and a transaction copies tables that another thread may be changing."""
    one_at_a_time = threading.RLock()
    call_action = DynamoHandler.call_action

    def call_alone(handler: DynamoHandler) -> object:
        with one_at_a_time:
            return call_action(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", call_alone)


_NEW_TABLES: dict[str, Table] = {}
"""The tables of a new API, which is a third of a test's work to create."""


def create_tables() -> None:
    """Create the tables, with keys. After the first time, copy those of the first time."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    if not _NEW_TABLES:
        before = set(tables)
        _create_tables(boto3.client("dynamodb"))
        made = {name: table for name, table in tables.items() if name not in before}
        _NEW_TABLES.update(copy.deepcopy(made))
        return
    taken = tables.keys() & _NEW_TABLES.keys()
    assert not taken, f"{taken} exist already"
    tables.update(copy.deepcopy(_NEW_TABLES))


def _create_tables(dynamodb: "DynamoDBClient") -> None:
    create_results_table(dynamodb)
    create_keys_table(dynamodb)
    dynamodb.create_table(
        TableName="idempotency",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    keys = (
        _key_item(CLIENT_KEY),
        _key_item(OTHER_KEY),
        _key_item(SMALL_ONLY_KEY, [1]),
        _key_item(ADMIN_KEY, role={"S": "admin"}),
    )
    dynamodb.batch_write_item(RequestItems={"keys": [{"PutRequest": {"Item": k}} for k in keys]})


def create_resources(config: RouterConfig) -> dict[str, str]:
    create_tables()
    boto3.client("ssm").describe_parameters()  # load it now, not during a request
    for bucket in ("texts", "learning"):
        boto3.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="hash-secret", SecretString="pepper")
    secrets.create_secret(Name="provider", SecretString='{"OPENAI_API_KEY": "sk-test"}')
    return {
        "ROUTE_SWITCH_CONFIG": config.model_dump_json(),
        "RESULTS_TABLE": "results",
        "KEYS_TABLE": "keys",
        "TEXTS_BUCKET": "texts",
        "LEARNING_BUCKET": "learning",
        "BACKUP_DAYS": "35",
        "LEARNING_CONFIG": "{}",
        "STATE_MACHINE_ARN": STATE_MACHINE,
        "IDEMPOTENCY_TABLE": "idempotency",
        "SWITCHES_PARAMETER": "/test/switches",
        "RECORDS_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="records")["QueueUrl"],
        "LIVE_PROMPT_PARAMETER": "/test/prompt/live",
        "SEED_PROMPT_PARAMETER": "/test/prompt/seed",
        "TEXT_HASH_SECRET": "hash-secret",
        "PROVIDER_SECRET": "provider",
    }


def add_key(key: str, tiers: Sequence[int] = ANY, **attributes: "AttributeValueTypeDef") -> None:
    item = _key_item(key, tiers, **attributes)
    boto3.client("dynamodb").put_item(TableName="keys", Item=item)


def _key_item(
    key: str, tiers: Sequence[int] = ANY, **attributes: "AttributeValueTypeDef"
) -> "dict[str, AttributeValueTypeDef]":
    return {
        "pk": {"S": f"KEY#{hash_key(key)}"},
        "key_id": {"S": f"key_{key}"},
        "name": {"S": key},
        "role": {"S": "client"},
        "allowed_tiers": {"L": [{"N": str(t)} for t in tiers]},
        "created_at": {"S": "2026-01-01T00:00:00+00:00"},
        **attributes,
    }


def create_keys_table(dynamodb: "DynamoDBClient") -> None:
    dynamodb.create_table(
        TableName="keys",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def create_results_table(dynamodb: "DynamoDBClient") -> None:
    """Create the table as `infra/data.py` describes it."""
    names = ("pk", "sk", *LEARNING_KEYS, *USERS_KEYS)
    dynamodb.create_table(
        TableName="results",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        KeySchema=_key_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": LEARNING_INDEX,
                "KeySchema": _key_schema(*LEARNING_KEYS),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": USERS_INDEX,
                "KeySchema": _key_schema(*USERS_KEYS),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )


def _key_schema(partition: str, sort: str) -> "list[KeySchemaElementTypeDef]":
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def by_model(**scripts: Reply) -> Script:
    def script(body: Body) -> Reply:
        return scripts[str(body["model"]).replace("-", "_")]

    return script


def record_of(api: Api, answer_id: object) -> dict[str, object]:
    found = api("GET", f"/v1/results/{answer_id}")
    assert found.status == 200
    return found.body


def switch(**values: object) -> None:
    boto3.client("ssm").put_parameter(
        Name="/test/switches", Value=json.dumps(values), Type="String", Overwrite=True
    )

"""A store that answers slowly, or not at all, does not hold up requests."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from route_switch.adapters import s3, s3_local_models
from route_switch.adapters.learning import learning_bucket
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.models.deadlines import time_left_s
from route_switch.adapters.s3 import S3TextStore
from route_switch.domain.errors import StoreError
from route_switch.wiring import dashboard, management, owner_api, router
from route_switch.wiring.aws_config import (
    FOR_OWNER_S,
    IN_REQUEST,
    IN_REQUEST_S,
    LOCAL_MODELS_S,
    PARAMETERS_S,
    QUICK_S,
    clients,
)
from route_switch.wiring.owner_api import OwnerWiring, read_owner_settings
from route_switch.wiring.settings import (
    read_dashboard_settings,
    read_management_settings,
    read_settings,
)
from tests.integration.conftest import ADMIN_KEY, MakeApi
from tests.support.raw_server import SLOW, Serve, raw_server

TIMEOUT_S = 0.3
LATEST_S = 2.5
"""Much later than the deadline, for a busy machine; the servers would go on for minutes."""
CALLS: dict[str, dict[str, Any]] = {
    "dynamodb": {"TableName": "t", "Key": {"pk": {"S": "a"}}},
    "sqs": {"QueueUrl": "http://q/1/q", "MessageBody": "x"},
    "s3": {"Bucket": "b", "Key": "k", "Body": b"x"},
    "secretsmanager": {"SecretId": "s"},
    "ssm": {"Names": ["n"]},
}
METHODS = {
    "dynamodb": "get_item",
    "sqs": "send_message",
    "s3": "put_object",
    "secretsmanager": "get_secret_value",
    "ssm": "get_parameters",
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


CASES = [("dynamodb", serve) for serve in SLOW] + [(name, SLOW[0]) for name in (*CALLS,)[1:]]


@pytest.mark.parametrize(("service", "serve"), CASES)
def test_a_call_ends_at_its_deadline_with_its_repeats(
    monkeypatch: pytest.MonkeyPatch, service: str, serve: Serve
) -> None:
    with raw_server(serve) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        client = clients(IN_REQUEST, TIMEOUT_S)(service)
        started = time.monotonic()
        with pytest.raises(BotoCoreError):
            getattr(client, METHODS[service])(**CALLS[service])
        assert time.monotonic() - started < LATEST_S
    assert time_left_s() is None, "the thread's next calls have no deadline"


@pytest.mark.parametrize("serve", SLOW, ids=lambda serve: serve.__name__)
def test_reading_a_long_text_ends_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    monkeypatch.setattr(s3, "READ_S", TIMEOUT_S)
    with raw_server(serve) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        store = S3TextStore(lambda: clients(IN_REQUEST, 60)("s3"), "texts")  # type: ignore[arg-type,return-value]  # the stubs' client
        started = time.monotonic()
        with pytest.raises(StoreError):
            store.get("k")
        assert time.monotonic() - started < LATEST_S


@pytest.mark.parametrize("serve", SLOW, ids=lambda serve: serve.__name__)
def test_reading_a_file_of_a_run_ends_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    monkeypatch.setattr(learning_bucket, "READ_S", TIMEOUT_S)
    with raw_server(serve) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        bucket = LearningBucket(clients(IN_REQUEST, 60)("s3"), "learning")  # type: ignore[arg-type]  # the stubs' client
        started = time.monotonic()
        with pytest.raises(StoreError):
            bucket.artifacts("r").read("report.json")
        assert time.monotonic() - started < LATEST_S


def test_the_limits_are_those_that_the_pages_state() -> None:
    """A third attempt at Parameter Store may begin up to a second later."""
    in_request = (IN_REQUEST_S, QUICK_S, LOCAL_MODELS_S, s3.READ_S, s3_local_models.READ_S)
    assert max(*in_request, PARAMETERS_S) <= 4
    assert max(FOR_OWNER_S, learning_bucket.READ_S) <= 8
    stated = Path("SECURITY.md").read_text("utf-8")
    assert "more than 5 s, and one to the management or the owner function for more than 8 s" in (
        " ".join(stated.split())
    )


def test_each_function_that_answers_limits_its_stores(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_api()
    longest: dict[str, float] = {}

    def noted(name: str) -> Callable[[Config, float], Callable[[str], BaseClient]]:
        def made(config: Config, seconds: float) -> Callable[[str], BaseClient]:
            longest[name] = max(longest.get(name, 0), seconds)
            return clients(config, seconds)

        return made

    for module in (router, management, owner_api, dashboard):
        monkeypatch.setattr(module, "clients", noted(module.__name__.rpartition(".")[2]))
    router.build_router(read_settings())
    management.build_management(read_management_settings())
    dashboard.build_views(read_dashboard_settings())
    owner = OwnerWiring(read_owner_settings())
    owner.publish(owner.authenticate(f"Bearer {ADMIN_KEY}"), "publish")
    assert owner.ssm.meta.service_model.service_name == "ssm"
    assert owner.s3.meta.service_model.service_name == "s3"
    assert owner.step_functions.meta.service_model.service_name == "stepfunctions"
    assert longest == {
        "router": IN_REQUEST_S,
        "management": FOR_OWNER_S,
        "owner_api": FOR_OWNER_S,
        "dashboard": FOR_OWNER_S,
    }

"""One client per provider for any number of threads, and connections that may be gone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from route_switch.adapters.models import registry
from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.adapters.models.registry import MAX_CONNECTIONS, ModelClients
from route_switch.domain.completion import complete
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.ports import ModelCall, ModelClient
from route_switch.domain.router_config import RouterConfig
from tests.unit.test_settings import MODELS

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONFIG = RouterConfig.model_validate({"models": MODELS, "bedrock_region": "eu-west-1"})
CALL = ModelCall("m", ({"role": "user", "content": "Hi"},))
ANSWER = {
    "stopReason": "end_turn",
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "usage": {"inputTokens": 1, "outputTokens": 1},
}


def test_threads_that_ask_at_once_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def slowly(*_: object) -> ModelClient:
        made.append(threading.get_ident())
        time.sleep(0.05)  # as making a client does: long enough for the others to arrive
        return cast("ModelClient", object())

    monkeypatch.setitem(registry.FACTORIES, "bedrock", slowly)
    clients = ModelClients(CONFIG, lambda _: None)
    with ThreadPoolExecutor(16) as pool:
        assert len(set(map(id, pool.map(clients, ["bedrock"] * 16)))) == 1
    assert len(made) == 1


def test_bedrocks_client_keeps_a_connection_for_each_call_in_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = registry.FACTORIES["bedrock"](CONFIG, lambda _: None)
    assert isinstance(client, BedrockClient)
    settings: Any = client._bedrock.meta.config  # botocore sets its attributes at run time
    assert settings.max_pool_connections == MAX_CONNECTIONS
    assert settings.retries["total_max_attempts"] == 1


class Breaking:
    """Raises these errors, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def converse(self, **_: object) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER


def answer(bedrock: Breaking) -> str:
    client = BedrockClient(cast("BedrockRuntimeClient", bedrock))
    return complete(client.stream(CALL)).text


def test_a_connection_that_was_gone_is_replaced_once() -> None:
    closed = ConnectionClosedError(endpoint_url="https://bedrock")
    bedrock = Breaking(closed)
    assert (answer(bedrock), bedrock.calls) == ("Hello", 2)
    bedrock = Breaking(closed, closed)
    with pytest.raises(ModelError, match="cannot be reached"):
        answer(bedrock)
    assert bedrock.calls == 2


def test_a_call_that_may_have_been_paid_for_is_not_repeated() -> None:
    bedrock = Breaking(ReadTimeoutError(endpoint_url="https://bedrock"))
    with pytest.raises(ModelTimeoutError):
        answer(bedrock)
    assert bedrock.calls == 1

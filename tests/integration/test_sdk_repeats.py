"""How often models are called for one request of OpenAI's SDK, which repeats by itself."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
from pydantic import JsonValue

from route_switch.domain.tiers import Tier, TierModels
from tests.integration.conftest import CATALOG, CLIENT_KEY, LONG, Api, MakeApi
from tests.support.upstream import Reply, completion, failure

NO_FALLBACKS = CATALOG.model_copy(
    update={"tiers": {tier: TierModels(model=f"openai/{tier.name.lower()}") for tier in Tier}}
)
TIERS = ["medium", "large", "small"]
"""In the order that they are tried: the chosen one, the ones above, the ones below."""
LIMITED: JsonValue = {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}
EMPTY: JsonValue = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}


class _Handler(httpx.BaseTransport):
    """Sends a client's requests to the handler in this process."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._api("POST", request.url.path, json.loads(request.content))
        return httpx.Response(answer.status, headers=answer.headers, text=answer.text)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the SDK before it repeats, in seconds; they are skipped."""
    pauses: list[float] = []
    clock: Any = SimpleNamespace(sleep=pauses.append)
    monkeypatch.setattr("openai._base_client.time", clock)
    return pauses


@pytest.fixture
def sdk(make_api: MakeApi) -> tuple[openai.OpenAI, Api]:
    api = make_api(models=NO_FALLBACKS)
    transport = httpx.Client(transport=_Handler(api))
    return openai.OpenAI(api_key=CLIENT_KEY, base_url="http://x/v1", http_client=transport), api


Sdk = tuple[openai.OpenAI, Api]


def tiers_called(sdk: Sdk, reply: Reply | Callable[[], Reply], error: type[Exception]) -> list[Any]:
    """Ask once with the SDK's own settings; return which tiers' models were called."""
    client, api = sdk
    assert client.max_retries == 2
    router = completion("2")
    api.upstream.script = lambda body: router if body["model"] == "router" else _now(reply)
    with pytest.raises(error):
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": LONG}])
    return [model for model in api.upstream.models_called() if model != "router"]


def _now(reply: Reply | Callable[[], Reply]) -> Reply:
    return reply if isinstance(reply, Reply) else reply()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(failure(500), openai.InternalServerError, id="status-500"),
        pytest.param(failure(503), openai.InternalServerError, id="status-503"),
        pytest.param(failure(401), openai.InternalServerError, id="wrong-key"),
        pytest.param(failure(402), openai.InternalServerError, id="no-money"),
        pytest.param(failure(404), openai.InternalServerError, id="no-model"),
        pytest.param(failure(400), openai.BadRequestError, id="refused"),
        pytest.param(Reply(LIMITED, 429), openai.RateLimitError, id="limited"),
        pytest.param(
            Reply({"error": {"message": "No.", "code": "insufficient_quota"}}, 429),
            openai.InternalServerError,
            id="no-quota",
        ),
        pytest.param(Reply(EMPTY), openai.InternalServerError, id="no-choice"),
        pytest.param(Reply({"error": {"message": "No."}}), openai.InternalServerError, id="in-200"),
        pytest.param(Reply("<html>"), openai.InternalServerError, id="html"),
    ],
)
def test_each_tier_is_called_once(
    sdk: Sdk, slept: list[float], reply: Reply, error: type[Exception]
) -> None:
    assert tiers_called(sdk, reply, error) == TIERS
    assert slept == []


def test_a_client_waits_as_long_as_it_is_asked_to(sdk: Sdk, slept: list[float]) -> None:
    """The provider wants the repeats, and says when."""
    reply = Reply(LIMITED, 429, headers={"retry-after": "37"})
    assert tiers_called(sdk, reply, openai.RateLimitError) == TIERS * 3
    assert slept == [37, 37]


def test_the_least_time_to_wait_counts(sdk: Sdk, slept: list[float]) -> None:
    times = iter([37, 9, 60] * 3)

    def reply() -> Reply:
        return Reply(LIMITED, 429, headers={"retry-after": str(next(times))})

    assert tiers_called(sdk, reply, openai.RateLimitError) == TIERS * 3
    assert slept == [9, 9]


def test_a_client_that_would_not_wait_that_long_is_told_not_to_retry(
    sdk: Sdk, slept: list[float]
) -> None:
    """The SDK ignores times above a minute, and would repeat after half a second."""
    reply = Reply(LIMITED, 429, headers={"retry-after": "61"})
    assert tiers_called(sdk, reply, openai.RateLimitError) == TIERS
    assert slept == []


def test_a_repeat_that_is_answered_ends_it(sdk: Sdk, slept: list[float]) -> None:
    client, api = sdk
    limited = Reply(LIMITED, 429, headers={"retry-after": "2"})
    replies = iter([limited, limited, limited])
    router = completion("2")
    api.upstream.script = lambda body: (
        router if body["model"] == "router" else next(replies, completion("Hi."))
    )
    answer = client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": LONG}]
    )
    assert answer.choices[0].message.content == "Hi."
    assert slept == [2]


def test_a_spent_deadline_is_not_spent_again(make_api: MakeApi, slept: list[float]) -> None:
    api = make_api(models=NO_FALLBACKS, request_deadline_s=1.5, router_timeout_s=1)
    transport = httpx.Client(transport=_Handler(api))
    client = openai.OpenAI(api_key=CLIENT_KEY, base_url="http://x/v1", http_client=transport)
    hang = Reply({}, wait_for=api.upstream.released)
    called = tiers_called((client, api), hang, openai.InternalServerError)
    assert called == TIERS[: len(called)], "each at most once"
    assert called
    assert slept == []

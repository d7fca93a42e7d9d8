"""A call ends at its deadline even if the provider keeps sending, and affects no other call."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import botocore.session
import pytest
from botocore.config import Config

from route_switch.adapters.models import registry
from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.adapters.models.botocore_deadlines import with_deadlines
from route_switch.adapters.models.openai_compatible import OpenAiCompatibleClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall, ModelClient
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.call_models import ModelCaller
from route_switch.services.deadline import Deadline
from route_switch.wiring import router
from route_switch.wiring.router import CALL_THREADS, pools_by_provider
from tests.integration.conftest import CATALOG, LONG, MakeApi, record_of
from tests.support.raw_server import SLOW, Serve, raw_server
from tests.support.upstream import Reply, completion

TIMEOUT_S = 0.3
LATEST_S = 2.0
"""Much later than the deadline, for a busy machine; the servers would go on for minutes."""
HI: tuple[JsonObject, ...] = ({"role": "user", "content": "Hi"},)


def openai(url: str) -> ModelClient:
    return OpenAiCompatibleClient(url, lambda: None)


def bedrock(url: str) -> ModelClient:
    session = botocore.session.get_session()
    session.set_credentials("x", "x")
    settings = Config(read_timeout=60, retries={"total_max_attempts": 1})
    client = session.create_client(
        "bedrock-runtime", region_name="eu-west-1", endpoint_url=url, config=settings
    )
    return BedrockClient(with_deadlines(client))


@pytest.mark.parametrize("serve", SLOW, ids=lambda serve: serve.__name__)
@pytest.mark.parametrize("client_of", [openai, bedrock])
def test_a_call_ends_at_its_deadline(serve: Serve, client_of: Callable[[str], ModelClient]) -> None:
    with raw_server(serve) as server:
        client = client_of(server.url)
        started = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            complete(client.stream(ModelCall("m", HI, {}, TIMEOUT_S)))
        assert TIMEOUT_S * 0.9 <= time.monotonic() - started < LATEST_S
        assert server.requests == [1], "a call that ran out of time is not repeated"


class Stuck:
    """A client whose calls nothing ends but the test."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.calls = 0

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        self.calls += 1
        self.released.wait()
        yield Chunk({"content": "late"})


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    client = Stuck()
    monkeypatch.setitem(registry.FACTORIES, "stuck", lambda *_: client)
    yield client
    client.released.set()


def test_200_hung_calls_hold_no_more_threads_than_their_provider_may_have(stuck: Stuck) -> None:
    caller = ModelCaller(lambda _: stuck, CATALOG, pools_by_provider())
    before = threading.active_count()
    for _ in range(200):
        assert caller.call("stuck/model", HI, {}, 0.005, Deadline(60)).completion is None
    assert threading.active_count() - before <= CALL_THREADS
    assert stuck.calls <= CALL_THREADS, "the others were never sent"


def test_a_hung_provider_stops_neither_calls_to_others_nor_records(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, stuck: Stuck
) -> None:
    pool_of = pools_by_provider()
    monkeypatch.setattr(router, "pools_by_provider", lambda: pool_of)
    api = make_api()
    _occupy(pool_of("stuck"), stuck, 200)
    api.upstream.script = lambda _: completion("2")
    started = time.monotonic()
    answer = api.chat(LONG)
    assert answer.status == 200
    assert time.monotonic() - started < LATEST_S
    assert record_of(api, answer.body["id"])["status"] == "answered"


def _occupy(pool: Executor, stuck: Stuck, calls: int) -> None:
    for _ in range(calls):
        pool.submit(list, stuck.stream(ModelCall("m", HI)))


def test_a_request_whose_provider_hangs_is_recorded_as_timed_out(
    make_api: MakeApi, stuck: Stuck
) -> None:
    catalog = ModelCatalog(
        tiers={tier: TierModels(model=f"stuck/{tier.name.lower()}") for tier in Tier},
        router="openai/router",
        prices=CATALOG.prices,
    )
    api = make_api(models=catalog, request_deadline_s=1.2, router_timeout_s=1)
    api.upstream.script = lambda _: Reply(completion("2").body)
    answer = api.chat(LONG)
    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
    assert answer.headers["x-should-retry"] == "false"
    record = record_of(api, answer.headers["x-request-id"])
    assert record["status"] == "failed"

"""A call that waits for its provider's key is not sent once it was given up, and costs nothing."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from route_switch.adapters.models.fitting_client import FittingClient
from route_switch.adapters.models.rotated_keys import RotatedKeyClient
from route_switch.domain.errors import ModelNotCalledError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.services.attempts import Attempts
from route_switch.services.call_models import ModelCaller
from route_switch.services.circuits import Circuits
from route_switch.services.deadline import Deadline
from route_switch.services.live_answer import StreamLimits
from tests.integration.conftest import CATALOG

MODEL = "openai/small"
HI: tuple[JsonObject, ...] = ({"role": "user", "content": "Hi"},)


class Keys:
    """A store of keys that answers when it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def read(self) -> str:
        self.released.wait(30)
        return "key"


class Provider:
    """A provider whose answer never comes before `released`."""

    def __init__(self) -> None:
        self.sent = 0
        self.released = threading.Event()

    def stream(self, _: ModelCall) -> Iterator[Chunk]:
        self.sent += 1
        self.released.wait(30)
        yield Chunk({"role": "assistant", "content": "Hi."}, finish_reason="stop")


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def caller(keys: Keys, provider: Provider) -> Iterator[ModelCaller]:
    client = RotatedKeyClient(FittingClient(provider, "openai", {}), keys.read, lambda: None)
    pool = ThreadPoolExecutor(2)
    yield ModelCaller(lambda _: client, CATALOG, lambda _: pool, circuits=Circuits(failures=1))
    keys.released.set()
    provider.released.set()
    pool.shutdown()


def test_a_call_without_its_key_costs_nothing_and_is_never_sent(
    caller: ModelCaller, keys: Keys, provider: Provider
) -> None:
    pending = caller.start(MODEL, HI, {}, Deadline(30))
    result = caller.wait(pending, 0.05)
    assert isinstance(result.error, ModelNotCalledError)
    assert (result.attempt.status, result.attempt.cost_usd) == ("failed", 0.0)
    assert result.late is None
    assert not caller.is_down(MODEL), "the model did not fail"
    keys.released.set()
    assert isinstance(pending.future.exception(10), ModelNotCalledError)
    assert provider.sent == 0


def test_a_call_that_was_sent_is_charged_and_may_still_answer(
    caller: ModelCaller, keys: Keys, provider: Provider
) -> None:
    keys.released.set()
    result = caller.call(MODEL, HI, {}, 0.5, Deadline(30))
    assert provider.sent == 1
    assert (result.attempt.status, result.attempt.estimated) == ("timed_out", True)
    assert result.attempt.cost_usd
    provider.released.set()
    assert result.late is not None
    assert result.late.result(10).text == "Hi."


def test_a_stream_without_its_key_costs_nothing_and_is_never_sent(
    caller: ModelCaller, keys: Keys, provider: Provider
) -> None:
    result = caller.open(MODEL, HI, {}, StreamLimits(0.05, 1, is_last=False), Deadline(30))
    assert isinstance(result.error, ModelNotCalledError)
    assert result.attempt.cost_usd == 0.0
    keys.released.set()
    assert provider.sent == 0


def test_the_last_stream_without_its_key_costs_nothing(
    caller: ModelCaller, keys: Keys, provider: Provider
) -> None:
    result = caller.open(MODEL, HI, {}, StreamLimits(0.01, 1, is_last=True), Deadline(0.3))
    assert result.live is not None
    assert [chunk for chunk in result.live.chunks() if chunk] == []
    assert isinstance(result.live.error, ModelNotCalledError)
    assert result.live.attempt(Attempts(CATALOG)).cost_usd == 0.0
    keys.released.set()
    assert provider.sent == 0

"""Some prompt is always served, and never a broken one."""

from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.local_model import LocalNumbers
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.prompt_document import to_markdown
from route_switch.services.live_prompt import LivePrompt
from route_switch.services.refreshed_value import MAX_AGE_S, REFRESH_AFTER_S, RETRY_AFTER_S
from tests.support.local_models import MemoryModels, numbers, with_local_model

GOOD = to_markdown(packaged_prompt())
HYBRID = to_markdown(with_local_model(packaged_prompt()))
OTHER_HYBRID = to_markdown(with_local_model(packaged_prompt(), of=numbers(0.3)))


class FakeStore:
    def __init__(self, live: str | None = None, seed: str | None = None) -> None:
        self.versions = [live] if live is not None else []
        self.seed = seed
        self.reads = 0
        self.outage = False

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        self.reads += 1
        if self.outage:
            raise ConnectionError
        number = version or len(self.versions)
        return StoredPrompt(self.versions[number - 1], number) if self.versions else None

    def read_seed(self) -> StoredPrompt | None:
        if self.outage:
            raise ConnectionError
        return StoredPrompt(self.seed, 1) if self.seed is not None else None

    def put_live(self, document: str) -> int:
        self.versions.append(document)
        return len(self.versions)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Served:
    """A live prompt with its store and its clock."""

    def __init__(
        self, store: FakeStore, pool: Executor, models: MemoryModels | None = None
    ) -> None:
        self.store, self.clock = store, Clock()
        self.live = LivePrompt(store, packaged_prompt(), pool, self.clock, models)

    def numbers(self) -> LocalNumbers | None:
        model = self.live.current().prompt.local_model
        return None if model is None else model.numbers

    def request(self, seconds_later: float = 0) -> str:
        self.clock.now += seconds_later
        version = self.live.current().version
        self.live.finish_refresh()
        return version


@pytest.fixture
def pool() -> Executor:
    return ThreadPoolExecutor(1)


def test_live_takes_precedence_over_seed_and_seed_over_packaged(pool: Executor) -> None:
    assert Served(FakeStore(GOOD, GOOD), pool).request() == "live@1"
    assert Served(FakeStore(None, GOOD), pool).request() == "seed@1"
    assert Served(FakeStore(None, None), pool).request().startswith("packaged@")


def test_a_new_version_is_served_within_a_minute_without_delaying_a_request(pool: Executor) -> None:
    served = Served(FakeStore(GOOD), pool)
    served.request()
    served.store.put_live(GOOD)
    assert served.request(REFRESH_AFTER_S - 1) == "live@1"
    assert served.request(2) == "live@1", "the refresh runs in parallel with this request"
    assert served.request() == "live@2"
    assert served.store.reads == 2


@pytest.mark.parametrize("broken", ["", "no prompt", "{}", "+++\nschema_version = 2\n+++\n"])
def test_with_a_broken_live_prompt_the_last_good_one_is_served_as_unhealthy(
    pool: Executor, broken: str
) -> None:
    served = Served(FakeStore(GOOD, GOOD), pool)
    served.request()
    served.store.put_live(broken)
    served.request(REFRESH_AFTER_S)
    assert served.live.current().version == "live@1"
    assert not served.live.current().healthy
    served.store.put_live(GOOD)
    served.request(REFRESH_AFTER_S)
    assert served.request() == "live@3"
    assert served.live.current().healthy


def test_a_new_process_serves_the_seed_if_all_live_versions_are_broken(pool: Executor) -> None:
    served = Served(FakeStore("broken", GOOD), pool)
    assert served.request() == "seed@1"
    assert not served.live.current().healthy


def test_a_new_process_serves_the_last_good_live_version(
    pool: Executor,
) -> None:
    store = FakeStore(GOOD, GOOD)
    store.versions += [GOOD, "broken", "+++"]
    served = Served(store, pool)
    assert served.request() == "live@2"
    assert not served.live.current().healthy


def test_a_store_failure_while_reading_older_versions_leads_to_the_seed(
    pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeStore(GOOD, GOOD)
    store.versions += ["broken"]
    newest = store.read_live()

    def fails_after_the_first(version: int | None = None) -> StoredPrompt | None:
        store.reads += 1
        if store.reads > 2:
            raise ConnectionError
        return newest

    monkeypatch.setattr(store, "read_live", fails_after_the_first)
    assert Served(store, pool).request() == "seed@1"


def test_a_process_that_slept_reads_the_prompt_before_it_serves(pool: Executor) -> None:
    served = Served(FakeStore(GOOD), pool)
    served.request()
    served.store.put_live(GOOD)
    assert served.request(MAX_AGE_S) == "live@2"


def test_during_a_store_outage_the_last_known_or_packaged_prompt_is_served(pool: Executor) -> None:
    served = Served(FakeStore(GOOD), pool)
    served.store.outage = True
    assert served.request().startswith("packaged@")
    served.store.outage = False
    served.request(REFRESH_AFTER_S)
    assert served.request() == "live@1"
    served.store.outage = True
    assert served.request(REFRESH_AFTER_S) == "live@1"
    assert served.request() == "live@1"


def test_a_prompt_that_could_not_be_read_is_read_again_after_seconds(pool: Executor) -> None:
    served = Served(FakeStore(GOOD), pool)
    served.store.outage = True
    assert served.request().startswith("packaged@")
    served.store.outage = False
    assert served.request(RETRY_AFTER_S).startswith("packaged@"), "no request waits for it"
    assert served.request() == "live@1"
    assert served.store.reads == 2


def test_a_long_outage_is_asked_about_ever_less_often(pool: Executor) -> None:
    served = Served(FakeStore(GOOD), pool)
    served.store.outage = True
    for _ in range(600):
        served.request(1)
    assert 10 <= served.store.reads <= 30, "and not once in every second"


def test_a_local_model_is_read_once_for_all_versions_that_name_it(pool: Executor) -> None:
    models = MemoryModels(numbers(), numbers(0.3))
    served = Served(FakeStore(HYBRID), pool, models)
    assert served.request() == "live@1"
    assert served.numbers() == numbers()
    served.store.put_live(HYBRID.replace("a greeting", "a thank-you"))
    served.request(REFRESH_AFTER_S)
    assert served.request() == "live@2"
    assert models.reads == [numbers().sha256]
    served.store.put_live(OTHER_HYBRID)
    served.request(REFRESH_AFTER_S)
    assert served.request() == "live@3"
    assert served.numbers() == numbers(0.3)


def test_a_prompt_without_a_local_model_reads_none(pool: Executor) -> None:
    models = MemoryModels(numbers())
    assert Served(FakeStore(GOOD), pool, models).request() == "live@1"
    assert models.reads == []


@pytest.mark.parametrize("stored", [(), (numbers(),)])
def test_a_new_process_that_cannot_read_the_local_model_serves_the_prompt_without_it(
    pool: Executor, stored: tuple[LocalNumbers, ...]
) -> None:
    models = MemoryModels(*stored)
    models.outage = bool(stored)
    served = Served(FakeStore(HYBRID, GOOD), pool, models)
    assert served.request() == "live@1"
    assert not served.live.current().healthy
    assert served.numbers() is None
    models.outage, models.stored = False, {numbers().sha256: numbers()}
    served.request(RETRY_AFTER_S)
    assert served.live.current().healthy, "it is tried again within seconds"
    assert served.numbers() == numbers()


def test_the_last_good_prompt_is_kept_while_a_new_local_model_cannot_be_read(
    pool: Executor,
) -> None:
    served = Served(FakeStore(HYBRID), pool, MemoryModels(numbers()))
    served.request()
    served.store.put_live(OTHER_HYBRID)
    served.request(REFRESH_AFTER_S)
    assert served.request() == "live@1"
    assert not served.live.current().healthy
    assert served.numbers() == numbers()

"""A model that keeps failing costs requests no time until it answers again."""

from collections.abc import Callable
from functools import partial

import pytest

from route_switch.domain.ports import JsonObject
from route_switch.services.choose_tier import SKIPPED
from route_switch.services.circuits import FAILURES, OPEN_S, Circuits
from route_switch.wiring import router
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    SMALL_ONLY_KEY,
    Api,
    MakeApi,
    by_model,
    record_of,
)
from tests.support.upstream import HANG_UP, Reply, chunk, completion, failure, streamed


def message(text: str) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of circuits."""
    moment = [0.0]
    monkeypatch.setattr(router, "Circuits", partial(Circuits, lambda: moment[0]))
    return moment


def test_a_router_that_hangs_is_skipped_after_some_requests(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.3, request_deadline_s=6)
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = by_model(router=hang, medium=completion("Fine."))
    answers = [api.chat(LONG) for _ in range(FAILURES + 2)]
    assert {answer.headers["x-route-reason"] for answer in answers} == {"fallback"}
    assert api.upstream.models_called().count("router") == FAILURES
    record = record_of(api, answers[-1].body["id"])
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert [attempt["model"] for attempt in attempts] == ["openai/medium"]
    skips = [answer.headers.get("x-route-skipped") for answer in answers]
    assert skips == [None] * FAILURES + ["openai/router"] * 2
    assert record["skipped_models"] == ["openai/router"]
    assert record["why"] == SKIPPED
    explained = api("POST", "/v1/route", {**message(LONG), "explain": True}).text
    assert SKIPPED in explained


def test_a_tier_that_fails_is_skipped_then_probed_and_used_again(
    now: list[float], api: Api
) -> None:
    api.upstream.script = by_model(small=failure(500), small_2=completion("Instead."))
    for _ in range(FAILURES + 2):
        assert api.chat("hello").status == 200
    assert api.upstream.models_called().count("small") == FAILURES
    api.upstream.script = by_model(small=completion("Back."), small_2=completion("Instead."))
    skipping = api.chat("hello").headers
    assert skipping["x-route-model"] == "openai/small-2"
    assert skipping["x-route-skipped"] == "openai/small"
    now[0] = OPEN_S
    for _ in range(2):
        headers = api.chat("hello").headers
        assert headers["x-route-model"] == "openai/small"
        assert "x-route-skipped" not in headers


def test_if_every_model_is_down_all_are_tried(make_api: MakeApi) -> None:
    api = make_api()
    api.upstream.script = lambda _: failure(500)
    for _ in range(FAILURES + 1):
        before = len(api.upstream.models_called())
        assert api.chat("hello").status == 502
        assert len(api.upstream.models_called()) - before == 4
    api.upstream.script = lambda _: completion("Back.")
    assert api.chat("hello").status == 200


def test_a_rate_limit_is_kept_to_for_as_long_as_the_provider_says(
    now: list[float], api: Api
) -> None:
    limited = Reply(failure(429).body, 429, headers={"retry-after": "7"})
    api.upstream.script = by_model(small=limited, small_2=completion("Instead."))
    for now[0] in (0.0,) * FAILURES + (1.0, 6.9):
        assert api.chat("hello").status == 200
    assert api.upstream.models_called().count("small") == FAILURES
    now[0] = 7.0
    api.chat("hello")
    assert api.upstream.models_called().count("small") == FAILURES + 1


def test_streams_that_break_off_open_the_circuit(now: list[float], api: Api) -> None:
    begun = Reply(parts=[chunk({"content": "Half"}), HANG_UP])
    api.upstream.script = by_model(small=begun, small_2=streamed("Instead."))
    for _ in range(FAILURES):
        assert "error" in api.chat("hello", stream=True).text
    instead = api.chat("hello", stream=True)
    assert "Instead." in instead.text
    assert instead.headers["x-route-skipped"] == "openai/small"


@pytest.mark.parametrize("stream", [False, True])
def test_requests_that_a_provider_refuses_close_no_model_to_others(
    api: Api, *, stream: bool
) -> None:
    api.upstream.script = by_model(small=failure(400))
    for _ in range(FAILURES + 1):
        assert api.chat("hello", stream=stream).status == 400
    answered: Callable[..., Reply] = streamed if stream else completion
    api.upstream.script = by_model(small=answered("Fine."))
    assert api.chat("hello", stream=stream).headers["x-route-model"] == "openai/small"


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("broken", [failure(500), failure(429), Reply(hangs_up=True)])
@pytest.mark.parametrize("stream", [False, True])
def test_the_failures_of_one_key_take_no_model_from_others(
    api: Api, broken: Reply, *, stream: bool
) -> None:
    answered: Callable[..., Reply] = streamed if stream else completion
    api.upstream.script = by_model(small=broken, small_2=answered("Instead."))
    for _ in range(FAILURES + 1):
        skipping = api.chat("hello", stream=stream).headers
    assert skipping["x-route-skipped"] == "openai/small", "the key itself does not wait for it"
    api.upstream.script = by_model(small=answered("Fine."), small_2=answered("Instead."))
    other = api.chat("hello", key=OTHER_KEY, stream=stream)
    assert other.headers["x-route-model"] == "openai/small"
    assert "x-route-skipped" not in other.headers
    if not stream:
        assert api.chat("hello").headers["x-route-model"] == "openai/small", "it works again"


@pytest.mark.usefixtures("now")
def test_the_router_that_one_key_makes_fail_routes_for_others(api: Api) -> None:
    api.upstream.script = by_model(router=failure(500), medium=completion("Fine."))
    for _ in range(FAILURES + 1):
        skipping = api.chat(LONG).headers
    assert skipping["x-route-skipped"] == "openai/router"
    api.upstream.script = by_model(router=completion("2"), medium=completion("Fine."))
    assert api.chat(LONG, key=OTHER_KEY).headers["x-route-reason"] == "router"


@pytest.mark.usefixtures("now")
def test_a_model_that_fails_many_keys_is_skipped_for_all(api: Api) -> None:
    api.upstream.script = by_model(small=failure(500), small_2=completion("Instead."))
    for key in (CLIENT_KEY, OTHER_KEY, SMALL_ONLY_KEY):
        assert "x-route-skipped" not in api.chat("hello", key=key).headers
    assert api.chat("hello", key=ADMIN_KEY).headers["x-route-skipped"] == "openai/small"

"""A model that keeps failing costs requests no time until it answers again."""

import pytest

from route_switch.services.circuits import FAILURES, OPEN_S, Circuits
from route_switch.wiring import router
from tests.integration.conftest import LONG, MakeApi, record_of
from tests.integration.test_chat import by_model
from tests.support.upstream import Reply, completion, failure


def test_a_router_that_hangs_is_skipped_after_some_requests(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.3, request_deadline_s=6)
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = by_model(router=hang, medium=completion("Fine."))
    answers = [api.chat(LONG) for _ in range(FAILURES + 2)]
    assert {answer.headers["x-route-reason"] for answer in answers} == {"fallback"}
    assert api.upstream.models_called().count("router") == FAILURES
    attempts = record_of(api, answers[-1].body["id"])["attempts"]
    assert isinstance(attempts, list)
    assert [attempt["model"] for attempt in attempts] == ["openai/medium"]


def test_a_tier_that_fails_is_skipped_then_probed_and_used_again(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(router, "Circuits", lambda: Circuits(lambda: now[0]))
    api = make_api()
    api.upstream.script = by_model(small=failure(500), small_2=completion("Instead."))
    for _ in range(FAILURES + 2):
        assert api.chat("hello").status == 200
    assert api.upstream.models_called().count("small") == FAILURES
    api.upstream.script = by_model(small=completion("Back."), small_2=completion("Instead."))
    assert api.chat("hello").headers["x-route-model"] == "openai/small-2"
    now[0] = OPEN_S
    for _ in range(2):
        assert api.chat("hello").headers["x-route-model"] == "openai/small"


def test_if_every_model_is_down_all_are_tried(make_api: MakeApi) -> None:
    api = make_api()
    api.upstream.script = lambda _: failure(500)
    for _ in range(FAILURES + 1):
        before = len(api.upstream.models_called())
        assert api.chat("hello").status == 502
        assert len(api.upstream.models_called()) - before == 4
    api.upstream.script = lambda _: completion("Back.")
    assert api.chat("hello").status == 200

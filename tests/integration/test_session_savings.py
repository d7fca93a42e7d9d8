"""What a session saves is measured against a Tier 3 that has the conversation in its cache."""

from typing import cast

import pytest

from route_switch.domain.pricing import cost_usd
from route_switch.domain.usage import Usage
from route_switch.services import request_session
from tests.integration.conftest import CATALOG, Api, MakeApi, record_of
from tests.integration.test_sessions import ASK, CACHED, ON, routed_to, say, told
from tests.support.upstream import completion


@pytest.fixture
def api(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Tier 2 has read 9,000 tokens of a conversation; all providers cache by themselves."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    prices = {**CATALOG.prices, "openai/medium": CACHED, "openai/large": CACHED}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    routed_to(api, 2)
    assert told(say(api, ASK))[0] == "new"
    return api


def test_a_move_up_counts_the_history_as_cached_on_tier_3(api: Api) -> None:
    routed_to(api, 3, large=completion("l", 10_000))
    answer = say(api, ASK + ON)
    assert told(answer)[0] == "moved up"
    record = record_of(api, answer.headers["x-request-id"])
    as_kept = cost_usd(Usage(10_000, 7, cached_input_tokens=9_000), CACHED)
    assert record["baseline_cost_usd"] == pytest.approx(as_kept)
    assert cast("float", record["saved_usd"]) < -0.02  # filling Tier 3's cache has a price


def test_a_conversation_that_begins_has_no_history(api: Api) -> None:
    answer = say(api, ASK, {"x-session-id": "another"})
    record = record_of(api, answer.headers["x-request-id"])
    assert cast("float", record["baseline_cost_usd"]) > 9_000 * 3 / 1e6

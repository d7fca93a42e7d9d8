"""What a session saves is measured against a Tier 3 that has the conversation in its cache."""

from typing import cast

import pytest

from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import cost_usd
from route_switch.domain.usage import Usage
from route_switch.services import request_session
from tests.integration.conftest import CATALOG, Api, MakeApi, record_of, switch
from tests.integration.session_turns import ASK, CACHED, ON, Messages, routed_to, say, told
from tests.support.upstream import completion

USAGE: JsonObject = {"prompt_tokens": 10_000, "completion_tokens": 7, "total_tokens": 10_007}


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


def test_in_shadow_only_a_session_that_stays_reads_from_the_cache(
    make_api: MakeApi, in_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tier 3 answers. Routing asks for Tier 2 twice, then for Tier 1, where the session moves."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    cheap = CACHED.model_copy(
        update={"input_usd_per_million": 0.1, "cached_input_usd_per_million": 0.01}
    )
    prices = dict.fromkeys(CATALOG.prices, CACHED) | {"openai/small": cheap}
    models = CATALOG.model_copy(update={"prices": prices, "tier_3_output_ratio": {}})
    api = make_api(models=models)
    switch(routing="shadow")
    read = completion("l", 10_000)
    assert isinstance(read.body, dict)
    read.body["usage"] = {**USAGE, "prompt_tokens_details": {"cached_tokens": 9_000}}

    def would_cost_usd(turn: Messages, tier: int) -> tuple[object, float]:
        routed_to(api, tier, large=read)
        record = record_of(api, say(api, turn).headers["x-request-id"])
        router_usd = cast("float", record["router_cost_usd"])
        return record["session"], cast("float", record["shadow_cost_usd"]) - router_usd

    cold, warm = Usage(10_000, 7), Usage(10_000, 7, cached_input_tokens=9_000)
    moves = [would_cost_usd(ASK, 2), would_cost_usd(ASK + ON, 2), would_cost_usd(ASK + ON, 1)]
    assert [move for move, _ in moves] == ["new", "kept", "moved down"]
    expected = [cost_usd(cold, CACHED), cost_usd(warm, CACHED), cost_usd(cold, cheap)]
    assert [usd for _, usd in moves] == pytest.approx(expected)

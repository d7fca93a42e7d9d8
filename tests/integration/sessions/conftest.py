"""The stage of these tests: Tier 2 has begun a conversation."""

import pytest

from route_switch.services import request_session
from tests.integration.conftest import CATALOG, Api, MakeApi
from tests.integration.session_turns import ASK, CACHED, routed_to, say, told


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a state no matter how busy this machine is."""
    monkeypatch.setattr(request_session, "LATE_S", 10)
    monkeypatch.setattr(request_session, "HOLD_S", 10)


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """Tier 2 has begun a conversation; its provider caches by itself."""
    prices = {**CATALOG.prices, "openai/medium": CACHED, "openai/large": CACHED}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    routed_to(api, 2)
    assert told(say(api, ASK)) == ("new", "2", "router")
    return api

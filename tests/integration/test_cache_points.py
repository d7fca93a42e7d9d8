"""Cache points on their way through the router to a server with OpenAI's API."""

from typing import Any

import pytest

from route_switch.adapters.models.openai_compatible import OpenAiCompatibleClient
from route_switch.adapters.models.provider_http import HttpAnswer
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject, ModelCall
from tests.integration.conftest import CATALOG, LONG, Api, MakeApi
from tests.support.upstream import completion

POINT = {"type": "ephemeral"}
SYSTEM: JsonObject = {
    "role": "system",
    "content": [{"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral"}}],
}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "f"}, "cache_control": POINT}]


def test_a_compatible_server_gets_the_callers_points_unchanged(api: Api) -> None:
    messages: list[JsonObject] = [SYSTEM, {"role": "user", "content": LONG}]
    body = {"model": "tier-2", "messages": messages, "tools": TOOLS}
    assert api("POST", "/v1/chat/completions", body).status == 200
    assert api.upstream.calls[-1]["messages"] == messages
    assert api.upstream.calls[-1]["tools"] == TOOLS


def test_cached_tokens_are_charged_at_their_own_price(make_api: MakeApi) -> None:
    prices = {
        name: price.model_copy(
            update={"cached_input_usd_per_million": 0.5, "cache_write_usd_per_million": 4}
        )
        for name, price in CATALOG.prices.items()
    }
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    reported: JsonObject = {
        "prompt_tokens": 1000,
        "completion_tokens": 10,
        "total_tokens": 1010,
        "prompt_tokens_details": {"cached_tokens": 700, "cache_creation_tokens": 200},
    }
    reply = completion("Hi.")
    assert isinstance(reply.body, dict)
    reply.body["usage"] = reported
    api.upstream.script = lambda _: reply
    answer = api.chat(LONG, model="tier-2")
    usd = (100 * 3 + 700 * 0.5 + 200 * 4 + 10 * 5) / 1e6
    assert float(answer.headers["x-route-cost-usd"]) == pytest.approx(usd, abs=1e-9)


def test_the_routing_prompt_is_marked_for_a_router_that_caches_on_request(
    make_api: MakeApi,
) -> None:
    known = {"openai/router": Capabilities(cache_min_tokens=100)}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    api.chat(LONG)
    sent: Any = api.upstream.calls[0]["messages"]
    *before, query = sent
    assert before[-1]["content"][-1]["cache_control"] == POINT
    assert "cache_control" not in str(query)


class Recorder:
    """Keeps the body that would be sent."""

    body: JsonObject

    def post(self, _: object, body: JsonObject, __: object, ___: float) -> HttpAnswer:
        self.body = body
        return HttpAnswer(200, {}, b'{"choices": [{"message": {"content": "Hi"}}]}')


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        ("https://api.openai.com/v1", False),
        ("https://eu.api.openai.com/v1", False),
        ("https://mine.openai.azure.com/openai/v1", False),
        ("https://openrouter.ai/api/v1", True),
        ("https://notopenai.com/v1", True),
    ],
)
def test_openai_caches_by_itself_and_gets_no_points(url: str, is_kept: bool) -> None:
    client, recorder = OpenAiCompatibleClient(url, lambda: None), Recorder()
    vars(client)["_http"] = recorder
    list(client.stream(ModelCall("m", (SYSTEM,), {"tools": TOOLS})))
    assert ("cache_control" in str(recorder.body)) == is_kept

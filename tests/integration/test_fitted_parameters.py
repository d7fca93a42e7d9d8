"""Parameters that a model does not take: left out or renamed once, remembered, and told."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.domain.needs import Capabilities
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tier_parameters import TierParameters
from route_switch.domain.tiers import Tier, TierModels
from route_switch.services.learning.paid_calls import Purpose
from tests.integration.conftest import CATALOG, LONG, OTHER_KEY, Answer, Api, MakeApi
from tests.support.paid import metered
from tests.support.upstream import Body, Reply, completion, failure, running_upstream

REASONING = Capabilities(reasoning=True)


def picky(body: Body) -> Reply:
    """A reasoning model of OpenAI's: it names what it does not take, one at a time."""
    if "max_tokens" in body:
        return refusal("max_tokens", "Use 'max_completion_tokens'.")
    if body.get("temperature", 1) != 1:
        return refusal("temperature", "It does not support other values than 1.")
    return completion("2")


def refusal(param: str, advice: str) -> Reply:
    error: JsonValue = {
        "message": f"Unsupported parameter: '{param}'. {advice}",
        "type": "invalid_request_error",
        "param": param,
        "code": "unsupported_parameter",
    }
    return Reply({"error": error}, 400)


def by_model_name(**scripts: Any) -> Any:
    return lambda body: scripts[str(body["model"])](body)


def attempts_of(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer.headers["x-route-attempts"])
    return found


def ask(api: Api, **params: JsonValue) -> Answer:
    body = {"model": "auto", "messages": [{"role": "user", "content": LONG}], **params}
    return api("POST", "/v1/chat/completions", body, headers={"x-route-debug": "1"})


def test_a_refusal_is_remembered_for_its_model_alone(api: Api) -> None:
    api.upstream.script = by_model_name(
        router=lambda _: completion("2"), medium=picky, large=lambda _: completion("Hi.")
    )
    first, second = ask(api, max_tokens=9), ask(api, max_tokens=9)
    assert api.upstream.models_called() == ["router", "medium", "medium", "router", "medium"]
    notes = ["max_tokens sent as max_completion_tokens"]
    assert attempts_of(first)[-1]["adjusted"] == attempts_of(second)[-1]["adjusted"] == notes
    ask(api, model="tier-3", max_tokens=9)
    assert api.upstream.calls[-1]["max_tokens"] == 9


def test_a_refused_router_is_noted_in_the_attempts_and_remembered(api: Api) -> None:
    api.upstream.script = by_model_name(router=picky, medium=lambda _: completion("Hi."))
    for calls in (4, 2):
        api.upstream.calls.clear()
        answer = ask(api)
        assert answer.headers["x-route-reason"] == "router"
        assert len(api.upstream.calls) == calls
        assert attempts_of(answer)[0]["adjusted"] == [
            "max_tokens sent as max_completion_tokens",
            "temperature left out",
        ]


def test_changes_are_reported_for_failed_attempts_too(make_api: MakeApi) -> None:
    known = {"openai/medium": REASONING, "openai/large": REASONING}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    api.upstream.script = by_model_name(
        router=lambda _: completion("2"),
        medium=lambda _: failure(500),
        large=lambda _: refusal("tools", "Not supported."),
        small=lambda _: completion("Hi."),
    )
    answer = ask(api, max_tokens=9)
    notes = ["max_tokens sent as max_completion_tokens"]
    told = {a["model"]: a["adjusted"] for a in attempts_of(answer)}
    assert told == {
        "openai/router": [],
        "openai/medium": notes,
        "openai/large": notes,
        "openai/small": [],
    }


def test_a_model_that_is_known_to_think_is_never_asked_wrongly(make_api: MakeApi) -> None:
    known = {"openai/router": REASONING, "openai/medium": REASONING}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    api.upstream.script = picky
    answer = ask(api, max_tokens=9, temperature=0.2, top_p=0.5)
    assert answer.headers["x-route-reason"] == "router"
    router, medium = api.upstream.calls
    assert "max_tokens" not in router
    assert router["max_completion_tokens"] == 2048, "room to think"
    assert medium["max_completion_tokens"] == 9
    assert not {"temperature", "top_p", "max_tokens"} & medium.keys()
    assert attempts_of(answer)[1]["adjusted"] == [
        "max_tokens sent as max_completion_tokens",
        "temperature left out",
        "top_p left out",
    ]


def test_both_names_of_the_limit_are_sent_as_the_one_that_the_model_takes(api: Api) -> None:
    api.upstream.script = by_model_name(router=lambda _: completion("2"), medium=picky)
    assert ask(api, max_tokens=9, max_completion_tokens=7).status == 200
    assert api.upstream.calls[-1]["max_completion_tokens"] == 7


def test_a_model_that_refuses_everything_is_asked_no_more_than_four_times(api: Api) -> None:
    names = ["seed", "user", "verbosity", "reasoning_effort", "presence_penalty"]

    def never(body: Body) -> Reply:
        return refusal(next((n for n in names if n in body), "messages"), "")

    api.upstream.script = by_model_name(medium=never)
    texts = dict.fromkeys(("user", "verbosity", "reasoning_effort"), "low")
    answer = ask(api, model="tier-2", **dict.fromkeys(names, 1) | texts)
    assert answer.status == 400
    assert len(api.upstream.calls) == 4


def test_without_a_limit_or_a_temperature_nothing_is_changed(api: Api) -> None:
    api.upstream.script = by_model_name(router=lambda _: completion("2"), medium=picky)
    assert attempts_of(ask(api, seed=7))[-1]["adjusted"] == []
    assert api.upstream.calls[-1]["seed"] == 7


@pytest.mark.parametrize("purpose", [Purpose.JUDGE, Purpose.PROPOSER, Purpose.ROUTER])
def test_calls_of_learning_are_fitted_too(purpose: Purpose) -> None:
    with running_upstream(picky) as upstream:
        config = RouterConfig(models=CATALOG, openai_base_url=upstream.url)
        calls = metered(learning_clients(config, lambda _: None)("openai"))
        for text in ("a", "b"):
            messages: tuple[dict[str, JsonValue], ...] = ({"role": "user", "content": text},)
            reply = calls("openai/judge", messages, {"temperature": 0}, purpose)
            assert reply.text == "2"
        assert len(upstream.calls) == 4, "what the first call learned, the second one knows"
        assert calls.calls[purpose.value] == 2


@pytest.mark.parametrize(
    ("status", "message", "name"),
    [
        (403, "This user is not allowed to use the model.", "user"),
        (404, "The seed model is not available.", "seed"),
        (429, "The quota of this user is not available any more.", "user"),
    ],
)
def test_a_refusal_for_another_reason_is_not_repeated(
    api: Api, status: int, message: str, name: str
) -> None:
    refused = Reply({"error": {"message": message, "code": "insufficient_quota"}}, status)
    api.upstream.script = lambda _: refused
    assert ask(api, model="tier-2", **{name: 7 if name == "seed" else "u"}).status == 502
    assert len(api.upstream.calls) == 1
    assert name in api.upstream.calls[0]


def test_a_models_name_is_not_a_parameter(make_api: MakeApi) -> None:
    tiers = {**CATALOG.tiers, Tier.MEDIUM: TierModels(model="openai/store-user")}
    api = make_api(models=CATALOG.model_copy(update={"tiers": tiers}))
    api.upstream.script = lambda _: Reply({"error": {"message": "Images are not supported."}}, 400)
    assert ask(api, model="tier-2", user="u", store=False).status == 400
    assert len(api.upstream.calls) == 1


def test_a_refused_value_stays_in_no_other_call(make_api: MakeApi) -> None:
    """Neither in those of other keys, nor where the tier sets another value."""

    def choosy(body: Body) -> Reply:
        if body.get("reasoning_effort") == "xhigh":
            return refusal("reasoning_effort", "It does not support 'xhigh'.")
        return completion("Hi.")

    low = TierModels(model="openai/medium", params=TierParameters(reasoning_effort="low"))
    tiers = {**CATALOG.tiers, Tier.MEDIUM: low}
    api = make_api(models=CATALOG.model_copy(update={"tiers": tiers}))
    api.upstream.script = choosy
    for _ in range(2):
        answer = ask(api, model="tier-2", reasoning_effort="xhigh")
        assert "reasoning_effort left out" in answer.headers["x-route-adjusted"]
    api.chat(LONG, model="tier-2")
    api.chat(LONG, model="tier-2", reasoning_effort="high")
    api.chat(LONG, model="tier-2", key=OTHER_KEY)
    sent = [call.get("reasoning_effort") for call in api.upstream.calls]
    assert sent == ["xhigh", None, None, "low", "high", "low"]


def test_what_one_key_has_had_refused_changes_no_call_of_another(api: Api) -> None:
    """Providers quote requests, so a client chooses the words of a refusal."""

    def quoting(body: Body) -> Reply:
        if body.get("stop"):
            return failure(400, f"Unsupported stop: {body['stop']}")
        return completion("Hi.")

    api.upstream.script = quoting
    assert ask(api, model="tier-2", stop="max_tokens", max_tokens=9).status == 400
    assert "max_completion_tokens" in api.upstream.calls[-1], "the client's own calls may change"
    api.chat(LONG, model="tier-2", key=OTHER_KEY, max_tokens=9)
    assert api.upstream.calls[-1]["max_tokens"] == 9

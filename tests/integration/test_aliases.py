"""Aliases through the handler: what they route to, what is listed, and what an error says."""

import pytest

from tests.integration.conftest import CLIENT_KEY, LONG, SMALL_ONLY_KEY, Api, MakeApi
from tests.support.upstream import completion


def names_of(api: Api, key: str) -> list[str]:
    listed = api("GET", "/v1/models", key=key).body["data"]
    assert isinstance(listed, list)
    return [each["id"] for each in listed]


def test_an_agents_model_name_is_routed_and_the_answer_names_the_real_model(api: Api) -> None:
    api.upstream.script = lambda _: completion("2")
    answer = api.chat(LONG, model="claude-sonnet-4-5-20250929")
    assert (answer.status, answer.headers["x-route-reason"]) == (200, "router")
    assert answer.body["model"] == "openai/medium"


@pytest.mark.parametrize(
    ("model", "tier", "reason"),
    [
        ("claude-haiku-4-5", "1", "override"),
        ("claude-opus-4-6", "2", "router"),
        ("openai/large", "3", "override"),
        ("best", "3", "override"),
        ("auto", "2", "router"),
        ("anything else", "3", "override"),
    ],
)
def test_a_stage_maps_names_to_tiers(make_api: MakeApi, model: str, tier: str, reason: str) -> None:
    patterns = {"claude-*": "auto", "claude-haiku*": "tier-1", "openai/*": "tier-1"}
    api = make_api(aliases={**patterns, "best": "openai/large", "*": "tier-3"})
    api.upstream.script = lambda _: completion("2")
    answer = api.chat(LONG, model=model)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == (tier, reason)


def test_an_unknown_name_gets_an_error_that_lists_what_there_is(api: Api) -> None:
    answer = api.chat(LONG, model="llama-3")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    message = str(answer.error["message"])
    for name in ("auto", "tier-3", "openai/large", "router.aliases"):
        assert name in message
    assert "openai/large" not in str(api.chat(LONG, SMALL_ONLY_KEY, model="x").error["message"])


def test_without_aliases_an_unknown_name_is_refused(make_api: MakeApi) -> None:
    assert make_api(aliases={}).chat(LONG, model="gpt-4o").status == 404


@pytest.mark.parametrize(
    ("model", "tier", "reason"),
    [("AUTO", "2", "router"), ("Tier-3", "3", "override"), ("TIER-1", "1", "override")],
)
def test_the_case_of_a_tiers_name_does_not_matter(
    api: Api, model: str, tier: str, reason: str
) -> None:
    api.upstream.script = lambda _: completion("2")
    answer = api.chat(LONG, model=model)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == (tier, reason)


def test_aliases_are_listed_for_the_keys_that_may_use_them(make_api: MakeApi) -> None:
    patterns = {"gpt-*": "auto", "o[1-9]": "auto", "claude-?": "tier-3"}
    api = make_api(aliases={**patterns, "any": "auto", "best": "tier-3"})
    listed = names_of(api, CLIENT_KEY)
    assert {"any", "best"} <= {*listed}
    assert not {*patterns} & {*listed}, "a client would offer a pattern as a model"
    listed = names_of(api, SMALL_ONLY_KEY)
    assert "any" in listed
    assert "best" not in listed
    refused = str(api.chat(LONG, SMALL_ONLY_KEY, model="x").error["message"])
    assert "names that these aliases match: gpt-*, o[1-9], any." in refused
    assert api("GET", "/v1/models/gpt-5").body["id"] == "gpt-5"
    assert api("GET", "/v1/models/best", key=SMALL_ONLY_KEY).status == 403

"""A request's routing profile: from its body, a header, its key or the stage."""

from typing import Any

import boto3
import pytest

from tests.integration.conftest import LONG, Api, MakeApi, add_key, by_model, record_of
from tests.support.upstream import completion

PROTOCOLS: list[tuple[str, dict[str, object]]] = [
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": LONG}]}),
    ("/v1/responses", {"input": LONG}),
    ("/v1/messages", {"messages": [{"role": "user", "content": LONG}], "max_tokens": 9}),
    ("/v1/completions", {"prompt": LONG}),
]
in_every_protocol = pytest.mark.parametrize(("path", "fields"), PROTOCOLS)
COST: dict[str, Any] = {"route_switch": {"profile": "cost"}}
QUALITY: dict[str, Any] = {"route_switch": {"profile": "quality"}}


@pytest.fixture
def named_2(api: Api) -> Api:
    """The router LLM names Tier 2 for every query."""
    said_2(api)
    return api


def said_2(api: Api) -> None:
    answers = {name: completion("An answer.", 40, 90) for name in ("small", "medium", "large")}
    api.upstream.script = by_model(router=completion("2", 1000, 1), **answers)


def profile_and_tier(headers: dict[str, str]) -> tuple[str, str]:
    return headers["x-route-profile"], headers["x-route-tier"]


@in_every_protocol
def test_every_protocol_takes_a_profile_in_the_body_or_a_header(
    named_2: Api, path: str, fields: dict[str, object]
) -> None:
    body = {"model": "auto", **fields}
    plain = named_2("POST", path, body)
    cost = named_2("POST", path, {**body, **COST})
    quality = named_2("POST", path, body, headers={"x-route-profile": "quality"})
    assert profile_and_tier(plain.headers) == ("balanced", "2")
    assert profile_and_tier(cost.headers) == ("cost", "1")
    assert profile_and_tier(quality.headers) == ("quality", "3")


@in_every_protocol
def test_an_unknown_profile_is_refused_with_the_names_and_costs_nothing(
    named_2: Api, path: str, fields: dict[str, object]
) -> None:
    refused = named_2("POST", path, {**fields, "route_switch": {"profile": "cheap"}})
    by_header = named_2("POST", path, fields, headers={"x-route-profile": "PLANTED"})
    assert (refused.status, by_header.status) == (400, 400)
    for name in ("quality", "balanced", "cost"):
        assert name in refused.text
        assert name in by_header.text
    assert "PLANTED" not in by_header.text
    assert named_2.upstream.calls == []


def test_the_body_comes_before_the_header_the_key_and_the_stage(make_api: MakeApi) -> None:
    api = make_api(profile="quality")
    said_2(api)
    add_key("rs-batch", profile={"S": "cost"})
    header = {"x-route-profile": "balanced"}
    found = [
        api.chat(LONG),
        api.chat(LONG, key="rs-batch"),
        api.chat(LONG, key="rs-batch", headers=header),
        api.chat(LONG, key="rs-batch", headers=header, **QUALITY),
    ]
    profiles = [answer.headers["x-route-profile"] for answer in found]
    assert profiles == ["quality", "cost", "balanced", "quality"]
    assert [answer.headers["x-route-tier"] for answer in found] == ["3", "1", "2", "3"]


def test_the_record_names_the_profile_and_what_routing_chose_without_it(named_2: Api) -> None:
    record = record_of(named_2, named_2.chat(LONG, **COST).body["id"])
    assert (record["profile"], record["routed_tier"], record["tier"]) == ("cost", 2, 1)
    assert record["why"] == "chosen by the router LLM, then moved for the profile cost"
    assert "profile" not in record_of(named_2, named_2.chat(LONG).body["id"])


def test_ratings_and_drift_see_what_the_prompt_chose_not_what_the_profile_made_of_it(
    named_2: Api,
) -> None:
    for options in (COST, {}):
        answer = named_2.chat(LONG, **options)
        rating = {"request_id": answer.headers["x-request-id"], "thumb": "down"}
        assert named_2("POST", "/v1/feedback", rating).status == 200
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    sums = [item for item in items if item["pk"]["S"].startswith("QUALITY#")]
    assert [item["n"]["N"] for item in sums if "n" in item][:1] == ["1"], sums


def test_a_profile_moves_only_what_routing_wishes(named_2: Api) -> None:
    named = named_2.chat(LONG, **COST, model="tier-3")
    limited = named_2.chat(LONG, route_switch={"profile": "cost", "min_tier": 3})
    bypassed = named_2.chat("Hi", **QUALITY)
    assert profile_and_tier(named.headers) == ("cost", "3")
    assert profile_and_tier(limited.headers) == ("cost", "3")
    assert (bypassed.headers["x-route-tier"], bypassed.headers["x-route-reason"]) == ("1", "bypass")
    named_2.upstream.script = by_model(
        router=completion("none"), medium=completion("An answer.", 40, 90)
    )
    assert named_2.chat(LONG, **COST).headers["x-route-tier"] == "2"


def test_a_dry_run_names_the_profile_and_says_what_it_changed(named_2: Api) -> None:
    body = {"messages": [{"role": "user", "content": LONG}], **COST}
    decision = named_2("POST", "/v1/route", body).body
    assert (decision["profile"], decision["tier"]) == ("cost", 1)
    told = str(decision["explanation"])
    assert "chose Tier 2" in told
    assert "The profile 'cost' makes that Tier 1." in told
    assert "The profile 'balanced' would send it to Tier 2." in told


def test_in_shadow_the_profile_moves_the_recorded_decision(shadow: Api) -> None:
    answer = shadow.chat(LONG, **QUALITY)
    assert answer.headers["x-route-tier"] == "3"
    assert record_of(shadow, answer.body["id"])["shadow_tier"] == 2

"""Rate limits and budgets of keys."""

import boto3
import pytest
from pydantic import JsonValue

from route_switch.domain.needs import Capabilities
from route_switch.domain.request_record import RequestRecord
from route_switch.wiring import management
from tests.integration.conftest import CATALOG, LONG, Api, MakeApi, add_key, by_model
from tests.support.clock import stop_clock
from tests.support.upstream import Body, Reply, completion, failure

EVERYTHING = by_model(
    router=completion("3", 1000, 1),
    small=completion("s", 100, 100),
    medium=completion("m", 100, 100),
    large=completion("l", 100, 100),
)

HOUR: JsonValue = {"type": "ephemeral", "ttl": "1h"}


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, management)


def taken_usd(key: str) -> float:
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    taken = [i["taken_usd"]["N"] for i in items if i["pk"]["S"].startswith(f"BUDGET#key_{key}#")]
    return sum(map(float, taken))


def test_a_keys_requests_per_minute_are_limited(api: Api) -> None:
    add_key("rs-slow", requests_per_minute={"N": "3"})
    api.upstream.script = EVERYTHING
    answers = [api.chat("hello", key="rs-slow") for _ in range(8)]
    refused = [a for a in answers if a.status == 429]
    assert 2 <= len(refused) <= 5, "a new minute may start in between"
    assert refused[0].error["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert api.chat("hello").status == 200, "another key has its own limit"


@pytest.mark.parametrize(
    "path",
    ["/v1/costs", "/v1/results", "/v1/prompt", "/v1/prompt/history", "/v1/audit", "/v1/keys"],
)
def test_an_admin_keys_reads_count(path: str, api: Api) -> None:
    add_key("rs-slow", role={"S": "admin"}, requests_per_minute={"N": "2"})
    answers = [api("GET", path, key="rs-slow") for _ in range(4)]
    assert [answer.status == 429 for answer in answers] == [False, False, True, True]
    assert answers[-1].error["code"] == "rate_limit_exceeded"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_a_clients_deletions_count(api: Api) -> None:
    add_key("rs-slow", requests_per_minute={"N": "2"})
    paths = ("/v1/results/chatcmpl-1", "/v1/users/ann", "/v1/users/bob", "/v1/results/chatcmpl-2")
    statuses = [api("DELETE", path, key="rs-slow").status for path in paths]
    assert statuses == [404, 200, 429, 429]


def test_counting_tokens_counts_as_a_request_and_reserves_no_money(api: Api) -> None:
    add_key("rs-slow", requests_per_minute={"N": "3"}, monthly_budget_usd={"N": "0.001"})
    body: Body = {"model": "auto", "messages": [{"role": "user", "content": LONG}]}
    path = "/v1/messages/count_tokens"
    answers = [api("POST", path, body, key="rs-slow") for _ in range(8)]
    refused = [a for a in answers if a.status == 429]
    assert 2 <= len(refused) <= 5, "a new minute may start in between"
    assert refused[0].error["type"] == "rate_limit_error"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert taken_usd("rs-slow") == 0
    assert api("POST", path, body).status == 200, "another key has its own limit"


def test_a_refused_request_does_not_count(api: Api) -> None:
    add_key("rs-slow", requests_per_minute={"N": "1"})
    assert api.chat("hello", key="rs-slow", n=0).status == 400
    api.upstream.script = EVERYTHING
    assert api.chat("hello", key="rs-slow").status == 200


def test_a_budget_records_actual_spending(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "5"})
    api.upstream.script = EVERYTHING
    costs = [float(api.chat(LONG, key="rs-team").headers["x-route-cost-usd"]) for _ in range(3)]
    assert taken_usd("rs-team") == pytest.approx(sum(costs), abs=1e-9)
    api.upstream.script = lambda _: failure(500)
    api.chat(LONG, key="rs-team")
    assert taken_usd("rs-team") == pytest.approx(sum(costs), abs=1e-9), "an error costs nothing"


def test_a_used_up_budget_refuses_a_request_before_anything_is_paid(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.001"})
    answer = api.chat(LONG, key="rs-team")
    assert (answer.status, answer.error["code"]) == (429, "insufficient_quota")
    assert "retry-after" not in answer.headers, "waiting would not help"
    assert api.upstream.calls == []
    assert taken_usd("rs-team") == 0


def test_a_named_tier_reserves_only_its_own_cost(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.01"})
    api.upstream.script = EVERYTHING
    assert api.chat("hello", key="rs-team", model="tier-1").status == 200
    assert api.chat("hello", key="rs-team", model="tier-3").status == 429


def test_the_possible_cost_of_a_late_call_stays_reserved(make_api: MakeApi) -> None:
    """Its provider charges for it, but the amount is unknown."""
    api = make_api(request_deadline_s=4, router_timeout_s=0.5)
    add_key("rs-team", monthly_budget_usd={"N": "0.6"})
    assert api("GET", "/v1/models", key="rs-team").status == 200
    api.upstream.script = lambda _: Reply({}, wait_for=api.upstream.released)
    answer = api.chat("hello", key="rs-team", model="tier-3", max_tokens=16_000)
    assert answer.status == 504
    assert taken_usd("rs-team") > 16_000 * 30 / 1e6
    again = api.chat("hello", key="rs-team", model="tier-3", max_tokens=16_000)
    assert (again.status, again.error["code"]) == (429, "insufficient_quota")
    assert again.headers["x-should-retry"] == "false"


def test_a_late_router_call_is_charged_for_its_input_only(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.3)
    add_key("rs-team", monthly_budget_usd={"N": "0.6"})
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = lambda body: hang if body["model"] == "router" else completion("m")
    answer = api.chat(LONG, key="rs-team")
    assert answer.headers["x-route-reason"] == "fallback"
    cost_usd = float(answer.headers["x-route-cost-usd"])
    assert taken_usd("rs-team") == pytest.approx(cost_usd, abs=1e-9)


def test_a_lower_max_tokens_makes_a_request_fit_the_budget(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.01"})
    api.upstream.script = EVERYTHING
    assert api.chat(LONG, key="rs-team").status == 429
    assert api.chat(LONG, key="rs-team", max_tokens=50).status == 200


@pytest.mark.parametrize(
    ("point", "status"), [(None, 200), ({"type": "ephemeral"}, 200), (HOUR, 429)]
)
def test_what_a_request_writes_to_a_cache_counts_before_it_is_sent(
    make_api: MakeApi, point: JsonValue, status: int
) -> None:
    """About 40,000 bytes: 0.4 USD to read, 0.5 to write for five minutes, 0.8 for an hour."""
    large = CATALOG.prices["openai/large"].model_copy(
        update={"cache_write_usd_per_million": 12.5, "cache_write_1h_usd_per_million": 20}
    )
    prices = {**CATALOG.prices, "openai/large": large}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    api.upstream.script = EVERYTHING
    add_key("rs-team", monthly_budget_usd={"N": "0.6"})
    part = {"type": "text", "text": "Rules. " * 5700, **({"cache_control": point} if point else {})}
    messages = [{"role": "user", "content": [part]}]
    body = {"model": "tier-3", "max_tokens": 50, "messages": messages}
    assert api("POST", "/v1/chat/completions", body, "rs-team").status == status


TEXT: Body = {"type": "text", "text": "Sum it up."}
PDF = "data:application/pdf;base64,JVBERi0="
SCHEMA: Body = {"type": "object", "description": "d" * 40_000}
FORM: Body = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


def image(url: str) -> Body:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("part", "fields", "status"),
    [
        pytest.param(TEXT, {}, 200, id="text"),
        pytest.param({"type": "text", "text": "7 " * 20_000}, {}, 429, id="a-token-per-byte"),
        pytest.param({"type": "file", "file": {"file_data": PDF}}, {}, 429, id="file"),
        pytest.param(image(PDF), {}, 429, id="file-as-an-image"),
        pytest.param(image("data:image/png;base64," + "A" * 900_000), {}, 200, id="image"),
        pytest.param(image("https://example.org/a.png"), {}, 200, id="image-elsewhere"),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "A" * 40_000, "format": "mp3"}},
            {},
            429,
            id="sound",
        ),
        pytest.param(TEXT, {"response_format": FORM}, 429, id="schema"),
        pytest.param(
            TEXT, {"prediction": {"type": "content", "content": "x" * 20_000}}, 429, id="prediction"
        ),
    ],
)
def test_all_that_a_model_may_read_counts_before_it_is_sent(
    api: Api, part: Body, fields: Body, status: int
) -> None:
    """At 10 USD for a million tokens of input, and 30 of output."""
    add_key("rs-team", monthly_budget_usd={"N": "0.3"})
    api.upstream.script = EVERYTHING
    messages: JsonValue = [{"role": "user", "content": [part]}]
    body: Body = {"model": "tier-3", "max_tokens": 50, "messages": messages, **fields}
    assert api("POST", "/v1/chat/completions", body, "rs-team").status == status
    assert len(api.upstream.calls) == (status == 200)


def test_no_model_reserves_more_than_it_can_read(make_api: MakeApi) -> None:
    known = {"openai/large": Capabilities(input_tokens=20_000)}
    api = make_api(models=CATALOG.model_copy(update={"capabilities": known}))
    api.upstream.script = EVERYTHING
    add_key("rs-team", monthly_budget_usd={"N": "0.3"})
    messages: JsonValue = [{"role": "user", "content": [image(PDF)]}]
    body: Body = {"model": "tier-3", "max_tokens": 50, "messages": messages}
    assert api("POST", "/v1/chat/completions", body, "rs-team").status == 200


@pytest.mark.parametrize(
    ("reasoning", "shown", "status"), [(False, 1000, 200), (True, 1000, 429), (False, 9000, 429)]
)
def test_what_the_router_may_read_and_write_counts_before_it_is_asked(
    make_api: MakeApi, reasoning: bool, shown: int, status: int
) -> None:
    known = {"openai/router": Capabilities(reasoning=reasoning)}
    api = make_api(
        models=CATALOG.model_copy(update={"capabilities": known}), router_max_input_tokens=shown
    )
    api.upstream.script = EVERYTHING
    add_key("rs-team", monthly_budget_usd={"N": "0.001"})
    route_switch = {"max_tier": 1}
    answer = api.chat(LONG, key="rs-team", max_tokens=10, route_switch=route_switch)
    assert answer.status == status


@pytest.mark.parametrize("model", ["auto", "tier-3"])
def test_a_key_may_be_downgraded_to_tier_1(api: Api, model: str) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.001"}, when_spent={"S": "downgrade"})
    api.upstream.script = EVERYTHING
    answer = api.chat(LONG, key="rs-team", model=model)
    assert answer.status == 200
    assert answer.headers["x-route-budget"] == "spent", "the response announces the downgrade"
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("1", "degraded")
    assert api.upstream.models_called() == ["small"]
    assert taken_usd("rs-team") == pytest.approx(float(answer.headers["x-route-cost-usd"]))


def test_a_request_that_tier_1_may_not_answer_is_still_refused(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.001"}, when_spent={"S": "downgrade"})
    assert api.chat(LONG, key="rs-team", route_switch={"min_tier": 2}).status == 429


def test_a_failing_downgraded_tier_is_not_replaced_by_a_more_expensive_one(api: Api) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.001"}, when_spent={"S": "downgrade"})
    api.upstream.script = by_model(small=failure(500), small_2=failure(500))
    assert api.chat(LONG, key="rs-team").status == 502


def test_a_model_without_a_price_is_not_called_for_a_key_with_a_budget(make_api: MakeApi) -> None:
    prices = {n: p for n, p in CATALOG.prices.items() if n not in {"openai/large", "openai/router"}}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}).model_dump(mode="json"))
    add_key("rs-team", monthly_budget_usd={"N": "5"})
    api.upstream.script = EVERYTHING
    assert api.chat(LONG, key="rs-team").headers["x-route-reason"] == "fallback"
    assert api.upstream.models_called() == ["medium"]
    refused = api.chat(LONG, key="rs-team", model="tier-3")
    assert (refused.status, refused.error["code"]) == (503, "price_missing")
    assert api.chat(LONG, model="tier-3").status == 200, "other keys may"


def test_downgraded_requests_are_not_used_for_learning(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.001"}, when_spent={"S": "downgrade"})
    api.upstream.script = EVERYTHING
    saved: list[RequestRecord] = []
    monkeypatch.setattr(
        "route_switch.adapters.dynamodb_results.DynamoDbResultStore.save",
        lambda _, record, __: saved.append(record),
    )
    api.chat(LONG, key="rs-team")
    assert saved[0].replay is None


NO_CHOICE: Body = {"choices": []}
CHOICE: Body = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "s"}}],
}


@pytest.mark.parametrize(
    ("answer", "reported", "cost_usd"),
    [
        pytest.param(NO_CHOICE, (1000, 500, 1500), 0.002, id="no-choice"),
        pytest.param(CHOICE, (1000, 100, 3100), 0.0052, id="thinking-outside"),
        pytest.param(CHOICE, (1000, None, 3000), 0.005, id="no-completion"),
    ],
)
def test_a_budget_is_charged_what_a_provider_reports(
    api: Api, answer: Body, reported: tuple[int | None, ...], cost_usd: float
) -> None:
    """Also for an answer that is of no use, and for tokens outside the completion's."""
    budget_usd = 0.02
    add_key("rs-team", monthly_budget_usd={"N": str(budget_usd)})
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    usage: JsonValue = dict(zip(names, reported, strict=True))
    api.upstream.script = lambda _: Reply({**answer, "usage": usage})
    for _ in range(30):
        if api.chat("hello", key="rs-team", model="tier-1", max_tokens=9).status == 429:
            break
    assert len(api.upstream.calls) == pytest.approx(budget_usd / cost_usd, abs=1)
    assert taken_usd("rs-team") == pytest.approx(len(api.upstream.calls) * cost_usd)


@pytest.mark.parametrize("tokens", [-1000, 10**30])
def test_an_absurd_report_does_not_change_what_is_left(api: Api, tokens: int) -> None:
    add_key("rs-team", monthly_budget_usd={"N": "0.02"})
    usage: JsonValue = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens}
    api.upstream.script = lambda _: Reply({**CHOICE, "usage": usage})
    answer = api.chat("hello", key="rs-team", model="tier-1", max_tokens=9)
    assert answer.status == 200
    assert "x-route-cost-usd" not in answer.headers, "it is unknown"
    assert 0 <= taken_usd("rs-team") < 0.001

"""The CloudWatch metrics of requests, which the dashboard and alarms use."""

import json
import threading
from collections.abc import Iterator

import boto3
import pytest

from functions.router import handler
from infra.metric_names import BY_SERVICE, CIRCUITS, MODEL
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.api.request_metrics import emit_unavailable_streaming
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import to_markdown
from route_switch.services.circuits import FAILURES
from tests.integration.conftest import LONG, Api, MakeApi, by_model, forget, switch
from tests.integration.test_upgrade_caps import KEY as CAPPED_KEY
from tests.integration.test_upgrade_caps import limit_for
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import HANG_UP, Body, Reply, chunk, completion, failure

Line = dict[str, object]
Captured = pytest.CaptureFixture[str]
HI = completion("Hi.")


def lines(capsys: Captured) -> list[Line]:
    printed = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in printed if '"_aws"' in line]


def metrics_of(line: Line) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return dimensions and name of each metric that CloudWatch derives from a line."""
    described = line["_aws"]
    assert isinstance(described, dict)
    for directive in described["CloudWatchMetrics"]:
        assert directive["Namespace"] == "RouteSwitch/test"
        for dimensions in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                yield tuple(sorted(dimensions)), metric["Name"]


def test_exactly_the_used_metrics_are_emitted(
    make_api: MakeApi, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api()
    answer_on_each_tier(api)
    cap_a_key(api)
    continue_a_conversation(api)
    answer_beside_the_router(api)
    answer_nothing(api)
    answer_in_shadow(api)
    serve_prompts(api)
    lose_a_record(api)
    break_off(api)
    skip_a_model(api)
    emit_unavailable_streaming(handler.metrics)
    monkeypatch.setattr(handler, "router", lambda: None)
    api.chat("hello")
    emitted = {found for line in lines(capsys) for found in metrics_of(line)}
    of_requests = {(("service",), name) for name in BY_SERVICE["router"]}
    assert emitted == of_requests | {(("model", "service"), name) for name in (*MODEL, *CIRCUITS)}


def continue_a_conversation(api: Api) -> None:
    turns = [{"role": role, "content": LONG} for role in ("user", "assistant", "user")]
    call: JsonObject = {
        "id": "1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }
    loop = [*turns, {"role": "assistant", "tool_calls": [call]}]
    api.upstream.script = by_model(router=completion("2"), medium=HI)
    assert api.chat("", messages=turns[:1]).headers["x-route-session"] == "new"
    calls = completion("", tool_calls=[call])
    api.upstream.script = by_model(router=completion("2"), medium=calls)
    assert api.chat("", messages=turns).headers["x-route-session"] == "kept"
    api.upstream.script = by_model(router=completion("2"), medium=HI)
    assert api.chat("", messages=loop).headers["x-route-reason"] == "session"


def break_off(api: Api) -> None:
    begun = Reply(parts=[chunk({"content": "Half"}), HANG_UP])
    api.upstream.script = by_model(router=completion("2"), medium=begun)
    assert "error" in api.chat(LONG, stream=True).text


def skip_a_model(api: Api) -> None:
    limited = Reply(failure(429).body, 429, headers={"retry-after": "30"})
    api.upstream.script = by_model(small=limited, small_2=HI)
    for _ in range(FAILURES + 1):
        answer = api.chat("hello")
    assert answer.headers["x-route-skipped"] == "openai/small"


def answer_on_each_tier(api: Api) -> None:
    for tier in "123":
        api.upstream.script = by_model(router=completion(tier), small=HI, medium=HI, large=HI)
        assert api.chat(LONG).headers["x-route-tier"] == tier


def cap_a_key(api: Api) -> None:
    limit_for(CAPPED_KEY, hours=1)
    api.upstream.script = by_model(router=completion("3"), medium=HI)
    assert api.chat(LONG, key=CAPPED_KEY).headers["x-route-reason"] == "capped"


def answer_beside_the_router(api: Api) -> None:
    api.upstream.script = by_model(router=failure(500), medium=HI)
    assert api.chat(LONG).headers["x-route-reason"] == "fallback"
    assert api.chat("hello", model="tier-2").headers["x-route-reason"] == "override"
    assert api.chat("hello").headers["x-route-reason"] == "degraded"
    api.upstream.script = by_model(small=failure(500), small_2=HI)  # has no price
    assert api.chat("hello").headers["x-route-reason"] == "bypass"


def answer_nothing(api: Api) -> None:
    api.upstream.script = lambda _: failure(500)
    assert api.chat("hello").status == 502
    assert api("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]}).status == 200


def answer_in_shadow(api: Api) -> None:
    switch(routing="shadow")
    forget()
    api.upstream.script = by_model(router=completion("1"), large=HI)
    assert api.chat(LONG).headers["x-route-reason"] == "shadow"
    switch(routing="on")


def serve_prompts(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=HI)
    hybrid = with_local_model(packaged_prompt(), "hybrid")
    S3LocalModels(lambda: boto3.client("s3"), lambda: "learning").put(numbers())
    for document in (to_markdown(packaged_prompt()), to_markdown(hybrid), "broken"):
        boto3.client("ssm").put_parameter(
            Name="/test/prompt/live", Value=document, Type="String", Overwrite=True
        )
        forget()
        assert api.chat(LONG).status == 200


def lose_a_record(api: Api) -> None:
    boto3.client("dynamodb").delete_table(TableName="results")
    assert api.chat(LONG).status == 200


def test_a_store_error_counts_as_unexpected_and_a_model_error_does_not(
    api: Api, capsys: Captured
) -> None:
    """A release that lost a grant must not look healthy."""
    api.upstream.script = lambda _: failure(500)
    assert api.chat("hello").status == 502
    assert not [line for line in lines(capsys) if "unexpected_errors" in line]
    boto3.client("dynamodb").delete_table(TableName="keys")
    forget()
    assert api.chat("hello").status == 503
    assert [line["unexpected_errors"] for line in lines(capsys)] == [[1.0]]


def test_a_request_has_metrics_for_each_model(api: Api, capsys: Captured) -> None:
    api.upstream.script = by_model(router=completion("1"), small=failure(500), small_2=HI)
    api.chat(LONG)
    request, *models = lines(capsys)
    by_name = {str(line["model"]): line for line in models}
    assert by_name.keys() == {"openai/router", "openai/small", "openai/small-2"}
    assert by_name["openai/small"]["model_errors"] == [1.0]
    assert by_name["openai/small-2"]["model_errors"] == [0.0]
    spent = [line["model_cost_usd"] for line in models if "model_cost_usd" in line]
    assert "price_missing" in request  # the price of small-2 is unknown
    assert "cost_usd" not in request
    assert len(spent) == 2


def test_a_model_that_is_skipped_is_counted_by_name(api: Api, capsys: Captured) -> None:
    api.upstream.script = by_model(small=failure(500), small_2=HI)
    for _ in range(FAILURES + 2):
        api.chat("hello")
    emitted = lines(capsys)
    assert values(emitted, "models_skipped") == [1, 1]
    for name, times in (("circuits_opened", 1), ("calls_skipped", 2)):
        assert [line["model"] for line in emitted if name in line] == ["openai/small"] * times


def test_costs_of_tiers_and_router_sum_to_the_total(api: Api, capsys: Captured) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=HI)
    api.chat(LONG)
    request, *models = lines(capsys)
    cost = amount(request, "cost_usd")
    parts = (amount(request, "tier_2_cost_usd"), amount(request, "router_cost_usd"))
    assert cost == pytest.approx(sum(parts))
    assert cost == pytest.approx(sum(amount(line, "model_cost_usd") for line in models))
    saved = amount(request, "baseline_cost_usd") - cost
    assert amount(request, "saved_usd") == pytest.approx(saved)


def amount(line: Line, name: str) -> float:
    values = line[name]
    assert isinstance(values, list)
    return float(sum(values))


def test_no_dimension_has_a_key_or_a_user(api: Api, capsys: Captured) -> None:
    """Each value of a dimension is a separate metric with a monthly price."""
    api.upstream.script = by_model(router=completion("1"), small=HI)
    api.chat(LONG, user="customer-17")
    for line in lines(capsys):
        for dimensions, _ in metrics_of(line):
            assert set(dimensions) <= {"service", "model"}


def test_a_decision_in_shadow_counts_whether_it_failed(shadow: Api, capsys: Captured) -> None:
    shadow.chat(LONG)
    shadow.chat("hello")
    shadow.upstream.script = by_model(router=failure(500), large=HI)
    shadow.chat(LONG)
    assert values(lines(capsys), "shadow_failed") == [0, 0, 1]


def test_a_decision_that_an_answer_did_not_wait_for_failed_but_its_model_did_not(
    api: Api, capsys: Captured
) -> None:
    switch(routing="shadow")
    asked = threading.Event()

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            asked.set()
            return Reply(completion("1").body, wait_for=api.upstream.released)
        assert asked.wait(10)
        return HI

    api.upstream.script = script
    api.chat(LONG)
    emitted = lines(capsys)
    assert values(emitted, "shadow_failed") == [1]
    assert values(emitted, "model_errors") == [0, 0]


def test_requests_that_the_sample_leaves_out_are_not_decisions(
    make_api: MakeApi, capsys: Captured
) -> None:
    api = make_api(shadow_monthly_usd=0)
    switch(routing="shadow")
    api.upstream.script = by_model(large=HI)
    api.chat(LONG)
    assert values(lines(capsys), "shadow_failed") == []


def values(emitted: list[Line], name: str) -> list[float]:
    found: list[float] = []
    for line in emitted:
        value = line.get(name, [])
        assert isinstance(value, list)
        found += value
    return found

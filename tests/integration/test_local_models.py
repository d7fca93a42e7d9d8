"""A local model is stored beside the prompt, and requests are routed by it."""

import json
from datetime import UTC, datetime

import boto3
import pytest

from route_switch.adapters.learning.jsonl import gzip_lines
from route_switch.adapters.learning.learning_bucket import EXAMPLES, INCUMBENT
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.errors import LocalModelError, StoreError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.wiring.learning import LearningSettings, LearningWiring
from route_switch.wiring.optimizer import OptimizerParts
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import (
    CATALOG,
    Api,
    MakeApi,
    add_key,
    by_model,
    record_of,
    switch,
)
from tests.integration.test_records import day_totals
from tests.integration.test_request_metrics import lines, values
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import completion, failure

HI = completion("Hi.")
PROVE, HELLO = "prove " * 20, "hello " * 20


def models(bucket: str = "learning") -> S3LocalModels:
    return S3LocalModels(lambda: boto3.client("s3"), lambda: bucket)


def put_raw(content: bytes) -> None:
    key = f"models/{numbers().sha256}.json"
    boto3.client("s3").put_object(Bucket="learning", Key=key, Body=content)


def serve(prompt: RoutingPrompt) -> None:
    store = SsmPromptStore(boto3.client("ssm"), "/test/prompt/live", "/test/prompt/seed")
    store.put_live(to_markdown(prompt))


def serve_local(strategy: StrategyName, ask_below: float = 0.2) -> None:
    models().put(numbers())
    serve(with_local_model(packaged_prompt(), strategy, ask_below=ask_below))


def test_numbers_are_read_back_by_their_digest(api: Api) -> None:
    assert models().get(numbers().sha256) is None
    models().put(numbers())
    assert models().get(numbers().sha256) == numbers()


@pytest.mark.parametrize("content", [b"", b"{}", numbers(0.3).model_dump_json().encode(), b"\xff"])
def test_broken_or_other_numbers_are_refused(api: Api, content: bytes) -> None:
    put_raw(content)
    with pytest.raises(LocalModelError, match=r"models/\w{64}\.json holds .*candidate\.json"):
        models().get(numbers().sha256)


def test_a_failing_store_is_an_error_of_its_own(api: Api) -> None:
    with pytest.raises(StoreError, match="cannot be read from S3"):
        models("no-such-bucket").get(numbers().sha256)
    with pytest.raises(StoreError, match="cannot be written to S3"):
        models("no-such-bucket").put(numbers())


def test_the_strategy_local_routes_without_a_router_call(api: Api) -> None:
    serve_local("local")
    api.upstream.script = by_model(router=completion("1"), large=HI, small=HI)
    answer = api.chat(PROVE, headers={"x-route-debug": "1"})
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("3", "router")
    assert answer.headers["x-route-strategy"] == "local"
    record = record_of(api, answer.body["id"])
    assert (record["strategy"], record["router_tokens"], record["routed_tier"]) == ("local", 0, 3)
    assert api.upstream.models_called() == ["large"]


def test_hybrid_asks_the_router_llm_only_where_the_local_model_is_unsure(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    serve_local("hybrid", ask_below=0.2)
    api.upstream.script = by_model(router=completion("2"), large=HI, medium=HI)
    assert api.chat(PROVE).headers["x-route-tier"] == "3"
    assert api.upstream.models_called() == ["large"]
    assert api.chat(HELLO).headers["x-route-tier"] == "2"
    assert api.upstream.models_called() == ["large", "router", "medium"]
    assert values(lines(capsys), "router_asked") == [0, 1]


def test_hybrid_decides_without_a_router_llm_that_fails(api: Api) -> None:
    serve_local("hybrid", ask_below=0.2)
    api.upstream.script = by_model(router=failure(500), small=HI)
    answer = api.chat(HELLO)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("1", "router")
    record = record_of(api, answer.body["id"])
    assert record["why"] == "chosen by the local model"
    assert [attempt["model"] for attempt in record["attempts"]] == [  # type: ignore[attr-defined]
        "openai/router",
        "openai/small",
    ]


@pytest.mark.parametrize(
    ("strategy", "tier", "reason"),
    [("prompt", "2", "fallback"), ("local", "1", "router"), ("hybrid", "1", "router")],
)
def test_a_local_model_decides_for_a_key_whose_budget_the_router_llm_has_no_price_for(
    make_api: MakeApi, strategy: StrategyName, tier: str, reason: str
) -> None:
    prices = {name: price for name, price in CATALOG.prices.items() if name != "openai/router"}
    api = make_api(models=CATALOG.model_copy(update={"prices": prices}))
    add_key("rs-budget", monthly_budget_usd={"N": "5"})
    serve_local(strategy)
    api.upstream.script = by_model(router=completion("3"), small=HI, medium=HI)
    answer = api.chat(HELLO, key="rs-budget")
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == (tier, reason)
    assert "router" not in api.upstream.models_called()


def test_switched_off_routing_asks_no_local_model_either(api: Api) -> None:
    serve_local("local")
    switch(routing="off")
    api.upstream.script = by_model(medium=HI)
    answer = api.chat(HELLO)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("2", "fallback")
    assert "strategy" not in record_of(api, answer.body["id"])


@pytest.mark.parametrize(
    ("strategy", "text", "asked"),
    [("local", HELLO, False), ("hybrid", PROVE, False), ("hybrid", HELLO, True)],
)
def test_in_shadow_a_local_model_decides_in_parallel_with_the_answer(
    shadow: Api, strategy: StrategyName, text: str, asked: bool
) -> None:
    serve_local(strategy, ask_below=0.2)
    record = record_of(shadow, shadow.chat(text).body["id"])
    tier = 3 if text == PROVE else 1
    assert (record["reason"], record["shadow_tier"]) == ("shadow", tier)
    assert (record["shadow_reason"], record["strategy"]) == ("router", strategy)
    assert bool(record["router_tokens"]) is asked
    group = "routed" if asked else "bypass"
    assert day_totals(datetime.now(UTC).date())[f"shadow:{group}"] == 1


@pytest.mark.parametrize("content", [None, b"{}"])
def test_without_the_numbers_the_router_llm_decides(api: Api, content: bytes | None) -> None:
    if content is not None:
        put_raw(content)
    serve(with_local_model(packaged_prompt(), "local"))
    api.upstream.script = by_model(router=completion("1"), small=HI)
    answer = api.chat(PROVE)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("1", "router")
    assert answer.headers["x-route-prompt-version"] == "live@1"


def test_in_shadow_only_what_the_router_llm_would_be_asked_is_sampled(
    make_api: MakeApi, in_time: None
) -> None:
    api = make_api(shadow_monthly_usd=0)
    switch(routing="shadow")
    serve_local("hybrid", ask_below=0.2)
    api.upstream.script = by_model(router=completion("1"), large=HI)
    sure, unsure = (record_of(api, api.chat(text).body["id"]) for text in (PROVE, HELLO))
    assert (sure["shadow_reason"], sure["shadow_tier"]) == ("router", 3)
    assert (unsure["shadow_reason"], unsure["shadow_tier"]) == ("not_sampled", None)
    totals = day_totals(datetime.now(UTC).date())
    assert (totals["shadow:bypass"], totals["shadow:undecided"]) == (1, 1)
    assert "shadow:calls" not in totals


def explained(api: Api, text: str) -> str:
    messages = [{"role": "user", "content": text}]
    answer = api("POST", "/v1/route", {"messages": messages})
    assert answer.status == 200, answer.text
    explanation = json.loads(answer.text)["explanation"]
    assert (explanation["local"] is None) is ("goes to Tier 1 without" in str(explanation))
    return " ".join([*explanation["sentences"], *explanation["changes"]])


def test_a_dry_run_says_what_the_local_model_expects_and_whether_the_router_was_asked(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    serve_local("hybrid", ask_below=0.2)
    api.upstream.script = by_model(router=completion("2"))
    sure, unsure = explained(api, PROVE), explained(api, HELLO)
    assert "The local model chose Tier 3, without a router call" in sure
    assert "For the local model, Tier 2 is next: its objective is 0.327 lower." in sure
    assert "For the local model, Tier 1 leads by only" in unsure
    assert "so the router LLM (openai/router) was asked. It chose Tier 2." in unsure
    assert "“hello” (+7.07)" in unsure
    assert "hello" not in capsys.readouterr().out, "logs and metrics hold no words of a query"


def test_a_dry_run_names_the_bypass_that_the_prompt_learned(api: Api) -> None:
    serve(packaged_prompt().model_copy(update={"bypass_tokens": 500}))
    assert "fewer than 500, so it goes to Tier 1" in explained(api, PROVE)


def learning_wiring() -> LearningWiring:
    settings = read_settings()
    learning = LearningSettings.model_construct(
        **settings.model_dump(exclude={"router"}),
        router=settings.router,
        learning=LearningConfig(judge="openai/large"),
    )
    return LearningWiring(learning)


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_run_measures_the_incumbent_as_it_is_served(api: Api, is_stored: bool) -> None:
    if is_stored:
        models().put(numbers())
    run = LearningRun(id="2026-11-22T030000Z", month="2026-11", trigger="manual", cap_usd=1.0)
    wiring = learning_wiring()
    work = wiring.bucket.work(run.id)
    prompt = with_local_model(packaged_prompt(), "local")
    work.write(INCUMBENT, to_markdown(prompt).encode())
    work.write(EXAMPLES, gzip_lines([Example(query=PROVE).model_dump_json()]))
    job, _ = OptimizerParts(wiring, lambda: 1000.0, print).job(run)
    assert job.incumbent == (prompt if is_stored else prompt.without_numbers)
    decides = strategy_in_effect(read_settings().router, job.incumbent)
    assert decides == ("local" if is_stored else "prompt")

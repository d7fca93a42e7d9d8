"""A local model is stored beside the prompt, and requests are routed by it."""

import boto3
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.errors import LocalModelError, StoreError
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from tests.integration.conftest import Api, by_model, record_of
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import completion

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
    answer = api.chat(PROVE)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("3", "router")
    assert record_of(api, answer.body["id"])["router_tokens"] == 0
    assert api.upstream.models_called() == ["large"]


def test_hybrid_asks_the_router_llm_only_where_the_local_model_is_unsure(api: Api) -> None:
    serve_local("hybrid", ask_below=0.2)
    api.upstream.script = by_model(router=completion("2"), large=HI, medium=HI)
    assert api.chat(PROVE).headers["x-route-tier"] == "3"
    assert api.upstream.models_called() == ["large"]
    assert api.chat(HELLO).headers["x-route-tier"] == "2"
    assert api.upstream.models_called() == ["large", "router", "medium"]


@pytest.mark.parametrize("content", [None, b"{}"])
def test_without_the_numbers_the_router_llm_decides(api: Api, content: bytes | None) -> None:
    if content is not None:
        put_raw(content)
    serve(with_local_model(packaged_prompt(), "local"))
    api.upstream.script = by_model(router=completion("1"), small=HI)
    answer = api.chat(PROVE)
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("1", "router")
    assert answer.headers["x-route-prompt-version"] == "live@1"

"""The deployed template, called with OpenAI's SDK."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, JsonValue

from local.aws.client import STACK_NAME, StackInfo, aws_client
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.domain.api_keys import ApiKey, hash_key, key_id_of, new_key
from tests.e2e.conftest import ServedStack
from tests.e2e.scripted.test_scripted import LARGE, LONG, MEDIUM, ROUTER, SMALL, by_model
from tests.support.upstream import Body, Reply, completion

TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Tide(BaseModel):
    height_m: float


def reply(message: Mapping[str, JsonValue], finish_reason: str = "stop") -> Reply:
    choice: JsonValue = {"index": 0, "message": dict(message), "finish_reason": finish_reason}
    usage: JsonValue = {
        "prompt_tokens": 50,
        "completion_tokens": 9,
        "total_tokens": 59,
        "prompt_tokens_details": {"cached_tokens": 32},
    }
    return Reply({"id": "x", "model": "m-2026", "choices": [choice], "usage": usage})


def test_a_stream_is_read_to_its_end_with_its_usage(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({ROUTER: completion("3"), LARGE: completion("Because.")})
    stream = scripted.openai.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": LONG}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    said = [c.choices[0].delta.content for c in chunks if c.choices]
    assert "".join(text or "" for text in said) == "Because."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


def test_the_sdks_accumulator_parses_a_streamed_tool_call(scripted: ServedStack) -> None:
    call: JsonValue = {
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
    }
    message: Body = {"role": "assistant", "content": None, "tool_calls": [call]}
    scripted.upstream.script = by_model(
        {ROUTER: completion("2"), MEDIUM: reply(message, "tool_calls")}
    )
    with scripted.openai.chat.completions.stream(
        model="auto",
        messages=[{"role": "user", "content": "What is the weather in Bern?"}],
        tools=[TOOL],  # type: ignore[list-item]  # as a caller writes it
    ) as stream:
        final = stream.get_final_completion()
    [called] = final.choices[0].message.tool_calls or []
    assert called.function.name == "weather"
    assert called.function.arguments == '{"city": "Bern"}'
    assert final.choices[0].finish_reason == "tool_calls"


def test_structured_output_is_parsed_by_the_sdk(scripted: ServedStack) -> None:
    message = {"role": "assistant", "content": '{"height_m": 2.5}'}
    scripted.upstream.script = by_model({ROUTER: completion("2"), MEDIUM: reply(message)})
    answer = scripted.openai.chat.completions.parse(
        model="auto", messages=[{"role": "user", "content": LONG}], response_format=Tide
    )
    assert answer.choices[0].message.parsed == Tide(height_m=2.5)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 32
    sent = scripted.upstream.calls[-1]["response_format"]
    assert isinstance(sent, dict)
    assert sent["type"] == "json_schema"


def test_the_largest_body_and_answer_fit_into_the_functions_memory(scripted: ServedStack) -> None:
    """The local stack caps a function's memory like Lambda does."""
    image, text = "data:image/png;base64," + "A" * 4_400_000, "A" * 4_400_000
    scripted.upstream.script = by_model({SMALL: completion(text)})
    answer = scripted.openai.chat.completions.create(
        model="tier-1",
        messages=[
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]}
        ],
    )
    assert answer.choices[0].message.content == text


def test_models_are_listed_and_retrieved(scripted: ServedStack) -> None:
    for listed in scripted.openai.models.list():
        assert scripted.openai.models.retrieve(listed.id).id == listed.id
    with pytest.raises(openai.NotFoundError) as caught:
        scripted.openai.models.retrieve("llama-99")
    assert caught.value.code == "model_not_found"


def test_a_dry_run_and_a_tier_range_are_set_in_the_extra_body(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({ROUTER: completion("1")})
    answer = scripted.openai.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": LONG}],
        extra_body={"route_switch": {"dry_run": True, "min_tier": 2}},
    )
    assert answer.choices == []
    assert answer.model_extra is not None
    assert answer.model_extra["route_switch"]["tier"] == 2


@pytest.mark.parametrize(
    ("ask", "error", "code"),
    [
        (lambda c: chat(c, model="llama-99"), openai.NotFoundError, "model_not_found"),
        (lambda c: chat(c, max_tokens=0), openai.BadRequestError, "invalid_value"),
        (
            lambda c: chat(c.with_options(api_key="rs-x")),
            openai.AuthenticationError,
            "invalid_api_key",
        ),
        (
            lambda c: chat(c, extra_body={"api_base": "https://example.org"}),
            openai.BadRequestError,
            "unsupported_parameter",
        ),
    ],
)
def test_rejections_raise_the_sdks_own_errors(
    scripted: ServedStack,
    ask: Callable[[OpenAI], object],
    error: type[openai.APIStatusError],
    code: str,
) -> None:
    with pytest.raises(error) as caught:
        ask(scripted.openai)
    assert caught.value.code == code


def chat(client: OpenAI, **fields: object) -> object:
    given = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], **fields}
    return client.chat.completions.create(**given)  # type: ignore[call-overload]


def test_100_identical_requests_make_one_upstream_call(scripted: ServedStack) -> None:
    """While the first runs, the others are told to wait; afterwards they get the same answer."""
    go_on = threading.Event()
    scripted.upstream.script = lambda _: Reply(completion("Hi.").body, wait_for=go_on)
    key, refused = str(uuid.uuid4()), threading.Semaphore(0)

    def send(client: httpx.Client) -> httpx.Response:
        answer = post(client, scripted.stack, scripted.stack.api_key, {"Idempotency-Key": key})
        if answer.status_code == 409:
            refused.release()
        return answer

    with httpx.Client(timeout=120) as client, ThreadPoolExecutor(100) as pool:
        sent = [pool.submit(send, client) for _ in range(100)]
        for _ in range(5):
            assert refused.acquire(timeout=60)
        go_on.set()
        answers = [each.result() for each in sent]
        repeat = send(client)
    assert len(scripted.upstream.calls) == 1
    assert Counter(a.status_code for a in answers).keys() <= {200, 409}
    waiting = [a for a in answers if a.status_code == 409]
    assert all(a.headers["retry-after"] == "2" for a in waiting)
    assert {a.json()["error"]["code"] for a in waiting} == {"idempotency_in_progress"}
    assert {a.text for a in answers if a.status_code == 200} == {repeat.text}
    assert repeat.headers["idempotent-replayed"] == "true"


def test_200_concurrent_requests_respect_a_nearly_spent_budget(scripted: ServedStack) -> None:
    """The budget is exceeded at most by the requests in flight."""
    cost_usd, budget_usd, in_flight = 0.0002, 0.003, 8  # gpt-4.1-nano: 0.1 and 0.4 per million

    def answer(_: Body) -> Reply:
        return completion("Hi.", 0, 500)

    scripted.upstream.script = answer
    key = key_with_budget(scripted.stack, budget_usd)
    at_once = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    with httpx.Client(timeout=120, limits=at_once) as client, ThreadPoolExecutor(200) as pool:
        answers = list(
            pool.map(lambda _: post(client, scripted.stack, key, {}, max_tokens=100), range(200))
        )
    served = [a for a in answers if a.status_code == 200]
    assert {a.json()["error"]["code"] for a in answers if a.status_code != 200} == {
        "insufficient_quota"
    }
    spent_usd = sum(float(a.headers["x-route-cost-usd"]) for a in served)
    assert spent_usd == pytest.approx(len(served) * cost_usd)
    assert len(scripted.upstream.calls) == len(served), "rejected requests make no upstream call"
    assert budget_usd * 0.5 < spent_usd <= budget_usd + in_flight * cost_usd


def post(
    client: httpx.Client, stack: StackInfo, key: str, headers: dict[str, str], **fields: object
) -> httpx.Response:
    body = {"model": "tier-1", "messages": [{"role": "user", "content": "hello"}], **fields}
    return client.post(
        f"{stack.endpoint}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}", **headers},
        json=body,
    )


def key_with_budget(stack: StackInfo, usd: float) -> str:
    key = new_key()
    cloudformation = aws_client("cloudformation", stack.aws_endpoint, stack.region)
    [deployed] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in deployed["Outputs"]}
    digest = hash_key(key)
    limited = ApiKey(key_id_of(digest), "nearly spent", "client", monthly_budget_usd=usd)
    KeysTable(aws_client("dynamodb", stack.aws_endpoint, stack.region), outputs["KeysTable"]).add(
        limited, digest, datetime.now(UTC).isoformat()
    )
    return key

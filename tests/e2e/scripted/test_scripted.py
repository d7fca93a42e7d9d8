"""The deployed template over HTTP, with models that each test scripts."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest
from typer.testing import CliRunner

from local.aws.client import StackInfo, aws_client
from route_switch.adapters.models.litellm_catalog import list_price
from route_switch.cli.main import app
from route_switch.cli.stage import STACK_FILE
from route_switch.domain.pricing import cost_usd
from route_switch.domain.usage import Usage
from tests.e2e.conftest import ServedStack
from tests.support.executions import wait_until
from tests.support.upstream import Body, Reply, Script, completion, failure

LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."
ROUTER, SMALL, MEDIUM, LARGE = "gpt-4o-mini", "gpt-4.1-nano", "gpt-4.1-mini", "gpt-4.1"


def by_model(replies: dict[str, Reply]) -> Script:
    return lambda body: replies[str(body["model"])]


def ask(served: ServedStack, text: str, model: str = "auto") -> tuple[httpx.Headers, str]:
    answer = served.openai.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": text}]
    )
    return answer.headers, answer.parse().choices[0].message.content or ""


def stored_record(stack: StackInfo, request_id: str) -> dict[str, object]:
    """Return the record in DynamoDB, which is written after the answer."""
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "RESULT"}}
    read = {"TableName": stack.results_table, "Key": key}
    item = wait_until(lambda: dynamodb.get_item(**read).get("Item"), 10)
    record: dict[str, object] = json.loads(item["record"]["S"])
    return record


def test_a_short_query_makes_one_upstream_call(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({SMALL: completion("Hi there.")})
    headers, text = ask(scripted, "hello")
    assert text == "Hi there."
    assert headers["x-route-reason"] == "bypass"
    assert scripted.upstream.models_called() == [SMALL]
    assert scripted.upstream.headers[0]["authorization"] == "Bearer sk-of-the-test"


def test_a_classified_query_makes_two_calls_and_its_cost_is_exact(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model(
        {ROUTER: completion("3", 1013, 3), LARGE: completion("Because.", 37, 211)}
    )
    headers, _ = ask(scripted, LONG)
    assert scripted.upstream.models_called() == [ROUTER, LARGE]
    record = stored_record(scripted.stack, headers["x-request-id"])
    router_usd = cost_usd(Usage(1013, 3), list_price(f"openai/{ROUTER}"))
    answer_usd = cost_usd(Usage(37, 211), list_price(f"openai/{LARGE}"))
    assert router_usd is not None
    assert answer_usd is not None
    assert record["router_cost_usd"] == pytest.approx(router_usd, abs=1e-12)
    assert record["cost_usd"] == pytest.approx(router_usd + answer_usd, abs=1e-12)
    assert float(headers["x-route-cost-usd"]) == pytest.approx(router_usd + answer_usd, abs=1e-9)


def test_with_real_models_savings_are_shown_and_flagged_as_estimated(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({SMALL: completion("Hi there.", 37, 211)})
    headers, _ = ask(scripted, "hello")
    assert float(headers["x-route-saved-usd"]) > 0
    assert headers["x-route-saved-estimated"] == "prior"
    stack = scripted.stack
    admin = {"authorization": f"Bearer {stack.admin_key}"}
    total = httpx.get(f"{stack.endpoint}/v1/costs", headers=admin).json()["total"]
    assert total["saved_usd_low"] < total["saved_estimated_usd"] < total["saved_usd_high"]
    assert total["estimated"] is True


def test_the_commands_show_what_the_api_answers(
    scripted: ServedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.upstream.script = by_model({SMALL: completion("Hi there.", 37, 211)})
    headers, _ = ask(scripted, "hello")
    stack = scripted.stack
    stack_file = tmp_path / STACK_FILE
    stack_file.parent.mkdir()
    stack_file.write_text(json.dumps(vars(stack)))
    monkeypatch.chdir(tmp_path)

    def printed(*arguments: str) -> dict[str, object]:
        result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        content: dict[str, object] = json.loads(result.stdout)
        return content

    admin = {"authorization": f"Bearer {stack.admin_key}"}
    request_id = headers["x-request-id"]
    paths = ("costs", f"results/{request_id}")
    answers = [httpx.get(f"{stack.endpoint}/v1/{path}", headers=admin) for path in paths]
    assert [printed("costs"), printed("results", request_id)] == [a.json() for a in answers]
    assert printed("explain", "hello")["reason"] == "bypass"


@pytest.mark.parametrize(
    "router", [completion("banana"), failure(500)], ids=["banana", "status-500"]
)
def test_an_invalid_or_failed_router_reply_leads_to_the_safe_tier(
    scripted: ServedStack, router: Reply
) -> None:
    scripted.upstream.script = by_model({ROUTER: router, MEDIUM: completion("Fine.")})
    headers, text = ask(scripted, LONG)
    assert text == "Fine."
    assert (headers["x-route-tier"], headers["x-route-reason"]) == ("2", "fallback")


def test_a_hanging_router_leads_to_the_safe_tier_in_time(scripted: ServedStack) -> None:
    release = threading.Event()
    scripted.upstream.script = by_model(
        {ROUTER: Reply({}, wait_for=release), MEDIUM: completion("Fine.")}
    )
    started = time.monotonic()
    headers, text = ask(scripted, LONG)
    seconds = time.monotonic() - started
    release.set()
    assert text == "Fine."
    assert headers["x-route-reason"] == "fallback"
    assert 6 <= seconds < 10, "the router's share of the deadline is six seconds"


def test_an_outage_of_all_models_is_a_502_in_openais_format(scripted: ServedStack) -> None:
    scripted.upstream.script = lambda _: failure(500)
    with pytest.raises(openai.InternalServerError) as caught:
        ask(scripted, "hello")
    assert caught.value.status_code == 502
    assert caught.value.code == "upstream_failed"
    assert scripted.upstream.models_called() == [SMALL, MEDIUM, LARGE]


def test_a_request_that_the_provider_rejects_is_a_400(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({SMALL: failure(400, "context too long")})
    with pytest.raises(openai.BadRequestError, match="context too long"):
        ask(scripted, "hello")


def test_concurrent_requests_are_each_recorded_once(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({SMALL: completion("Hi.")})
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(scripted, "hello"), range(60)))
    ids = {headers["x-request-id"] for headers, _ in answers}
    assert len(ids) == 60
    assert all(stored_record(scripted.stack, each)["status"] == "answered" for each in ids)
    assert len(scripted.upstream.calls) == 60


def test_every_paid_call_is_recorded(scripted: ServedStack) -> None:
    """Compare the upstream's calls with the attempts in the records."""
    scripted.upstream.script = by_model({ROUTER: completion("1"), SMALL: completion("Hi.")})
    ids = [ask(scripted, text)[0]["x-request-id"] for text in ("hello", LONG, LONG)]
    attempts = [stored_record(scripted.stack, each)["attempts"] for each in ids]
    models = [a["model"] for made in attempts if isinstance(made, list) for a in made]
    assert sorted(models) == sorted(f"openai/{m}" for m in scripted.upstream.models_called())


def test_unusual_fields_reach_the_provider_if_they_are_known(scripted: ServedStack) -> None:
    seen: list[Body] = []

    def script(body: Body) -> Reply:
        seen.append(body)
        return completion("Hi.")

    scripted.upstream.script = script
    answer = scripted.openai.chat.completions.with_raw_response.create(
        model="tier-1",
        messages=[{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        seed=7,
        stop=["END"],
        extra_body={"unheard_of": [1, None]},
    )
    assert seen[0]["seed"] == 7
    assert seen[0]["stop"] == ["END"]
    assert "unheard_of" not in seen[0]
    assert answer.headers["x-route-adjusted"] == "unknown fields left out"
    assert seen[0]["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]

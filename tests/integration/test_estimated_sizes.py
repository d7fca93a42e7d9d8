"""The sizes that `route-switch estimate` assumes for a request's traces, compared with
measurements."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from route_switch.adapters.record_counters import counters_of, counters_of_day, counters_of_key
from route_switch.cost_estimate import request_costs as estimated
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.request_record import Attempt, Replay, RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from tests.integration.conftest import MakeApi, by_model
from tests.support.records import RECORD
from tests.support.upstream import completion

INPUT_TOKENS, OUTPUT_TOKENS = 500, 300
COUNTED_BYTES = 1024
LONGEST_MODEL = "openai/us.anthropic.claude-haiku-4-5-20251001-v1:0"
BEDROCK = {
    None: "bedrock/us.amazon.nova-micro-v1:0",
    Tier.SMALL: "bedrock/us.amazon.nova-lite-v1:0",
    Tier.MEDIUM: "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    Tier.LARGE: "bedrock/us.anthropic.claude-opus-4-6-v1",
}


def size_of(item: dict[str, dict[str, str]]) -> int:
    """Count as DynamoDB does: names, texts in UTF-8, and at most 21 bytes per number."""
    return sum(
        len(name) + (len(text.encode()) if kind == "S" else min(len(text) // 2 + 2, 21))
        for name, value in item.items()
        for kind, text in value.items()
    )


@pytest.fixture
def sizes(make_api: MakeApi, capsys: pytest.CaptureFixture[str]) -> dict[str, list[int]]:
    """Bytes left behind by three requests, one per tier."""
    api = make_api()
    answer = completion("word" * OUTPUT_TOKENS)
    metric_lines = []
    for tier in ("1", "2", "3"):
        router = completion(tier)
        api.upstream.script = by_model(router=router, small=answer, medium=answer, large=answer)
        assert api.chat("text" * INPUT_TOKENS, user="customer-17").status == 200
        metric_lines.append(len(capsys.readouterr().out.encode()))
    found: dict[str, list[int]] = {"metrics": metric_lines}
    for item in boto3.client("dynamodb").scan(TableName="results")["Items"]:
        kind = item["pk"]["S"].partition("#")[0]
        found.setdefault(kind, []).append(size_of(item))
    return found


def test_a_record_is_about_as_large_as_estimated(sizes: dict[str, list[int]]) -> None:
    texts = 4 * (INPUT_TOKENS + OUTPUT_TOKENS)
    # Bedrock's model names are longer than the test's, and occur four times in a record.
    names = 4 * (len(LONGEST_MODEL) - len("openai/medium"))
    for size in sizes["RESULT"]:
        assert 0.8 * estimated.RECORD_BYTES < size - texts + names <= estimated.RECORD_BYTES


def test_an_entry_in_the_list_is_about_as_large_as_estimated(sizes: dict[str, list[int]]) -> None:
    longer = len(LONGEST_MODEL) - len("openai/medium")
    for size in sizes["TIME"]:
        assert 0.8 * estimated.ENTRY_BYTES < size + longer <= estimated.ENTRY_BYTES


def test_the_state_of_a_session_takes_one_write_unit(sizes: dict[str, list[int]]) -> None:
    assert max(sizes["SESSION"]) < COUNTED_BYTES / 2


def test_the_counters_of_a_new_stage_take_one_write_unit_each(sizes: dict[str, list[int]]) -> None:
    assert len(sizes["DAY"]) == len(sizes["KEY"])
    assert max(*sizes["DAY"], *sizes["KEY"]) < COUNTED_BYTES


def test_the_counters_of_a_busy_stage_are_about_as_large_as_estimated() -> None:
    """A shard's counters of a day, after 2,000 of a million requests a month."""
    day, month = Counter[str](), Counter[str]()
    for record in busy_day(2_000):
        day.update({**counters_of(record), **counters_of_day(record)})
        month.update({**counters_of(record), **counters_of_key(record)})
    for sums, bytes_estimated in ((day, estimated.DAY_BYTES), (month, estimated.KEY_BYTES)):
        rated = {"rated": 1e3, "scores": 900.25}
        item = {
            name: {"N": f"{value:.12f}".rstrip("0")} for name, value in {**sums, **rated}.items()
        }
        keys = {"pk": {"S": "KEY#key_0123456789ab"}, "sk": {"S": "MONTH#2026-11#15"}}
        assert 0.8 * bytes_estimated < size_of({**keys, **item}) <= bytes_estimated


def busy_day(requests: int) -> Iterator[RequestRecord]:
    """Yield requests of every tier, reason and response time, streamed and not."""
    chance = random.Random(0)  # noqa: S311 (traffic, not a secret)
    reasons = (Reason.BYPASS, Reason.ROUTER, Reason.OVERRIDE, Reason.FALLBACK, Reason.SESSION)
    for number in range(requests):
        tier = chance.choice([*Tier])
        usage = Usage(chance.randrange(5_000), chance.randrange(900), number % 300, number % 200)
        latency_ms = chance.lognormvariate(8, 1.2)
        router = Attempt(BEDROCK[None], None, "answered", 300.0, usage, chance.random() / 1e4)
        answer = Attempt(
            *(BEDROCK[tier], tier, "answered", latency_ms, usage, chance.random() / 100),
            first_token_ms=chance.lognormvariate(6.5, 1.2) if number % 2 else None,
        )
        baseline_usd = chance.random() / 50
        yield replace(
            RECORD,
            status="failed" if number % 50 == 0 else "answered",
            tier=tier,
            decided_tier=tier,
            routed_tier=tier,
            reason=chance.choice(reasons),
            prompt_version="live@12",
            attempts=(router, answer),
            query_tokens=chance.randrange(4_000),
            latency_ms=latency_ms,
            baseline_cost_usd=baseline_usd,
            baseline_low_usd=baseline_usd / 2,
            baseline_high_usd=baseline_usd * 2,
            baseline_basis=SavingBasis.TIER_3 if tier is Tier.LARGE else SavingBasis.MEASURED,
            replay=Replay(),
        )


def test_a_line_of_metrics_is_not_longer_than_estimated(sizes: dict[str, list[int]]) -> None:
    for size in sizes["metrics"]:
        assert 0.4 * estimated.METRIC_LINE_BYTES < size <= estimated.METRIC_LINE_BYTES

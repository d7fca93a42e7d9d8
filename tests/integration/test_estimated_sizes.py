"""The sizes that `route-switch estimate` assumes for a request's traces, compared with
measurements."""

import boto3
import pytest

from route_switch.cost_estimate import request_costs as estimated
from tests.integration.conftest import MakeApi, by_model
from tests.support.upstream import completion

INPUT_TOKENS, OUTPUT_TOKENS = 500, 300
COUNTED_BYTES = 1024
LONGEST_MODEL = "openai/us.anthropic.claude-haiku-4-5-20251001-v1:0"


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


def test_the_state_of_a_session_takes_one_write_unit(sizes: dict[str, list[int]]) -> None:
    assert max(sizes["SESSION"]) < COUNTED_BYTES / 2


def test_counters_take_one_write_unit_each(sizes: dict[str, list[int]]) -> None:
    assert len(sizes["DAY"]) == len(sizes["KEY"])
    assert max(*sizes["DAY"], *sizes["KEY"]) < COUNTED_BYTES


def test_a_line_of_metrics_is_not_longer_than_estimated(sizes: dict[str, list[int]]) -> None:
    for size in sizes["metrics"]:
        assert 0.4 * estimated.METRIC_LINE_BYTES < size <= estimated.METRIC_LINE_BYTES

"""Failures during a run. After each, the right prompt is live, nothing was paid twice, and one
notification explains the failure."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from typer.testing import CliRunner

from route_switch.cli.main import app
from tests.support.processes import kill_function
from tests.support.scripted_models import (
    Models,
    breaking,
    numbers,
    query,
    recorded,
    ungraded,
    with_gold,
)
from tests.support.upstream import Body, Reply, failure
from tests.support.weekly import Weekly

NUMBERS = numbers(train=20, validation=12, heldout=52)
RECORDED = [recorded(number) for number in NUMBERS]
UNKNOWN = [
    with_gold(number) if place % 2 else ungraded(number) for place, number in enumerate(NUMBERS)
]
"""No results are recorded: gold answers grade one half, the judge the other."""
THREADS = 4


class KillingModels:
    """Models that kill the calling function at some of their calls."""

    def __init__(self, weekly: Weekly, models: Models, at: dict[str, int]) -> None:
        """`at` gives a call number per model, counted from 1 for each model."""
        self._weekly = weekly
        self._models = models
        self._at = at
        self._lock = threading.Lock()
        self.killed: list[str] = []

    def __call__(self, body: Body) -> Reply:
        reply, model = self._models(body), str(body["model"])
        with self._lock:
            due = model not in self.killed and self._models.by_model[model] >= self._at.get(
                model, 10**9
            )
            if due:
                self.killed.append(model)
        if due:
            kill_function(self._weekly.stack, self._weekly.function("Optimizer"))
        return reply


def outcomes(content: bytes) -> list[Any]:
    """Return an outcome file's rows without latencies."""
    rows = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    for row in rows:
        for outcome in (row.get("outcomes") or {}).values():
            outcome.pop("latency_ms", None)
    return rows


def test_a_run_killed_in_each_step_equals_an_undisturbed_run_in_three_shards(
    weekly: Weekly, models: Models
) -> None:
    weekly.forget_versions()
    weekly.seed(UNKNOWN)
    before, _ = weekly.live
    started = weekly.next_time()
    kills = {"large": 30, "judge": 20, "router": 150}
    weekly.upstream.script = killing = KillingModels(weekly, models, kills)
    with weekly.waiting_briefly():
        ended = weekly.ended(execution := weekly.start(started))
    assert ended.outcome == "promoted"
    assert killing.killed == [*kills]
    assert weekly.failures(execution) == ["Runtime.ExitError"] * len(kills)
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.only_notification()
    assert models.asked_again <= THREADS * len(kills), "only calls in flight are repeated"
    assert weekly.taken_usd(started) >= models.usd
    table, candidate = (
        outcomes(weekly.artifacts("outcomes.jsonl.gz")),
        weekly.artifacts("candidate.json"),
    )

    weekly.reset()
    weekly.forget_versions()
    weekly.seed(UNKNOWN)
    weekly.upstream.script = undisturbed = Models()
    with weekly.configured(shards=3):
        ended = weekly.ended(execution := weekly.start(started))
    assert ended.outcome == "promoted"
    assert ended.states.count("Build a shard") == 3
    assert outcomes(weekly.artifacts("outcomes.jsonl.gz")) == table
    assert weekly.artifacts("candidate.json") == candidate
    assert undisturbed.asked_again == 0
    assert undisturbed.calls.keys() == models.calls.keys()
    assert weekly.taken_usd(started) == pytest.approx(undisturbed.usd, rel=1e-6)
    weekly.only_notification()


def test_a_run_waits_for_a_provider_outage_to_end(weekly: Weekly, models: Models) -> None:
    weekly.seed(RECORDED)
    before, _ = weekly.live
    back = threading.Event()

    def down(number: int, body: Body) -> Reply | None:
        return None if number < 150 or back.is_set() else failure(503)

    weekly.upstream.script = breaking(models, down)
    execution = weekly.start()
    weekly.wait(execution, lambda _: len(weekly.failures(execution)) >= 2)
    back.set()
    assert weekly.ended(execution).outcome == "promoted"
    assert set(weekly.failures(execution)) == {"ProviderDown"}
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.only_notification()
    assert models.asked_again == 0


def emitted(weekly: Weekly, after: int) -> Iterator[tuple[str, str]]:
    """Yield metrics of runs and their outcomes from the steps' log, starting at this byte."""
    log = weekly.logs / f"{weekly.function('Steps')}.log"
    for line in log.read_bytes()[after:].splitlines():
        if b'"_aws"' in line:
            found = json.loads(line)
            yield from ((name, found["outcome"]) for name in found if name.startswith("learning_"))


@pytest.mark.parametrize(
    ("status", "invocations", "error", "advice"),
    [
        (503, 3, "ProviderDown", "has been failing for"),
        (401, 1, "ProviderUnusable", "Check the model name, the key and the base URL."),
    ],
    ids=["down", "wrong key"],
)
def test_a_lasting_outage_fails_the_run_and_a_wrong_key_fails_it_at_once(
    status: int, invocations: int, error: str, advice: str, weekly: Weekly, models: Models
) -> None:
    weekly.seed(UNKNOWN)
    before = weekly.live
    log = weekly.logs / f"{weekly.function('Steps')}.log"
    written = log.stat().st_size if log.exists() else 0
    weekly.upstream.script = breaking(models, lambda number, body: failure(status))
    with weekly.waiting_briefly(attempts=2):
        ended = weekly.ended(execution := weekly.start())
    assert ended.status == "FAILED"
    assert weekly.failures(execution) == [error] * invocations
    assert weekly.live == before
    told = weekly.only_notification()
    assert f"The run failed: {error}." in told
    assert advice in told
    assert f"status {status}" in told
    assert "The live prompt is unchanged." in told
    assert [*emitted(weekly, written)] == [("learning_runs", "failed")]


def test_throttling_and_a_query_that_is_refused_stop_no_run(weekly: Weekly, models: Models) -> None:
    refused = query(NUMBERS[3])
    weekly.seed(UNKNOWN)
    before, _ = weekly.live

    def poison(number: int, body: Body) -> Reply | None:
        if body["model"] in ("small", "medium", "large") and refused in str(body):
            return failure(400, "content policy")
        return failure(429) if number % 3 == 0 and number < 60 else None

    weekly.upstream.script = breaking(models, poison)
    with weekly.configured(patience_s=60.0, threads=16):
        ended = weekly.ended(execution := weekly.start())
    assert ended.outcome == "promoted"
    assert weekly.failures(execution) == []
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.only_notification()
    assert models.asked_again == 0
    report = json.loads(weekly.artifacts("report.json"))
    assert report["complete"]
    assert report["rows"]["without_outcome"] == 1
    assert models.asked("router", refused) == 0


PRICE = (1000.0, 10.0)
CAP_USD = 2.5
EXPENSIVE: dict[str, JsonValue] = {
    "prices": {
        "openai/large": {"input_usd_per_million": PRICE[0], "output_usd_per_million": PRICE[1]},
        "openai/proposer": {"input_usd_per_million": 0, "output_usd_per_million": 0},
        "openai/judge": {"input_usd_per_million": 0, "output_usd_per_million": 0},
    },
    "monthly_usd": CAP_USD,
    "shards": 3,
}


def test_the_monthly_cap_holds_and_the_next_month_resumes(weekly: Weekly) -> None:
    weekly.seed(UNKNOWN)
    before = weekly.live
    weekly.upstream.script = models = Models(usd_per_million={"openai/large": PRICE})
    january = datetime(2027, 1, 3, 3, tzinfo=UTC)
    with weekly.configured(**EXPENSIVE):
        first = weekly.run(january)
        assert (first.status, first.outcome) == ("SUCCEEDED", "cap reached")
        assert "The learning cap of 2027-01, 2.5000 USD" in weekly.only_notification()
        assert 0 < models.usd <= CAP_USD
        assert weekly.taken_usd(january) == pytest.approx(models.usd, rel=1e-6)

        second = weekly.ended(weekly.start_by("drift", january.replace(day=10)))
        assert second.outcome == "cap reached"
        assert "2027-01" in weekly.only_notification()
        assert models.usd <= CAP_USD
        assert weekly.live == before

        paid, february = models.usd, january.replace(month=2)
        third = weekly.run(february)
    assert third.outcome == "promoted"
    assert weekly.live[0] == before[0] + 1
    assert f"live as version {weekly.live[0]}" in weekly.only_notification()
    assert models.asked_again == 0
    assert weekly.taken_usd(february) == pytest.approx(models.usd - paid, rel=1e-6)


@pytest.fixture
def _beside_the_stack(weekly: Weekly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder where the command finds the running stack."""
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(json.dumps(asdict(weekly.stack)))
    monkeypatch.chdir(tmp_path)


def start_manually(weekly: Weekly) -> str:
    """Run `route-switch learn`, and return the execution's ARN."""
    result = CliRunner().invoke(app, ["learn"])
    assert result.exit_code == 0, result.exception
    _, run, *_ = result.output.split()  # Run … started.
    machine = weekly.stack.state_machine
    found = weekly.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    (execution,) = (each["executionArn"] for each in found if each["name"] == run)
    return str(execution)


@pytest.mark.usefixtures("_beside_the_stack")
def test_one_run_at_a_time_and_a_stopped_run_frees_the_next_one(
    weekly: Weekly, models: Models
) -> None:
    weekly.seed(RECORDED)
    before, _ = weekly.live
    asked, stopped = threading.Event(), threading.Event()

    def hold(number: int, body: Body) -> Reply | None:
        asked.set()
        return None if stopped.is_set() else Reply(failure(503).body, 503, wait_for=stopped)

    weekly.upstream.script = breaking(models, hold)
    held = weekly.start()
    assert asked.wait(120)
    refused = CliRunner().invoke(app, ["learn"])
    assert refused.exit_code == 1
    assert "is in progress" in str(refused.exception)
    assert weekly.ended(weekly.start_by("drift")).outcome == "duplicate"
    assert weekly.ended(weekly.start()).outcome == "duplicate"
    assert weekly.notifications() == []
    weekly.client("stepfunctions").stop_execution(executionArn=held)
    # Step Functions does not stop functions: this one would continue until its slice ends.
    kill_function(weekly.stack, weekly.function("Optimizer"))
    stopped.set()
    assert weekly.ended(start_manually(weekly)).outcome == "promoted"
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.only_notification()
    assert models.asked_again == 0

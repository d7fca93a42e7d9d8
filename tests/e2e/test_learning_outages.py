"""A provider failure makes a run wait. It never lowers a prompt's score."""

import re
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from route_switch.cli.main import run
from route_switch.domain.learning.split import Side
from route_switch.services.learning.fault_attribution import MAX_FAILURES
from route_switch.services.learning.pace import Pace
from tests.support.scripted_models import (
    Broken,
    Learner,
    Models,
    arguments,
    breaking,
    environment,
    numbers,
    query,
    side,
    ungraded,
    with_gold,
    write_examples,
)
from tests.support.upstream import Body, Reply, failure, running_upstream

JUDGE = "--judge-model=openai/judge"
FAILURES = (failure(500), failure(429), failure(503), Reply("<html>Bad gateway</html>", 502))
GARBAGE = Reply("<html>Welcome</html>")


class Clock:
    """A clock that only sleeping advances.

    Threads sleep at the same time: each until the moment that it last saw plus its seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._seen = threading.local()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        now: float = self.now
        self._seen.now = now
        return now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now = max(self.now, self._seen.now + seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def pace(
        calls_per_minute: float | None,
        remaining_s: Callable[[], float],
        *,
        first_answer_s: float | None = None,
    ) -> Pace:
        return Pace(
            calls_per_minute, remaining_s, clock, clock.sleep, first_answer_s=first_answer_s
        )

    monkeypatch.setattr("route_switch.cli.optimize.Pace", pace)
    return clock


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    chosen = numbers(train=20, validation=12, heldout=8)
    rows = [
        with_gold(number) if place % 2 else ungraded(number) for place, number in enumerate(chosen)
    ]
    return write_examples(tmp_path / "examples.jsonl", rows)


def failing(calls_of_a_model: range, replies: tuple[Reply, ...]) -> Broken:
    """Make every model fail at these of its calls."""
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def reply(number: int, body: Body) -> Reply | None:
        with lock:
            calls[str(body["model"])] += 1
            count = calls[str(body["model"])]
        return replies[count % len(replies)] if count in calls_of_a_model else None

    return reply


def down(model: str, status: int) -> Broken:
    return lambda number, body: failure(status) if body["model"] == model else None


def test_outages_of_every_model_change_only_the_duration(
    examples: Path, tmp_path: Path, clock: Clock
) -> None:
    undisturbed, disturbed = Models(3), Models(3)
    with running_upstream(undisturbed) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        assert learn(JUDGE, out="undisturbed").exit_code == 0
    assert clock.now == 0
    # Fewer than blame a request for its own failures if no other is in progress: how many are
    # depends on how busy this machine is.
    broken = failing(range(3, 3 + MAX_FAILURES - 1), (*FAILURES, GARBAGE))
    with running_upstream(breaking(disturbed, broken)) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        result = learn(JUDGE)
        assert result.exit_code == 0, result.exception
    assert clock.now > 0
    assert disturbed.calls == undisturbed.calls
    assert learn.candidate() == learn.candidate("undisturbed")
    assert {"small", "medium", "large", "judge", "proposer", "router"} == {*disturbed.by_model}


@pytest.mark.parametrize("model", ["large", "judge", "proposer", "router"])
def test_a_lasting_outage_ends_the_run_with_one_line_and_the_next_run_resumes(
    model: str,
    examples: Path,
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = Models(3)
    with running_upstream(breaking(models, down(model, 503))) as upstream:
        for name, value in environment(upstream.url).items():
            monkeypatch.setenv(name, value)
        command = arguments(examples, tmp_path / "run", JUDGE)
        monkeypatch.setattr(sys, "argv", ["route-switch", *command])
        with pytest.raises(SystemExit) as exited:
            run()
    assert exited.value.code == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert re.search(rf"openai/{model} has been failing for 6[0-3]\d s", line)
    assert "failed with status 503" in line
    assert "same command" in line
    assert clock.now >= 600
    assert not (tmp_path / "run" / "candidate.json").exists()
    with running_upstream(models) as upstream:
        assert Learner(upstream.url, examples, tmp_path)(JUDGE).exit_code == 0
    assert models.asked_again == 0


@pytest.mark.parametrize("model", ["large", "judge", "proposer", "router"])
def test_a_wrong_key_ends_the_run_at_once(
    model: str, examples: Path, tmp_path: Path, clock: Clock
) -> None:
    models = Models(3)
    refused = 0

    def unauthorized(number: int, body: Body) -> Reply | None:
        nonlocal refused
        refused += body["model"] == model
        return failure(401) if body["model"] == model else None

    with running_upstream(breaking(models, unauthorized)) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(JUDGE, "--threads=4")
    assert result.exit_code == 1
    assert f"openai/{model} cannot be used" in str(result.exception)
    assert "Check the model name, the key and the base URL." in str(result.exception)
    assert clock.now == 0, "a wrong key is not retried"
    assert 1 <= refused <= 8, "at most one call per thread"


def test_an_example_that_every_tier_rejects_is_excluded_and_counted(
    examples: Path, tmp_path: Path, clock: Clock
) -> None:
    models = Models(3)
    poison = query(numbers(train=20, validation=12, heldout=8)[5])

    def refuse(number: int, body: Body) -> Reply | None:
        tier = body["model"] in ("small", "medium", "large")
        return failure(400, "content policy") if tier and poison in str(body) else None

    with running_upstream(breaking(models, refuse)) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        result = learn(JUDGE)
    assert result.exit_code == 0, result.exception
    report = learn.report()
    assert report["complete"]
    assert report["rows"]["without_outcome"] == 1
    assert models.asked("router", poison) == 0
    assert clock.now == 0, "a rejection is not retried"


def test_an_example_at_which_a_tier_fails_each_time_is_left_out_and_counted(
    examples: Path, tmp_path: Path, clock: Clock
) -> None:
    models = Models(3)
    poison = query(numbers(train=20, validation=12, heldout=8)[5])

    def fail(number: int, body: Body) -> Reply | None:
        return failure(500) if body["model"] == "large" and poison in str(body) else None

    with running_upstream(breaking(models, fail)) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        result = learn(JUDGE)
    assert result.exit_code == 0, result.exception
    report = learn.report()
    assert report["complete"]
    assert report["rows"]["without_outcome"] == 1
    assert models.asked("router", poison) == 0
    assert clock.now > 0, "a failure is waited for"


def test_a_query_that_the_router_refuses_goes_to_the_safe_tier(
    tmp_path: Path, clock: Clock
) -> None:
    chosen = numbers(train=20, validation=12, heldout=8)
    examples = write_examples(tmp_path / "examples.jsonl", [with_gold(n) for n in chosen])
    hard = [number for number in chosen if number % 2 and side(number) is Side.HELDOUT]
    poison = query(hard[0])
    models = Models(3)

    def refuse(number: int, body: Body) -> Reply | None:
        refused = body["model"] == "router" and poison in str(body)
        return failure(400, "content policy") if refused else None

    with running_upstream(breaking(models, refuse)) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        result = learn()
    assert result.exit_code == 0, result.exception
    report = learn.report()
    assert report["complete"]
    [candidate] = [p for p in report["policies"] if p["policy"] == "candidate"]
    assert candidate["quality"]["mean"] == pytest.approx(7 / 8), (
        "the rejected query fails on Tier 2"
    )
    assert candidate["mix"]["2"] == pytest.approx(1 / 8)


def test_a_router_that_rejects_everything_is_an_error(examples: Path, tmp_path: Path) -> None:
    with running_upstream(breaking(Models(3), down("router", 400))) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(JUDGE)
    assert result.exit_code == 1
    assert "refuses every query." in str(result.exception)


def test_a_proposer_that_rejects_the_request_is_an_error(examples: Path, tmp_path: Path) -> None:
    with running_upstream(breaking(Models(3), down("proposer", 400))) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(JUDGE)
    assert result.exit_code == 1
    assert "Choose another proposer. proposer rejected the request" in str(result.exception)

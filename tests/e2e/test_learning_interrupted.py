"""An interrupted run resumes, pays nothing twice, and gives the same result."""

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.scripted_models import (
    Learner,
    Models,
    arguments,
    breaking,
    environment,
    numbers,
    optimize,
    ungraded,
    with_gold,
    write_examples,
)
from tests.support.upstream import Body, Reply, running_upstream

JUDGE = ("--judge-model=openai/judge",)
KILLED_AT = (1, 60, 130, 164, 230)
"""Call numbers: the first call, and one each among answers, verdicts, proposals and trials."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No results are recorded: gold answers grade one half, the judge the other."""
    chosen = numbers(train=20, validation=12, heldout=8)
    rows = [
        with_gold(number) if place % 2 else ungraded(number) for place, number in enumerate(chosen)
    ]
    return write_examples(tmp_path_factory.mktemp("examples") / "examples.jsonl", rows)


PROCESSES = multiprocessing.get_context("forkserver")
"""Each run is a forked process with the libraries already imported, which takes seconds."""
PROCESSES.set_forkserver_preload(["tests.support.scripted_models", "route_switch.cli.folder_run"])


class Command:
    """`route-switch optimize` in its own process, which can be killed at a call."""

    def __init__(self, examples: Path, out: Path, *options: str) -> None:
        self._arguments = arguments(examples, out, *JUDGE, *options)

    def __call__(self, url: str) -> int | None:
        """Run it, and return the exit code."""
        self._process = PROCESSES.Process(target=optimize, args=(self._arguments, environment(url)))
        self._process.start()
        self._process.join(120)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()


def killed_and_resumed(examples: Path, out: Path, threads: int) -> Counter[str]:
    """Kill the run at each of these calls, let it finish, and return the answered calls."""
    command = Command(examples, out, f"--threads={threads}")
    models = Models(3)

    def kill(number: int, body: Body) -> Reply | None:
        if number in KILLED_AT:
            command.kill()
        return None

    with running_upstream(breaking(models, kill)) as upstream:
        for _ in KILLED_AT:
            assert command(upstream.url) == -signal.SIGKILL
            with (out / "answers.jsonl").open("a") as memo:
                memo.write('{"key": "a line that was being writ')
        assert command(upstream.url) == 0
    return models.calls


@pytest.fixture(scope="module")
def undisturbed(
    examples: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, Counter[str]]:
    return undisturbed_run(examples, tmp_path_factory.mktemp("undisturbed"))


def undisturbed_run(examples: Path, folder: Path, *options: str) -> tuple[bytes, Counter[str]]:
    """Return candidate and calls of an uninterrupted run with one thread."""
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, folder)
        result = learn(*JUDGE, "--threads=1", *options)
    assert result.exit_code == 0, result.output
    assert models.asked_again == 0
    return learn.candidate(), models.calls


def test_a_repeatedly_killed_run_gives_the_same_bytes_and_pays_nothing_twice(
    examples: Path, undisturbed: tuple[bytes, Counter[str]], tmp_path: Path
) -> None:
    candidate, calls = undisturbed
    threads = (1, 8)
    with ThreadPoolExecutor() as pool:  # a process waits for its server: two share the processors
        called = list(
            pool.map(lambda n: killed_and_resumed(examples, tmp_path / str(n), n), threads)
        )
    for number, answered in zip(threads, called, strict=True):
        assert (tmp_path / str(number) / "candidate.json").read_bytes() == candidate
        assert answered.keys() == calls.keys()
        again = (answered - calls).total()
        assert again <= number * len(KILLED_AT), "only calls in flight at a kill are repeated"
        assert again >= len(KILLED_AT), "the call at each kill is lost"


def test_eight_threads_give_the_same_bytes_with_the_same_calls(
    examples: Path, undisturbed: tuple[bytes, Counter[str]], tmp_path: Path
) -> None:
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        assert learn(*JUDGE, "--threads=8").exit_code == 0
        assert (learn.candidate(), models.calls) == undisturbed
        assert learn(*JUDGE, "--threads=8").exit_code == 0
        assert (learn.candidate(), models.calls) == undisturbed, "a finished run makes no calls"


def test_a_run_in_time_slices_equals_an_uninterrupted_run(
    examples: Path,
    undisturbed: tuple[bytes, Counter[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert in_slices(examples, tmp_path, monkeypatch) == undisturbed


def test_gepa_in_time_slices_equals_an_uninterrupted_run(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gepa = "--optimizer=gepa"
    undisturbed = undisturbed_run(examples, tmp_path / "undisturbed", gepa)
    assert in_slices(examples, tmp_path, monkeypatch, gepa) == undisturbed


def in_slices(
    examples: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[bytes, Counter[str]]:
    """Return candidate and calls of a run in slices of 50 calls."""
    models = Models(3)
    end = slices = 0

    def remaining_s(seconds: float | None) -> Callable[[], float]:
        """A clock on which each call takes a second."""
        return lambda: float(end - models.calls.total())

    monkeypatch.setattr("route_switch.cli.optimize._remaining", remaining_s)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, folder)
        while True:
            end += 50
            result = learn(*JUDGE, *options)
            if result.exit_code == 0:
                break
            assert "This part of the run is out of time." in str(result.exception)
            assert "Run the same command to resume." in str(result.exception)
            slices += 1
    assert slices == models.calls.total() // 50, "each slice uses its whole time"
    return learn.candidate(), models.calls


def test_a_run_without_time_says_how_to_resume(examples: Path, tmp_path: Path) -> None:
    models = Models(3)
    with running_upstream(models) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(*JUDGE, "--stop-after=0")
    assert result.exit_code == 1
    assert str(result.exception) == (
        "This part of the run is out of time. Run the same command to resume."
    )
    assert not models.calls


def test_a_second_run_in_the_same_folder_is_rejected(examples: Path, tmp_path: Path) -> None:
    begun, over = threading.Event(), threading.Event()

    def hold(number: int, body: Body) -> Reply | None:
        begun.set()
        over.wait(30)
        return None

    command = Command(examples, tmp_path / "run", "--stop-after=1")
    with running_upstream(breaking(Models(), hold)) as upstream, ThreadPoolExecutor() as pool:
        first = pool.submit(command, upstream.url)
        assert begun.wait(60)
        result = Learner(upstream.url, examples, tmp_path)(*JUDGE)
        assert result.exit_code == 1
        assert "another run uses this folder" in str(result.exception)
        over.set()
        first.result()

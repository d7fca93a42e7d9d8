"""A run that is interrupted goes on where it was, pays nothing twice, and ends as it would have."""

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
    with_gold,
    without_anything,
    write_examples,
)
from tests.support.upstream import Body, Reply, running_upstream

JUDGE = ("--judge-model=openai/judge",)
KILLED_AT = (1, 60, 130, 164, 230)
"""Numbers of calls: the first one, among the answers, the verdicts, the proposals, the trials."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing is recorded: gold grades one half, the judge the other."""
    chosen = numbers(train=20, validation=12, heldout=8)
    rows = [
        with_gold(number) if place % 2 else without_anything(number)
        for place, number in enumerate(chosen)
    ]
    return write_examples(tmp_path_factory.mktemp("examples") / "examples.jsonl", rows)


PROCESSES = multiprocessing.get_context("forkserver")
"""Each run is a process of its own, which begins with the libraries imported: that takes seconds,
and no call is made meanwhile."""
PROCESSES.set_forkserver_preload(["tests.support.scripted_models", "route_switch.cli.folder_run"])


class Command:
    """`route-switch optimize` as a process of its own, which can be killed at a call."""

    def __init__(self, examples: Path, out: Path, *options: str) -> None:
        self._arguments = arguments(examples, out, *JUDGE, *options)

    def __call__(self, url: str) -> int | None:
        """Its exit code."""
        self._process = PROCESSES.Process(target=optimize, args=(self._arguments, environment(url)))
        self._process.start()
        self._process.join(120)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()


def killed_and_resumed(examples: Path, out: Path, threads: int) -> Counter[str]:
    """Kills at each of the calls, then lets it finish; gives the calls that were answered."""
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
def whole(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Counter[str]]:
    """The candidate of a run that nobody disturbed, with one thread, and its calls."""
    folder = tmp_path_factory.mktemp("whole")
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, folder)
        result = learn(*JUDGE, "--threads=1")
    assert result.exit_code == 0, result.output
    assert models.asked_again == 0
    return learn.candidate(), models.calls


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes_and_pays_nothing_twice(
    examples: Path, whole: tuple[bytes, Counter[str]], tmp_path: Path
) -> None:
    candidate, calls = whole
    threads = (1, 8)
    with ThreadPoolExecutor() as pool:  # a process waits for its server: two share the processors
        called = list(
            pool.map(lambda n: killed_and_resumed(examples, tmp_path / str(n), n), threads)
        )
    for number, answered in zip(threads, called, strict=True):
        assert (tmp_path / str(number) / "candidate.json").read_bytes() == candidate
        assert answered.keys() == calls.keys()
        again = (answered - calls).total()
        assert again <= number * len(KILLED_AT), "only what was under way at a kill is asked again"
        assert again >= len(KILLED_AT), "the call at which it is killed is lost"


def test_eight_threads_give_the_same_bytes_from_the_same_calls(
    examples: Path, whole: tuple[bytes, Counter[str]], tmp_path: Path
) -> None:
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        assert learn(*JUDGE, "--threads=8").exit_code == 0
        assert (learn.candidate(), models.calls) == whole
        assert learn(*JUDGE, "--threads=8").exit_code == 0
        assert (learn.candidate(), models.calls) == whole, "a finished run has nothing left to ask"


def test_slices_of_time_add_up_to_the_same_run(
    examples: Path,
    whole: tuple[bytes, Counter[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = Models(3)
    end = slices = 0

    def remaining_s(seconds: float | None) -> Callable[[], float]:
        """A clock on which a call takes a second."""
        return lambda: float(end - models.calls.total())

    monkeypatch.setattr("route_switch.cli.optimize._remaining", remaining_s)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        while True:
            end += 50
            result = learn(*JUDGE)
            if result.exit_code == 0:
                break
            assert "This part of the run is out of time." in str(result.exception)
            assert "Run the same command to resume." in str(result.exception)
            slices += 1
    assert slices == whole[1].total() // 50, "each slice gets as far as its time allows"
    assert (learn.candidate(), models.calls) == whole


def test_a_run_without_any_time_says_how_to_go_on(examples: Path, tmp_path: Path) -> None:
    models = Models(3)
    with running_upstream(models) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(*JUDGE, "--stop-after=0")
    assert result.exit_code == 1
    assert str(result.exception) == (
        "This part of the run is out of time. Run the same command to resume."
    )
    assert not models.calls


def test_another_run_in_the_same_folder_is_told_to_wait(examples: Path, tmp_path: Path) -> None:
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

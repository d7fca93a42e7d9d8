"""The error budget: every look is counted when it is taken, no matter what happens to the runs."""

import json
import math
import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.files import Folder
from route_switch.cli.main import app
from route_switch.domain.errors import (
    BudgetReachedError,
    DeadlineReachedError,
    RunStoppedError,
    StoreError,
)
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.promotion import (
    ALPHA,
    GateHistory,
    alpha_of_look,
    digest_of_test,
    gate,
)
from route_switch.optimizer.learning_job import GateHistoryFile, LearningJob, RunDependencies
from route_switch.optimizer.report.figures import Gate, Report
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.spending_caps import LocalCap
from tests.support.learning import PLAN, SUBJECTS, RecordedSteps, embed, example
from tests.support.paid import PRICE, FakeTime
from tests.support.searching import (
    INCUMBENT,
    Models,
    cache_put_back,
    instruction,
)

ROWS = tuple(example(number) for number in range(200))
FILE = "gate-history.json"


def gains(first: int, count: int = 60, gain: float = 0.02) -> list[HeldOutGain]:
    return [HeldOutGain(f"{key:016x}", gain) for key in range(first, first + count)]


def ledger(folder: Path) -> GateHistoryFile:
    return GateHistoryFile(Folder(folder), FILE)


# A run of a folder, as `optimize` starts it.


def knows_subjects(messages: object) -> str:
    """Answer right if the instruction is a proposal, else Tier 3."""
    query = repr(messages).rsplit("Query:", 1)[-1]
    subject = next(number for number, name in enumerate(SUBJECTS, 1) if name in query)
    return str(subject) if "proposal" in repr(messages) else "3"


def run(
    folder: Path,
    seed: int,
    *,
    stopped: bool = False,
    history: Path | None = None,
    files: type[Folder] = Folder,
) -> Gate:
    """Run learning in the folder, or only its beginning, and return what the gate said."""
    stop = DeadlineReachedError("stopped") if stopped else None
    report = report_of(folder, seed, stop=stop, history=history, files=files)
    assert report.gate is not None
    return report.gate


def report_of(
    folder: Path,
    seed: int,
    *,
    stop: RunStoppedError | None = None,
    history: Path | None = None,
    files: type[Folder] = Folder,
) -> Report:
    models = Models(knows_subjects, lambda number: instruction(f"seed {seed} proposal {number}"))
    if stop is not None:
        models.fails = lambda _: stop
    folder.mkdir(exist_ok=True)
    cap = LocalCap(100.0)
    calls = MeteredCalls(lambda _: models, lambda _: PRICE, MemoryMemo(), cap, FakeTime().pace())
    job = LearningJob(
        plan=replace(PLAN, seed=seed, rounds=1),
        examples=ROWS,
        examples_digest="digest",
        incumbent=INCUMBENT,
        hand_written=packaged_prompt(),
        files=files(folder),
        history=ledger(history or folder),
        cap_usd=100.0,
        command="optimize",
        monthly_queries=1000,
    )
    with cache_put_back():
        return job(RunDependencies(calls, cap, embed, RecordedSteps()))


@pytest.mark.parametrize("shared", [False, True])
def test_runs_that_others_overtook_do_not_test_the_same_rows_again(
    tmp_path: Path, shared: bool
) -> None:
    """Two runs start and are stopped, a third one finishes, and the two are resumed: in one folder,
    or in three folders with one gate history."""
    folders = [tmp_path / (str(n) if shared else "one") for n in range(3)]
    history = tmp_path if shared else None
    for seed in (1, 2):
        with pytest.raises(DeadlineReachedError):
            run(folders[seed - 1], seed, stopped=True, history=history)
    whole = run(folders[2], 3, history=history)
    assert whole.look == 1
    assert whole.gain.n > 50
    for seed in (1, 2):
        resumed = run(folders[seed - 1], seed, history=history)
        assert (resumed.look, resumed.gain.n) == (2, 0)
        assert resumed.verdict == "not enough evidence"
    assert ledger(history or folders[0]).read().looks == 1


def test_the_same_run_again_reads_its_own_verdict_and_costs_no_look(tmp_path: Path) -> None:
    first = run(tmp_path, 1)
    assert run(tmp_path, 1) == first
    assert ledger(tmp_path).read().looks == 1


def test_a_run_that_reaches_its_cap_leaves_no_decisions_of_an_earlier_run(tmp_path: Path) -> None:
    run(tmp_path, 1)
    assert frontier(tmp_path).exit_code == 0
    stopped = report_of(tmp_path, 2, stop=BudgetReachedError("the cap is reached"))
    assert stopped.gate is None
    failed = frontier(tmp_path).exception
    assert "the run stopped before the held-out rows" in str(failed)


def frontier(folder: Path) -> Result:
    return CliRunner().invoke(app, ["frontier", str(folder)])


class FullDisk(Folder):
    """Writes the history, but no results."""

    def write(self, name: str, content: bytes) -> None:
        if name != FILE:
            raise StoreError("The disk is full.")
        super().write(name, content)


def test_a_run_that_crashes_between_its_look_and_its_verdict_is_charged(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        run(tmp_path, 1, files=FullDisk)
    assert ledger(tmp_path).read().looks == 1
    assert not (tmp_path / "report.json").exists()
    assert run(tmp_path, 2).gain.n == 0, "another run may not use its rows"
    resumed = run(tmp_path, 1)
    assert (resumed.look, ledger(tmp_path).read().looks) == (1, 1)
    assert resumed.gain.n > 50


# The ledger.


def test_a_look_is_counted_even_if_the_run_ends_before_its_verdict(tmp_path: Path) -> None:
    """The file holds the look as soon as the verdict is known to anyone."""
    ledger(tmp_path).look(gains(0), "a")
    kept = json.loads((tmp_path / FILE).read_text())
    assert (kept["looks"], len(kept["seen"])) == (1, 60)


def test_a_look_that_was_overtaken_is_taken_again_with_what_is_left_of_the_budget(
    tmp_path: Path,
) -> None:
    budget = ledger(tmp_path)
    before = budget.look(gains(0), "a")
    assert budget.look(gains(0), "a") == before, "nobody looked in between"
    other = budget.look(gains(30, 100), "b")
    assert (other.look, other.n) == (2, 70), "rows 30 to 59 are used"
    again = budget.look(gains(0), "a")
    assert (again.look, again.n) == (3, 60)
    assert again.alpha == alpha_of_look(3) < before.alpha
    assert budget.read().looks == 3


def test_another_price_is_another_test_and_the_rows_are_used(tmp_path: Path) -> None:
    rows, repriced = gains(0), gains(0, gain=0.03)
    one, other = (digest_of_test("candidate", "incumbent", each) for each in (rows, repriced))
    assert one != other
    assert ledger(tmp_path).look(rows, one).n == 60
    assert ledger(tmp_path).look(repriced, other).n == 0


def test_the_history_of_an_earlier_release_still_counts(tmp_path: Path) -> None:
    used = [row.key for row in gains(0)]
    (tmp_path / FILE).write_text(json.dumps({"looks": 3, "seen": used}))
    assert ledger(tmp_path).look(gains(0, 120), "a").look == 4
    assert ledger(tmp_path).read().seen == {row.key for row in gains(0, 120)}


Looks = list[tuple[int, int, int]]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300), st.integers(0, 120)), max_size=9))
def test_in_any_order_of_tests_history_grows_and_rows_belong_to_one_test(
    looks: Looks,
) -> None:
    history, owner, spent = GateHistory(), dict[str, int](), dict[int, float]()
    for name, first, count in looks:
        # The test is what it is about: its rows and gains are part of its digest.
        rows = gains(first + 1000 * name, count)
        test = digest_of_test(str(name), "incumbent", rows)
        result = gate(rows, history, test=test)
        assert result.history.looks >= history.looks
        assert result.history.seen >= history.seen
        if result.verdict != "not enough evidence" or result.history != history:
            spent[result.look] = result.alpha
            for row in rows:
                owner.setdefault(row.key, name)
        history = result.history
    assert sorted(spent) == list(range(1, history.looks + 1))
    assert math.fsum(spent.values()) <= ALPHA


# Races.


def look_often(folder: Path, number: int, found: "multiprocessing.Queue[list[int]]") -> None:
    """Each process looks at rows of its own, and at rows that all share."""
    looks = []
    for round_ in range(6):
        first = 10_000 * (number * 10 + round_)
        rows = [*gains(first), *gains(10**9, 5)]
        looks.append(ledger(folder).look(rows, f"{number}-{round_}").look)
    found.put(looks)


def test_processes_that_race_never_share_a_look_or_lose_rows(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    found: multiprocessing.Queue[list[int]] = context.Queue()
    workers = [context.Process(target=look_often, args=(tmp_path, n, found)) for n in range(4)]
    for worker in workers:
        worker.start()
    looks: Sequence[int] = sorted(look for _ in workers for look in found.get(timeout=60))
    for worker in workers:
        worker.join()
    assert looks == list(range(1, 25))
    history = ledger(tmp_path).read()
    assert (history.looks, len(history.seen)) == (24, 24 * 60 + 5)


def test_another_limit_or_margin_of_the_promise_is_another_test() -> None:
    """Otherwise, limits could be tried on the same rows until one is kept."""
    rows = gains(0)
    plain = digest_of_test("a", "b", rows)
    promises = {
        digest_of_test("a", "b", rows, limit, margin)
        for limit in (0.05, 0.1)
        for margin in (0.0, 0.1)
    }
    assert len({plain} | promises) == 5


def test_a_look_that_waits_for_rows_is_not_counted(tmp_path: Path) -> None:
    rows = gains(0)
    waiting = ledger(tmp_path).look(rows, "a", min_rows=len(rows) + 1)
    assert waiting.verdict == "not enough evidence"
    assert ledger(tmp_path).read().looks == 0
    assert ledger(tmp_path).look(rows, "a", min_rows=len(rows)).look == 1

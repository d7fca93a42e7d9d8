"""Learn from the sets, several at a time, and keep what is finished.

A run's folder has a stamp of everything that its figures depend on: the rows, the settings, the
packages and the code. A later call reuses a folder whose stamp fits. It learns again in any other
one, but asks for no answer that the folder remembers.
"""

import hashlib
import multiprocessing
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import route_switch
import route_switch_offline
from layers.offline import learning_sets
from layers.offline.learning_sets import LearningSet, run_of
from route_switch.adapters.learning.outcome_file import read_outcomes
from route_switch.cli.folder_run import MEMO, FolderRun
from route_switch.domain.learning.split import split
from route_switch.optimizer.arrays import OutcomeArrays, arrays_of
from route_switch.optimizer.findings import by_side
from route_switch.optimizer.learning_job import versions
from route_switch.optimizer.report import json_file
from route_switch.optimizer.report.figures import Report

LAMBDAS = (0.2, 0.1, 0.3)
"""The first one is the default, and the one of every figure that names none."""
STAMP = "stamp.txt"
TEXTS = ("candidate.json", "candidate.md", "report.html", "report.md", MEMO)
"""The files of a run that quote queries."""


@dataclass(frozen=True, slots=True)
class SetResult:
    """The reports of a set by λ, and its held-out rows."""

    of: LearningSet
    reports: dict[float, Report]
    heldout: OutcomeArrays

    @property
    def report(self) -> Report:
        return self.reports[LAMBDAS[0]]


class MakeRun(Protocol):
    """`learning_sets.run_of`."""

    def __call__(
        self, learning_set: LearningSet, data: Path, out: Path, threads: int, lambda_: float
    ) -> FolderRun: ...


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs on sets of the folder `data`, in folders of their own in `out`."""

    data: Path
    out: Path
    lambdas: tuple[float, ...] = LAMBDAS
    make_run: MakeRun = run_of

    def learn_all(
        self, sets: Sequence[LearningSet], workers: int
    ) -> Iterator[tuple[LearningSet, BaseException | None]]:
        """Learn from each set in a process of its own, whose memory ends with it. Yield each set
        when it is finished, with what stopped it if it failed."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, max_tasks_per_child=1) as pool:
            pending = {pool.submit(self.learn, each): each for each in sets}
            for done in as_completed(pending):
                yield pending[done], done.exception()

    def learn(self, learning_set: LearningSet) -> None:
        folder = self.out / learning_set.name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "progress.log").open("a", encoding="utf-8") as log:
            sys.stderr = log
            for lambda_ in self._lambdas(learning_set):
                self._learn(learning_set, lambda_)
        if learning_set.is_private:
            for lambda_ in self._lambdas(learning_set):
                forget_texts(self._folder(learning_set, lambda_))

    def result(self, learning_set: LearningSet) -> SetResult:
        """Read what `learn` has left."""
        reports = {
            lambda_: json_file.from_json(
                (self._folder(learning_set, lambda_) / "report.json").read_text("utf-8")
            )
            for lambda_ in self._lambdas(learning_set)
        }
        run = self._run(learning_set, LAMBDAS[0])
        sides = split(run.examples)
        table = read_outcomes(run.out / "outcomes.jsonl.gz", sides.examples, run.plan.prices)
        return SetResult(learning_set, reports, arrays_of(by_side(table, sides).heldout))

    def _learn(self, learning_set: LearningSet, lambda_: float) -> None:
        """Each λ is a learning run of its own: it labels, searches and trains anew. What tiers and
        encoder said does not depend on λ, so a later run starts with the first one's memo."""
        run = self._run(learning_set, lambda_)
        stamp = _stamp(run)
        if _read(run.out / STAMP) == stamp:
            return
        first = self._folder(learning_set, LAMBDAS[0]) / MEMO
        if not (run.out / MEMO).exists() and first.exists():
            shutil.copyfile(first, run.out / MEMO)
        (run.out / "gate-history.json").unlink(missing_ok=True)
        run()
        (run.out / STAMP).write_text(stamp, "utf-8")

    def _lambdas(self, learning_set: LearningSet) -> tuple[float, ...]:
        """A control has the default λ only."""
        return self.lambdas if learning_set.shuffle_seed is None else self.lambdas[:1]

    def _folder(self, learning_set: LearningSet, lambda_: float) -> Path:
        return self.out / learning_set.name / f"lambda-{lambda_:g}"

    def _run(self, learning_set: LearningSet, lambda_: float) -> FolderRun:
        folder = self._folder(learning_set, lambda_)
        return self.make_run(learning_set, self.data, folder, threads=1, lambda_=lambda_)


def forget_texts(folder: Path) -> None:
    """Keep the figures of a set whose queries may not be shown again."""
    for name in TEXTS:
        (folder / name).unlink(missing_ok=True)
    path = folder / "report.json"
    report = json_file.from_json(path.read_text("utf-8"))
    nothing = {"incumbent_prompt": "", "candidate_prompt": "", "moved": (), "candidates": ()}
    path.write_text(json_file.to_json(report.model_copy(update=nothing)), "utf-8")


def _stamp(run: FolderRun) -> str:
    plan = run.plan
    settings = (
        f"lambda={plan.lambda_:g}",
        f"margin={plan.no_worse_margin:g}",
        f"strategy={plan.strategy}",
        f"optimizer={plan.optimizer}",
        f"rounds={plan.rounds}",
        f"size={plan.size}",
        f"seed={plan.seed}",
    )
    packages = (f"{name}={version}" for name, version in versions().items())
    parts = (run.examples_digest, run.incumbent.version, code_digest(), *settings, *packages)
    return "\n".join(parts) + "\n"


def code_digest() -> str:
    """Return a digest of the modules that a run's figures come from: a change in any of them may
    change any figure."""
    packages = (route_switch, route_switch_offline)
    folders = [Path(str(package.__file__)).parent for package in packages]
    files = [Path(learning_sets.__file__), *(f for each in folders for f in each.rglob("*.py"))]
    content = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None

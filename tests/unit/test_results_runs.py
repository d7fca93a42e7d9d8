"""The runs of `make evaluate`: finished ones are reused, and private texts are forgotten."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer
from typer.testing import CliRunner

from docs.generate.results import runs
from docs.generate.results.__main__ import evaluate
from docs.generate.results.runs import LAMBDAS, STAMP, TEXTS, Runs
from layers.offline import learning_sets
from layers.offline.learning_sets import SETS, DatasetPart, LearningSet
from route_switch.cli.folder_run import MEMO, FolderRun
from route_switch.optimizer.report import json_file
from route_switch.optimizer.report.figures import Report
from tests.support.report import finished

PUBLIC = next(each for each in SETS if not each.is_private)
PRIVATE = next(each for each in SETS if each.is_private)


@dataclass
class FakeRun:
    """A run that notes what its folder held when it began, and leaves the files of a real one."""

    out: Path
    examples_digest: str
    plan: SimpleNamespace
    began: list[tuple[float, set[str]]]
    incumbent: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(version="v"))

    def __call__(self) -> Report:
        self.began.append((self.plan.lambda_, {path.name for path in self.out.iterdir()}))
        report = finished(**{"lambda": self.plan.lambda_})
        for name in (*TEXTS, "gate-history.json"):
            (self.out / name).write_text("a query", "utf-8")
        (self.out / "report.json").write_text(json_file.to_json(report), "utf-8")
        return report


@dataclass
class FakeRuns:
    """`rows` stands for the content of the examples' file, and `settings` change the plan's."""

    folder: Path
    rows: str = "some rows"
    settings: dict[str, object] = field(default_factory=dict)
    began: list[tuple[float, set[str]]] = field(default_factory=list)

    def make_run(
        self, learning_set: LearningSet, data: Path, out: Path, threads: int, lambda_: float
    ) -> FolderRun:
        out.mkdir(parents=True, exist_ok=True)
        margin = learning_set.margin
        settings = {"lambda_": lambda_, "no_worse_margin": margin, "strategy": "auto"}
        settings |= {"optimizer": "mipro", "rounds": 2, "size": "all", "seed": 1, **self.settings}
        plan = SimpleNamespace(**settings)
        return cast("FolderRun", FakeRun(out, self.rows, plan, self.began))

    def learn(self, learning_set: LearningSet = PUBLIC) -> None:
        Runs(self.folder, self.folder, make_run=self.make_run).learn(learning_set)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuns]:
    monkeypatch.setattr("sys.stderr", None)  # `learn` replaces it, in a process of its own
    yield FakeRuns(tmp_path)


def test_each_lambda_is_learned_once_and_then_reused(fake: FakeRuns) -> None:
    fake.learn()
    fake.learn()
    assert [lambda_ for lambda_, _ in fake.began] == list(LAMBDAS)


def test_other_rows_or_other_code_are_learned_from_again(
    fake: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.learn()
    fake.rows = "other rows"
    fake.learn()
    monkeypatch.setattr(runs, "code_digest", lambda: "changed")
    fake.learn()
    assert [lambda_ for lambda_, _ in fake.began] == 3 * list(LAMBDAS)


@pytest.mark.parametrize("name", ["rounds", "size", "seed", "optimizer"])
def test_other_settings_are_learned_from_again(fake: FakeRuns, name: str) -> None:
    fake.learn()
    fake.settings[name] = "another"
    fake.learn()
    assert len(fake.began) == 2 * len(LAMBDAS)
    assert MEMO in fake.began[-1][1]


def test_other_versions_of_packages_are_learned_with_again(
    fake: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.learn()
    monkeypatch.setattr(runs, "versions", lambda: {"optuna": "another"})
    fake.learn()
    assert len(fake.began) == 2 * len(LAMBDAS)


def test_the_codes_digest_covers_the_module_that_names_the_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runs.code_digest()
    changed = tmp_path / "learning_sets.py"
    changed.write_text("ROWS = 1", "utf-8")
    monkeypatch.setattr(learning_sets, "__file__", str(changed))
    assert runs.code_digest() != before


def test_the_offline_layer_imports_nothing_that_generates_documents() -> None:
    folder = Path(str(learning_sets.__file__)).parent
    assert not [path for path in folder.rglob("*.py") if "import docs" in path.read_text("utf-8")]
    assert not [path for path in folder.rglob("*.py") if "from docs" in path.read_text("utf-8")]


def test_a_control_has_the_default_lambda_only(fake: FakeRuns) -> None:
    control = next(each for each in SETS if each.shuffle_seed is not None)
    fake.learn(control)
    assert [lambda_ for lambda_, _ in fake.began] == [LAMBDAS[0]]


def test_a_shuffled_set_has_the_same_queries_and_the_same_results_in_another_order(
    tmp_path: Path,
) -> None:
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        for n in range(40):
            models = {"a": {"score": n}, "b": {"score": -n}}
            file.write(json.dumps({"query": f"query {n}", "models": models}) + "\n")
    plain = LearningSet("plain", "Plain", (DatasetPart("rows", ("a", "b")),))
    rows = [json.loads(line) for line in plain.lines(tmp_path)]
    control = replace(plain, shuffle_seed=1)
    shuffled = [json.loads(line) for line in control.lines(tmp_path)]
    assert list(control.lines(tmp_path)) == list(control.lines(tmp_path))
    assert [row["query"] for row in shuffled] == [row["query"] for row in rows]
    of = [row["models"]["small"]["score"] for row in shuffled]
    assert of != list(range(40)) and sorted(of) == list(range(40))
    assert all(row["models"]["large"]["score"] == -s for row, s in zip(shuffled, of, strict=True))


def test_a_later_lambda_begins_with_the_answers_of_the_first_and_without_its_looks(
    fake: FakeRuns,
) -> None:
    fake.learn()
    fake.rows = "other rows"
    fake.learn()
    assert fake.began[0] == (LAMBDAS[0], set())
    assert all(found == {MEMO} for _, found in fake.began[1 : len(LAMBDAS)])
    again = fake.began[len(LAMBDAS) :]
    assert all(MEMO in found and "gate-history.json" not in found for _, found in again)


def test_nothing_that_quotes_a_private_sets_queries_is_kept(fake: FakeRuns) -> None:
    fake.learn(PRIVATE)
    for lambda_ in LAMBDAS:
        folder = fake.folder / PRIVATE.name / f"lambda-{lambda_:g}"
        left = {path.name for path in folder.iterdir()}
        assert left == {"report.json", STAMP, "gate-history.json"}
        kept = json_file.from_json((folder / "report.json").read_text("utf-8"))
        assert kept.moved == () and kept.candidate_prompt == "" and kept.candidates == ()
        assert kept.policies


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sets", "banking77,none"], "There is no set none"),
        (["--sets", "banking77"], "has no banking77.jsonl.gz"),
    ],
)
def test_a_name_or_a_folder_that_does_not_fit_is_refused_before_any_run(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(evaluate)
    done = CliRunner().invoke(app, ["--data", str(tmp_path), *arguments])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())

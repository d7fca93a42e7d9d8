"""The profiles that a learning run fits, and the command that shows its curve."""

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from route_switch.cli.frontier_plot import Mark, plot
from route_switch.cli.main import app
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.profiles import PROFILES, Profile
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.tiers import Tier
from route_switch.optimizer import learning_steps
from route_switch.optimizer.curve.decided_rows import FILE, NONE
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.curve.record_decisions import decided_rows
from route_switch.optimizer.report import html_page, json_file
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.services.learning.route_examples import RoutedExample, RouteExamples
from tests.support.learning import CONTEXT, PLAN, learn
from tests.support.local_models import with_local_model
from tests.support.searching import Models
from tests.unit.test_loop import Run, knows_subjects

ONE = replace(PLAN, rounds=1)
Json = Any  # the content of a file, which is damaged at many places


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(router=knows_subjects)


@pytest.fixture(scope="module")
def run(models: Models) -> Run:
    return learn(models, ONE)


def test_a_learned_prompt_has_tables_and_its_document_keeps_them(run: Run) -> None:
    candidate = run[0].candidate
    assert candidate.profiles is not None
    assert parse_prompt(to_markdown(candidate)).profiles == candidate.profiles
    assert run[0].decisions is not None
    assert run[0].decisions.version == candidate.version


@pytest.mark.parametrize("profile", PROFILES)
def test_the_curve_at_a_profile_is_what_is_served_for_it(run: Run, profile: Profile) -> None:
    found, calls = run
    assert found.decisions is not None
    assert found.tables is not None
    curve = PolicyCurve.of(found.decisions)
    route = RouteExamples(ONE.config, calls, frozenset(Tier), profile)
    served = route(found.tables.heldout.examples, found.candidate, 1)
    choice = curve.choice(curve.profile_lambda(profile))
    assert [Tier(column + 1) for column in choice] == [each.tier for each in served]


def test_fitting_and_recording_pay_for_no_call(
    run: Run, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = Models(router=knows_subjects)
    monkeypatch.setattr(
        learning_steps, "with_profiles", lambda _plan, _route, found: found.candidate
    )
    monkeypatch.setattr(learning_steps, "run_decisions", lambda _plan, _route, _found: None)
    assert learn(without, ONE)[0].decisions is None
    assert len(without.routed) == len(models.routed)


def test_a_prompt_that_is_kept_stays_without_tables(run: Run) -> None:
    kept, _ = learn(Models(router=lambda _: "3"), ONE)
    assert kept.candidate.version == kept.incumbent.version
    assert kept.candidate.profiles is None
    assert kept.decisions is not None
    assert kept.decisions.validation is None


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    found, calls = run
    assert found.decisions is not None
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    (tmp_path / "report.json").write_text(json_file.to_json(report), "utf-8")
    (tmp_path / "candidate.json").write_text(to_json(found.candidate), "utf-8")
    (tmp_path / FILE).write_bytes(found.decisions.to_bytes())
    return tmp_path


def frontier(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["frontier", str(folder), *options])


def test_the_report_shows_the_profiles_and_draws_the_curve(run: Run) -> None:
    found, calls = run
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    assert report.curve is not None
    assert json_file.from_json(json_file.to_json(report)).curve is not None
    page = html_page.to_html(report)
    assert "Profiles of the learned policy" in page
    assert "the learned policy at every λ" in page


def test_the_command_answers_both_questions_in_at_most_80_columns(folder: Path) -> None:
    result = frontier(folder, "--lambda", "0.3", "--min-quality", "0.95")
    assert result.exit_code == 0, result.output
    assert "At λ = 0.3, the learned policy costs " in result.stdout
    assert "The cheapest policy with a quality of at least 95.0% is " in result.stdout
    for name in ("profile quality", "profile balanced", "profile cost", "all on Tier 3"):
        assert name in result.stdout
    plotted, _, sentences = result.stdout.partition("At λ = 0.3")
    assert max(map(len, plotted.splitlines())) <= 80
    assert "Leave a margin" in sentences


def test_the_command_prints_json(folder: Path) -> None:
    found = json.loads(frontier(folder, "--lambda", "0.3", "--min-quality", "0.9", "--json").stdout)
    assert set(found["profiles"]) == set(PROFILES)
    assert found["at_lambda"]["lambda"] == 0.3
    assert found["cheapest"]["min_quality"] == 0.9
    assert {"tier-1", "tier-2", "tier-3"} == set(found["constants"])


def test_the_command_writes_a_page_that_needs_nothing_else(folder: Path) -> None:
    page = folder / "curve.html"
    assert frontier(folder, "--html", str(page), "--lambda", "0.3").exit_code == 0
    text = unescape(page.read_text("utf-8"))
    assert "script-src 'none'" in text
    assert "the learned policy at every λ" in text
    assert "At λ = 0.3" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_an_edited_candidate_is_not_taken_for_the_measured_one(folder: Path) -> None:
    path = folder / "candidate.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "instruction": "Something else."}), "utf-8")
    told = " ".join(frontier(folder).stderr.split())
    assert "it was edited, or another run wrote to this folder" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--lambda", "-1"), "--lambda is -1"),
        (("--lambda", "1e300"), "--lambda is 1e+300, but must be from 0 to 1,000,000"),
        (("--min-quality", "95"), "--min-quality is 95, but must be above 0 and at most 1"),
        (("--min-quality", "0"), "--min-quality is 0"),
        (("--min-quality", "nan"), "--min-quality is nan"),
    ],
)
def test_a_nonsensical_question_is_refused(
    folder: Path, options: tuple[str, ...], told: str
) -> None:
    assert told in str(frontier(folder, *options).exception)


def damaged(content: Json, side: str) -> Iterator[tuple[str, Json]]:
    rows = content[side]

    def with_rows(**columns: object) -> Json:
        return {**content, side: {**rows, **columns}}

    yield "a cost that is not a number", with_rows(cost_usd=[[math.nan] * 3, *rows["cost_usd"][1:]])
    yield "an infinite cost", with_rows(cost_usd=[[math.inf] * 3, *rows["cost_usd"][1:]])
    yield "a negative cost", with_rows(router_usd=[-1.0, *rows["router_usd"][1:]])
    yield "a short column", with_rows(named=rows["named"][1:])
    yield "a short row", with_rows(score=[[1.0], *rows["score"][1:]])
    yield "an unknown tier", with_rows(named=[9, *rows["named"][1:]])
    yield "a negative index", with_rows(kept=[-2, *rows["kept"][1:]])
    yield "a huge cost", with_rows(router_usd=[1e300, *rows["router_usd"][1:]])
    yield "a huge negative score", with_rows(score=[[-1e308] * 3, *rows["score"][1:]])
    yield "a share above 1", with_rows(equivalent=[[2.0] * 3, *rows["equivalent"][1:]])
    yield "a huge weight", with_rows(weights=[1e300, *rows["weights"][1:]])
    yield "too few weights", with_rows(weights=rows["weights"][1:])
    yield "rows without weight", with_rows(weights=[0.0 for _ in rows["weights"]])
    yield "no rows", with_rows(**dict.fromkeys(rows, ()))
    yield "tiers out of order", {**content, "tiers": [3, 2, 1]}
    yield "a λ that is not a number", {**content, "lambda": math.nan}
    yield "a negative λ", {**content, "lambda": -3}
    yield "a huge λ", {**content, "lambda": 1e300}


@pytest.mark.parametrize("side", ["heldout", "validation"])
def test_damaged_decisions_are_refused_with_what_to_do(folder: Path, side: str) -> None:
    whole = json.loads(gzip.decompress((folder / FILE).read_bytes()))
    for what, content in damaged(whole, side):
        (folder / FILE).write_bytes(gzip.compress(json.dumps(content).encode()))
        failed = frontier(folder).exception
        assert isinstance(failed, RouteSwitchError), what
        assert f"{FILE} does not hold the decisions of a run (" in str(failed), what
        assert "Run 'route-switch optimize' on its folder again" in str(failed)


def changed(content: Json, other: Json) -> Iterator[tuple[str, Json]]:
    """Yield decisions that are valid, but not those of the report."""
    rows = content["heldout"]
    yield "the decisions of another run", other
    yield "another version", {**content, "version": "0123456789ab"}
    yield "another λ", {**content, "lambda": 0.1}
    yield "other decisions", {**content, "heldout": {**rows, "named": [0 for _ in rows["named"]]}}
    costs = [[2 * each for each in row] for row in rows["cost_usd"][:9]]
    yield "other costs", {**content, "heldout": {**rows, "cost_usd": costs + rows["cost_usd"][9:]}}
    yield "fewer rows", {**content, "heldout": {name: each[1:] for name, each in rows.items()}}


def test_decisions_that_are_not_the_reports_are_refused(folder: Path, tmp_path: Path) -> None:
    whole = json.loads(gzip.decompress((folder / FILE).read_bytes()))
    kept = learn(Models(router=lambda _: "3"), ONE)[0].decisions
    assert kept is not None
    for what, content in changed(whole, json.loads(gzip.decompress(kept.to_bytes()))):
        (folder / FILE).write_bytes(gzip.compress(json.dumps(content).encode()))
        failed = frontier(folder).exception
        assert isinstance(failed, RouteSwitchError), what
        assert f"report.json and {FILE} in {tmp_path} are from different runs" in str(failed), what


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_report_with_a_figure_that_is_not_a_number_is_refused(
    folder: Path, number: float
) -> None:
    path = folder / "report.json"
    content = json.loads(path.read_text("utf-8"))
    content["policies"][0]["cost"]["mean"] = number
    path.write_text(json.dumps(content), "utf-8")
    assert "report.json is not the report of a run" in str(frontier(folder).exception)


@pytest.mark.parametrize("place", ["no/such/folder/x.html", "."])
def test_a_page_that_cannot_be_written_fails_before_anything_is_printed(
    folder: Path, place: str
) -> None:
    failed = frontier(folder, "--html", str(folder / place))
    assert isinstance(failed.exception, RouteSwitchError)
    assert "cannot be written" in str(failed.exception)
    assert failed.stdout == ""
    assert list(folder.glob(".*.part")) == []


@pytest.mark.parametrize("content", [b"{}", b"\xff", b"", b"[]", b"null", b'{"created": "'])
def test_a_damaged_report_is_refused(folder: Path, content: bytes) -> None:
    (folder / "report.json").write_bytes(content)
    failed = frontier(folder).exception
    assert isinstance(failed, RouteSwitchError)
    assert "report.json is not the report of a run" in str(failed)


@pytest.mark.parametrize("content", [b"{}", b"\xff"])
def test_a_damaged_candidate_is_not_taken_for_the_measured_one(
    folder: Path, content: bytes
) -> None:
    (folder / "candidate.json").write_bytes(content)
    assert "candidate.json is not version" in frontier(folder).stderr


@pytest.mark.parametrize(
    ("missing", "told"),
    [("report.json", "not the folder of a finished run"), (FILE, "nothing is paid twice")],
)
def test_a_folder_without_a_finished_run_is_refused_with_what_to_do(
    folder: Path, missing: str, told: str
) -> None:
    (folder / missing).unlink()
    failed = frontier(folder).exception
    assert isinstance(failed, RouteSwitchError)
    assert told in str(failed)


def test_a_plot_keeps_every_mark_inside() -> None:
    lines = plot([Mark("a", 0.0, 0.0), Mark("b", 1.7, 1.0), Mark("c", 0.9, 0.5)])
    assert all(len(line) <= 80 for line in lines)
    assert {"a", "b", "c"} <= set("".join(lines))


def test_a_live_prompt_that_is_found_again_keeps_its_tables_and_costs_no_look(run: Run) -> None:
    live = run[0].candidate
    again, _ = learn(Models(router=knows_subjects), ONE, incumbent=live)
    assert again.candidate == live
    assert again.gate is not None
    assert again.gate.verdict == "not better"


def test_a_reply_without_a_tier_leaves_hybrid_to_the_local_model_and_prompt_to_the_safe_tier(
    run: Run,
) -> None:
    found = run[0]
    assert found.tables is not None
    table = found.tables.heldout
    unclear = [RoutedExample(Tier.MEDIUM, 0.0, 0.0, named=False)] * len(table.rows)
    hybrid = with_local_model(found.candidate, "hybrid")
    of_hybrid, of_prompt = (
        decided_rows(table, unclear, prompt, ONE.config, ONE.lambda_)
        for prompt in (hybrid, found.candidate)
    )
    assert {*of_hybrid.kept, *of_hybrid.named} == {NONE}
    assert all(row[-1] > 0 for row in of_hybrid.expected_quality)
    assert set(of_prompt.kept) == {1}

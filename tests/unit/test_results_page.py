"""docs/results.md and its pictures: made from reports alone, and the simulated router is honest."""

import re
from html import escape
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generate.results import runs
from docs.generate.results.erring_router import ERROR_RATES, Kind, degradation, erring_router
from docs.generate.results.page import page, picked
from docs.generate.results.plots import NAMES, PICTURED, degradations, gains
from docs.generate.results.runs import SetResult
from layers.offline.learning_sets import SAMPLE, SETS, LearningSet
from route_switch.domain.routing_prompt import StrategyName
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays
from route_switch.optimizer.report.figures import Interval
from route_switch.optimizer.report.pictures.svg import text_width
from route_switch.optimizer.report.strategy_figures import (
    BypassTuningFigures,
    Strategies,
    StrategyFigures,
)
from tests.support.report import MOVED_QUERIES, finished, stopped

LAMBDA = 0.2


def arrays_with(good: list[tuple[bool, bool]]) -> OutcomeArrays:
    """Return rows whose Tier 3 is always good, and the others as given."""
    equivalent = np.array([[float(one), float(two), 1.0] for one, two in good])
    cost = np.tile([0.02, 0.2, 1.0], (len(good), 1))
    weights = np.ones(len(good))
    return OutcomeArrays(tuple(Tier), weights, equivalent, equivalent, cost, None)


ROWS = [(n % 3 == 0, n % 2 == 0) for n in range(60)]
rows = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
kinds: st.SearchStrategy[Kind] = st.sampled_from(["any", "adjacent"])


def result(learning_set: LearningSet = SETS[1]) -> SetResult:
    reports = {lambda_: finished(**{"lambda": lambda_}) for lambda_ in runs.LAMBDAS}
    return SetResult(learning_set, reports, arrays_with(ROWS))


@given(rows, st.floats(0, 1), kinds)
def test_an_erring_router_names_a_tier_for_each_row(
    good: list[tuple[bool, bool]], rate: float, kind: Kind
) -> None:
    arrays = arrays_with(good)
    choice = erring_router(arrays, LAMBDA, rate, kind).choice
    assert np.allclose(choice.sum(axis=1), 1) and (choice >= 0).all()
    best = arrays.rewards(LAMBDA).argmax(axis=1)
    assert np.allclose(choice[np.arange(len(good)), best], 1 - rate)
    if kind == "adjacent":
        assert not choice[best == 0, 2].any() and not choice[best == 2, 0].any()


@given(rows, kinds)
def test_the_objective_falls_in_a_straight_line_from_the_oracles(
    good: list[tuple[bool, bool]], kind: Kind
) -> None:
    arrays = arrays_with(good)
    found = degradation(arrays, LAMBDA, kind)
    means = [objective.mean for objective in found.objectives]
    assert means[0] == pytest.approx(arrays.rewards(LAMBDA).max(axis=1).mean())
    assert np.allclose(np.diff(means), means[1] - means[0])
    assert means[1] <= means[0]


@given(rows, kinds)
def test_where_it_crosses_the_best_constant_both_are_as_good(
    good: list[tuple[bool, bool]], kind: Kind
) -> None:
    arrays = arrays_with(good)
    found = degradation(arrays, LAMBDA, kind)
    if found.crossing is not None:
        at = erring_router(arrays, LAMBDA, found.crossing, kind).rewards(arrays, LAMBDA).mean()
        assert at == pytest.approx(found.best_constant)


def test_the_page_shows_each_set_each_lambda_and_what_is_simulated() -> None:
    text = page([result(), result(SETS[0])])
    assert text.startswith("# Measured results of learning")
    for chapter in ("All sets", "Other values of λ", "How good a router has to be"):
        assert f"\n## {chapter}\n" in text
    for name in (SETS[0].name, SETS[1].name):
        for lambda_ in runs.LAMBDAS:
            assert re.search(rf"\| {name} \| {lambda_:g} \|", text)
    assert "Compared with the article" in text
    assert "Simulated: this router knows the best tier" in text
    assert len(re.findall(r"^\| \*\*candidate\*\*", text, re.M)) == 2


def test_the_page_pairs_every_strategy_with_the_hand_written_prompt() -> None:
    gains = {
        name: Interval(mean=mean, low=mean - 0.01, high=mean + 0.01, n=314)
        for name, mean in (("prompt", 0.034), ("local", 0.045), ("hybrid", 0.046), ("linear", 0.02))
    }
    reports = {LAMBDA: finished(over_hand_written=gains)}
    text = page([SetResult(SETS[1], reports, arrays_with(ROWS))])
    chapter = text.split("## Each strategy against the hand-written prompt")[1].split("\n## ")[0]
    row = (
        f"| {SETS[1].name} | 314 | +0.034 (+0.024 to +0.044) | +0.045 (+0.035 to +0.055) "
        "| +0.046 (+0.036 to +0.056) |"
    )
    assert row in chapter
    assert re.search(r"^\| linear .*\| \+0.020 \(\+0.010 to \+0.030\) \|$", text, re.M)


def test_the_page_says_where_a_simple_learner_scores_higher() -> None:
    same = Interval(mean=0.0, low=0.0, high=0.0, n=9)
    less = Interval(mean=-0.004, low=-0.012, high=0.003, n=9)
    against = {**finished().against, "linear": same, "knn": less}
    reports = {LAMBDA: finished(against=against)}
    chapter = "## Where a simple learner is better"
    said = (
        page([SetResult(SETS[1], reports, arrays_with(ROWS))]).split(chapter)[1].split("\n## ")[0]
    )
    rows = [line for line in said.splitlines() if line.startswith(f"| {SETS[1].name}")]
    assert len(rows) == 1
    assert rows[0].startswith(f"| {SETS[1].name} | knn | not clearly different |")
    assert "−0.004 (−0.012 to +0.003)" in rows[0]
    assert "On no set does a simple learner have a higher objective" in page([result()])


def test_the_page_names_what_was_chosen_after_a_look_and_what_the_proposer_knows() -> None:
    text = page([result(SAMPLE)])
    assert "which no choice depends on" not in text
    assert "the mix of the packaged sample" in text
    assert "written with knowledge of these sets" in text
    assert "changed once after a look at held-out rows" in text.split(f"## {SAMPLE.title}")[1]


def test_the_page_quotes_no_query() -> None:
    assert not any(query in page([result()]) for query in MOVED_QUERIES if query)


def strategies(chosen: StrategyName) -> Strategies:
    estimate = StrategyFigures(
        strategy=chosen, objective=0.8, error=0.01, asked=0.2, asked_heldout=0.25, chosen=True
    )
    bypass = BypassTuningFigures(
        current=8, proposed=None, gain=0.0, error=0.0, changed=0, n=9, thresholds=()
    )
    return Strategies(
        asked_for="auto",
        chosen=chosen,
        tie=0.002,
        n=9,
        estimates=(estimate,),
        local=None,
        why_no_local=None,
        bypass=bypass,
    )


@pytest.mark.parametrize(
    ("chosen", "same", "words"),
    [
        ("local", ("tier-3",), "local, always Tier 3"),
        ("local", ("incumbent",), "local"),
        ("prompt", (), "prompt"),
        ("hybrid", (), "hybrid, 25.0% asked"),
    ],
)
def test_the_page_says_which_strategy_was_picked(
    chosen: StrategyName, same: tuple[str, ...], words: str
) -> None:
    nothing = Interval(mean=0.0, low=0.0, high=0.0, n=9)
    against = {**finished().against, **dict.fromkeys(same, nothing)}
    assert picked(finished(against=against, strategies=strategies(chosen))) == words
    assert picked(finished(against=against)) == "–"


def test_a_run_that_keeps_its_prompt_picks_the_hand_written_one() -> None:
    report = finished(strategies=strategies("prompt"))
    kept = {"candidate_prompt": report.incumbent_prompt}
    nothing = {"incumbent": Interval(mean=0.0, low=0.0, high=0.0, n=9)}
    assert picked(report.model_copy(update={**kept, "against": nothing})) == "hand-written"


def test_a_set_whose_run_found_nothing_still_has_a_row() -> None:
    empty = result()
    empty = SetResult(empty.of, dict.fromkeys(runs.LAMBDAS, stopped()), empty.heldout)
    assert f"| {empty.of.name} | – |" in page([empty])


def test_the_pictures_are_well_formed_and_name_the_sets() -> None:
    chosen = [each for each in SETS if each.name in PICTURED]
    for svg in (gains([result(each) for each in SETS]), degradations(list(map(result, chosen)))):
        ElementTree.fromstring(svg)  # noqa: S314 (made here)
    assert all(f">{each.name}<" in gains([result(each)]) for each in SETS)
    assert all(escape(each.title) in degradations([result(each)]) for each in chosen)
    assert all(text_width(each.name) <= NAMES for each in (SAMPLE, *SETS))
    assert ERROR_RATES[-1] == 0.5


def test_sets_have_names_and_parts_of_their_own() -> None:
    names = [each.name for each in (SAMPLE, *SETS)]
    assert len(set(names)) == len(names)
    assert all(len(part.models) in (2, 3) for each in SETS for part in each.parts or ())

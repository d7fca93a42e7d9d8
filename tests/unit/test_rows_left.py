"""How many rows learning still lacks."""

import pytest

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.report_facts import ReportFacts, report_facts
from route_switch.domain.learning.rows_left import rows_left
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.json_file import to_json
from tests.support.report import around, better, finished, promise, stopped, undecided

CONFIG = LearningConfig(min_examples=300, max_quality_loss=0.05)


def facts(report: Report) -> ReportFacts:
    found = report_facts(to_json(report).encode())
    assert found is not None
    return found


def test_too_few_requests_are_missing_before_anything_else() -> None:
    left = rows_left(120, CONFIG, facts(finished()))
    assert (left.replayable, left.days, left.verdict.rows) == (120, 28, 180)
    assert "300" in left.verdict.note


@pytest.mark.parametrize(
    ("report", "rows", "said"),
    [
        (None, None, "No run has measured"),
        (stopped(), None, "No run has measured"),
        (finished(), 0, "reached a verdict"),
        (finished(gate=better(gain=around(0.1, 0.05, n=30))), 20, "30 new held-out rows"),
        (undecided(), None, "not enough evidence"),
    ],
)
def test_a_verdict_needs_what_the_last_report_says(
    report: Report | None, rows: int | None, said: str
) -> None:
    found = rows_left(1000, CONFIG, None if report is None else facts(report)).verdict
    assert found.rows == rows
    assert said in found.note


def test_a_stage_that_asks_for_no_promise_needs_no_rows_for_one() -> None:
    found = rows_left(1000, LearningConfig(), facts(finished())).promise
    assert found.rows is None
    assert "asks for no promise" in found.note


@pytest.mark.parametrize(
    ("report", "rows", "said"),
    [
        (None, None, "No run has tested"),
        (finished(promise=promise()), 0, "has the promise"),
        (
            finished(promise=promise("candidate", candidate_holds=False)),
            590,
            "more new held-out rows",
        ),
        (
            finished(promise=promise("candidate", None, candidate_holds=False)),
            None,
            "No reachable number",
        ),
        (
            finished(promise=promise(waits_for=40, candidate_holds=False, policies=())),
            40,
            "too few new held-out rows",
        ),
    ],
)
def test_a_promise_needs_what_the_last_report_says(
    report: Report | None, rows: int | None, said: str
) -> None:
    found = rows_left(1000, CONFIG, None if report is None else facts(report)).promise
    assert found.rows == rows
    assert said in found.note

"""The text of notifications."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.errors import StoreError
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.learning.prompt_news import PromptNews, after_run
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.services.operations.three_sentences import WeekFigures
from route_switch.workflow.events import Collected
from route_switch.workflow.mail import Mail, subject_line
from route_switch.workflow.report import left_out

COSTS = CostTotals(0.0, answered=0, failed=0, dry_runs=0, learning_usd=0.0)
DAY = date(2026, 11, 30)


def week() -> WeekFigures:
    return WeekFigures(DAY, DAY, COSTS, None, 7, None, Scores())


def news(live: int | None) -> PromptNews:
    return after_run(RunOutcome.NOT_BETTER, live)


def test_a_mail_opens_with_three_sentences_and_ends_with_the_console() -> None:
    text = Mail(week, "https://example.test/prod/console")(
        news, "Report: s3://b/runs/1/report.html"
    )
    money, quality, prompt, details, link = text.split("\n\n")
    assert money.startswith("Today (UTC), there were no requests")
    assert quality.startswith("Quality is not measured yet")
    assert prompt.startswith("Learning found no better prompt, so prompt version 7 stays live")
    assert details == "Report: s3://b/runs/1/report.html"
    assert link == "See it in the console: https://example.test/prod/console"


def test_without_a_known_address_the_mail_ends_with_its_details() -> None:
    assert Mail(week)(news, "The details.").endswith("\n\nThe details.")


def test_figures_that_cannot_be_read_do_not_prevent_a_mail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> WeekFigures:
        raise StoreError("a secret")

    text = Mail(fail)(news, "The details.")
    assert "run 'route-switch report' to see them" in text
    assert "so the live prompt stays;" in text
    assert text.endswith("The details.")
    assert "secret" not in text + caplog.text


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_subject_is_one_that_sns_accepts(stage: str, what: str) -> None:
    subject = subject_line(stage, what)
    assert subject.isascii()
    assert subject.startswith("route-switch")
    assert len(subject) <= 100
    assert subject.isprintable()


def test_a_notification_says_which_examples_were_left_out_for_their_cost() -> None:
    collected = Collected(
        enough=True, examples=300, from_seed=0, requests=900, needed=300, costly=12
    )
    [line] = left_out(collected)
    assert line.startswith("12 examples were left out at random, because")
    assert "more than 25% of those of all others" in line
    assert "more than 5 times as much each" in line
    assert left_out(collected.model_copy(update={"costly": 0})) == []

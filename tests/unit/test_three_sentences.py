"""The three sentences of the weekly report and of notifications."""

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.learning.prompt_news import (
    PromptNews,
    after_run,
    cannot_roll_back,
    changed,
    may_be_worse,
    nothing_happened,
    rolled_back,
    waits_for_approval,
)
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.overview import Overview, Ratings
from route_switch.domain.operations.savings import SavedEstimate, ShadowSavings
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.services.operations.show_savings import QualityLost
from route_switch.services.operations.three_sentences import WeekFigures, three_sentences

NEWS = PromptNews("Nothing happened")
COSTS = CostTotals(
    spent_usd=12.3,
    answered=1200,
    failed=34,
    dry_runs=0,
    router_usd=1.0,
    learning_usd=1.0,
    baseline_usd=33.4,
    saved_usd=20.1,
    without_cost=0,
    without_baseline=0,
    without_saving=0,
    saved_usd_low=18.0,
    saved_usd_high=22.0,
    saving_basis=((SavingBasis.MEASURED, 1200),),
)
RATED = Scores(40, 33.2, 30.0)
NO_COSTS = CostTotals(0.0, answered=0, failed=0, dry_runs=0, learning_usd=0.0, saved_usd=0.0)
MEASURED = QualityLost("2026-11-22T030000Z", 0.04, 0.02, 0.06, 412)


def week(costs: CostTotals = COSTS, **changes: object) -> WeekFigures:
    base = WeekFigures(date(2026, 11, 24), date(2026, 11, 30), costs, None, 7, MEASURED, RATED)
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of the class


def money(costs: CostTotals = COSTS, shadow: ShadowSavings | None = None) -> str:
    return three_sentences(week(costs, shadow=shadow), NEWS).money


def quality(measured: QualityLost | None = MEASURED, people: Scores = RATED) -> str:
    return three_sentences(week(measured=measured, people=people), NEWS).quality


def test_the_first_sentence_says_what_was_spent_and_saved_and_how_sure_that_is() -> None:
    assert money() == (
        "In the last 7 days, 1,234 requests and learning cost $13.30, an estimated $20.10 less "
        "than with Tier 3 for everything ($18.00 to $22.00)."
    )


def test_a_loss_is_called_more() -> None:
    lost = replace(COSTS, saved_usd=-2.0, saved_usd_low=-3.0, saved_usd_high=-1.0)
    assert "an estimated $2.00 more than with Tier 3 for everything ($1.00 to $3.00)." in money(
        lost
    )


def test_a_saving_that_may_be_a_loss_says_so() -> None:
    unsure = replace(COSTS, saved_usd=2.0, saved_usd_low=-1.0, saved_usd_high=5.0)
    assert "(from $1.00 more to $5.00 less)." in money(unsure)


def test_only_an_estimate_is_called_one() -> None:
    known = replace(
        COSTS, saved_usd_low=20.1, saved_usd_high=20.1, saving_basis=((SavingBasis.TIER_3, 1200),)
    )
    assert money(known).endswith("$13.30, $20.10 less than with Tier 3 for everything.")
    same = replace(known, saved_usd=0.0, saved_usd_low=0.0, saved_usd_high=0.0)
    assert money(same).endswith("$13.30, the same as with Tier 3 for everything.")


def test_a_saving_says_how_many_answers_it_leaves_out() -> None:
    partly = replace(COSTS, without_saving=600)
    assert money(partly).endswith(
        "an estimated $20.10 less than with Tier 3 for everything ($18.00 to $22.00; 600 of 1,200 "
        "answers could not be priced)."
    )
    exact = replace(partly, saved_usd_low=20.1, saved_usd_high=20.1)
    assert money(exact).endswith("everything (600 of 1,200 answers could not be priced).")


def test_an_unknown_saving_is_not_a_number() -> None:
    unknown = replace(COSTS, without_saving=1200)
    assert money(unknown).endswith(
        "; what that saved is unknown, because 1,200 of 1,200 answers could not be priced."
    )


def test_unknown_prices_are_reported() -> None:
    assert "cost at least $13.30 (3 of 1,234 requests could not be priced), an" in money(
        replace(COSTS, without_cost=3)
    )
    unpriced = replace(COSTS, spent_usd=0.0, learning_usd=0.0, without_cost=1200)
    assert "1,234 requests cost an unknown sum, because 1,200 of 1,234 requests could" in money(
        unpriced
    )


def test_on_the_first_day_nothing_was_spent() -> None:
    said = three_sentences(
        week(NO_COSTS, measured=None, people=Scores(), live=None),
        nothing_happened(None, may_learn=True),
    )
    assert said.money == (
        "In the last 7 days, there were no requests, so nothing was spent or saved."
    )
    assert said.quality == (
        "Quality is not measured yet: no learning run has measured the live prompt, and nobody has "
        "rated its answers."
    )
    assert "'route-switch learn'" in said.prompt


def test_learning_without_requests_is_spending() -> None:
    assert money(replace(NO_COSTS, learning_usd=1.5)) == (
        "In the last 7 days, learning cost $1.50; no request was answered, so nothing was saved."
    )


def test_in_shadow_the_sentence_says_what_routing_would_have_saved() -> None:
    shadow = ShadowSavings(1200, 300, 12.0, 0.3, SavedEstimate(4.0, 3.0, 5.0), None)
    assert money(shadow=shadow).endswith(
        "$13.30; in shadow, routing would have saved an estimated $4.00 ($3.00 to $5.00)."
    )
    unknown = replace(shadow, saved_usd=None)
    assert money(shadow=unknown).endswith("would have saved in shadow is not known yet.")
    worse = replace(shadow, saved_usd=SavedEstimate(-4.0, -5.0, -3.0))
    assert "would have cost an estimated $4.00 more ($3.00 to $5.00)." in money(shadow=worse)
    assert "less than with Tier 3" in money(shadow=replace(shadow, requests=10))


def test_the_second_sentence_says_what_quality_is_and_how_it_is_known() -> None:
    assert quality() == (
        "Of the live prompt's answers, 96.0% are no worse than Tier 3's (94.0% to 98.0%), as run "
        "2026-11-22T030000Z measured on 412 held-out queries, and people rated its answers 0.83 of "
        "1 on average (n = 40)."
    )
    assert "nobody has rated its answers." in quality(people=Scores())
    ratings = Overview((), None, None, Ratings(0.9, 45))
    assert "rated its answers yet; those of other versions have 45 ratings" in (
        three_sentences(week(replace(COSTS, overview=ratings), people=Scores()), NEWS).quality
    )
    assert "no learning run has measured the live prompt, and people rated" in quality(
        measured=None
    )


@pytest.mark.parametrize("outcome", RunOutcome)
@pytest.mark.parametrize("live", [None, 8])
def test_the_third_sentence_covers_each_end_of_a_run(outcome: RunOutcome, live: int | None) -> None:
    said = after_run(outcome, live).sentence
    assert_one_sentence(said)
    assert "None" not in said
    if live is not None:
        assert "version 8" in said


@pytest.mark.parametrize("shadow", [None, "stays", "unproven", "ended"])
def test_after_a_promotion_in_shadow_the_sentence_says_who_answers(shadow: str | None) -> None:
    said = after_run(RunOutcome.PROMOTED, 8, shadow).sentence  # type: ignore[arg-type]  # literals
    assert_one_sentence(said)
    assert ("shadow" in said) is (shadow is not None)


@pytest.mark.parametrize(
    "news",
    [
        waits_for_approval("2026-11-22T030000Z", "prod"),
        waits_for_approval("2026-11-22T030000Z", None),
        rolled_back(8, 7, 9),
        may_be_worse(8, 7),
        cannot_roll_back(8, 7),
        changed(8, "edit of 7"),
        nothing_happened(8, may_learn=True),
        nothing_happened(None, may_learn=False),
    ],
)
def test_every_news_is_one_sentence(news: PromptNews) -> None:
    assert_one_sentence(news.sentence)


amounts = st.floats(0, 1e6, allow_nan=False)
counts = st.integers(0, 10**6)


@given(amounts, amounts, amounts, amounts, counts, counts, counts, st.booleans())
def test_there_are_always_three_sentences(
    spent: float,
    learning: float,
    saved: float,
    width: float,
    answered: int,
    failed: int,
    without: int,
    is_lost: bool,
) -> None:
    saved = -saved if is_lost else saved
    costs = CostTotals(
        spent,
        answered=answered,
        failed=failed,
        dry_runs=0,
        learning_usd=learning,
        saved_usd=saved,
        without_cost=min(without, answered),
        without_saving=min(without, answered),
        saved_usd_low=saved - width,
        saved_usd_high=saved + width,
        saving_basis=((SavingBasis.PRIOR, answered),) if answered else (),
    )
    for sentence in three_sentences(week(costs), NEWS):
        assert_one_sentence(sentence)
        assert "None" not in sentence


def assert_one_sentence(text: str) -> None:
    """A period ends it, and no other one is followed by a new sentence."""
    assert text.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", text)
    assert text[0].isupper()

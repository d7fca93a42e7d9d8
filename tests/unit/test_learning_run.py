"""Runs of the workflow: their names, the monthly cap, and their notifications."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    InvalidModelRequestError,
    ModelError,
    ProviderDownError,
    ProviderUnusableError,
)
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome, StartRun
from route_switch.services.learning.spending_caps import (
    MIN_SHARE_USD,
    PreviousMonth,
    learning_cap,
    previous_month,
)
from route_switch.workflow.claim import days_of_previous_month
from route_switch.workflow.events import (
    Approval,
    CaughtError,
    Collected,
    Evaluated,
    Promoted,
    ReportEvent,
    RunState,
)
from route_switch.workflow.failures import named_failures
from route_switch.workflow.report import figures, outcome_of, sentence

RUN = LearningRun(id="2026-11-22T030000Z", month="2026-11", trigger="schedule", cap_usd=1.0)
ENOUGH = Collected(enough=True, examples=400, from_seed=0, requests=900, needed=300)


def test_a_run_is_named_for_its_scheduled_time_in_utc() -> None:
    start = StartRun.model_validate({"scheduled_time": "2026-11-22T03:00:00Z", "more": 1})
    assert start.run_id == "2026-11-22T030000Z"
    there = timezone(timedelta(hours=2))
    assert StartRun(scheduled_time=datetime(2026, 11, 22, 5, tzinfo=there)).run_id == start.run_id


def test_a_drift_run_and_a_scheduled_run_of_the_same_time_have_different_names() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    run_id = StartRun(scheduled_time=midnight, trigger="drift").run_id
    assert run_id == "2026-11-22T000000Z-drift"
    assert LearningRun(id=run_id, month="", trigger="drift", cap_usd=0).day == date(2026, 11, 22)


def test_a_scheduled_time_without_a_zone_is_rejected() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        StartRun.model_validate({"scheduled_time": "2026-11-22T03:00:00"})


@pytest.mark.parametrize(
    ("before", "cap"),
    [
        (PreviousMonth(0, None, 0.0), 25.0),
        (PreviousMonth(10, None, 0.0), 25.0),
        (PreviousMonth(10, 1000.0, 0.0), 25.0),
        (PreviousMonth(10, 102.0, 2.0), 10.0),
        (PreviousMonth(10, 1.0, 2.0), MIN_SHARE_USD),
    ],
    ids=["no traffic", "saving unknown", "much saved", "net of learning", "nothing saved"],
)
def test_the_cap_is_the_smaller_of_the_fixed_sum_and_the_share_of_the_saving(
    before: PreviousMonth, cap: float
) -> None:
    assert learning_cap(LearningConfig(), before) == pytest.approx(cap)


def test_the_previous_month_is_read_from_the_daily_counters() -> None:
    counters = {"answered": 12.0, "saved_usd": 3.5, "tier:1": 9.0}
    assert previous_month(counters, 0.5) == PreviousMonth(12, 3.5, 0.5)
    assert learning_cap(LearningConfig(monthly_usd=0.5), PreviousMonth(9, 0.0, 0.0)) == 0.5
    assert previous_month({"answered": 2.0, "saved_usd:unknown": 2.0}, 0.0).saved_usd is None


def test_a_saving_estimated_from_few_answers_does_not_lower_the_cap() -> None:
    """Without output ratios, only Tier 3's answers have an estimate: they save nothing and pay the
    router. The run that measures the ratios must not run out of money."""
    of_tier_3 = {"answered": 1000.0, "saved_usd": -0.02, "saved_usd:unknown": 750.0}
    assert previous_month(of_tier_3, 0.0).saved_usd is None
    assert learning_cap(LearningConfig(), previous_month(of_tier_3, 0.0)) == 25.0
    nearly_all = {"answered": 1000.0, "saved_usd": 100.0, "saved_usd:unknown": 50.0}
    assert learning_cap(LearningConfig(), previous_month(nearly_all, 0.0)) == pytest.approx(10.0)


def test_a_saving_that_rests_on_an_assumption_does_not_lower_the_cap() -> None:
    """The run that measures the output ratios must not be starved by a guess of them."""
    assumed = {"answered": 1000.0, "saved_usd": 20.0, "saving:prior": 500.0}
    assert previous_month(assumed, 0.0).saved_usd is None
    measured = {"answered": 1000.0, "saved_usd": 20.0, "saving:measured": 950.0, "saving:prior": 50}
    assert previous_month(measured, 0.0).saved_usd == 20.0


@given(st.dates(min_value=date(2020, 1, 1)))
def test_the_days_of_the_previous_month_are_exactly_one_month(day: date) -> None:
    first = day.replace(day=1)
    days = days_of_previous_month(first)
    assert days[0].day == 1
    assert days[-1] + timedelta(days=1) == first
    assert len(days) == days[-1].day


BETTER = Evaluated(
    done=True,
    slice=0,
    verdict="better",
    gain=0.03,
    gain_low=0.01,
    gain_high=0.05,
    heldout_rows=200,
    smallest_visible=0.02,
    spent_usd=1.5,
)


def state(verdict: str = "better", **parts: object) -> RunState:
    evaluated = BETTER.model_copy(update={"verdict": verdict})
    values: dict[str, object] = {"run": RUN, "collected": ENOUGH, "evaluated": evaluated, **parts}
    return RunState.model_validate(values)


@pytest.mark.parametrize(
    ("known", "outcome", "said"),
    [
        (state(promoted=Promoted(promoted=True, version=7)), "promoted", "live as version 7"),
        (
            state(promoted=Promoted(promoted=True, version=7, shadow="stays")),
            "promoted",
            "To go live, run 'route-switch switch routing on'.",
        ),
        (
            state(promoted=Promoted(promoted=True, version=7, shadow="unproven")),
            "promoted",
            "does not clearly beat the tier that answers",
        ),
        (
            state(promoted=Promoted(promoted=True, version=7, shadow="ended")),
            "promoted",
            "live as version 7, and routing is on",
        ),
        (state(promoted=Promoted(promoted=False, why="W.")), "prompt changed", "promoted: W."),
        (state(promoted=Promoted(promoted=False, off=True)), "learning off", "was turned off"),
        (
            state(evaluated=Evaluated(done=True, slice=0, off=True, spent_usd=0.5)),
            "learning off",
            "was turned off",
        ),
        (state("not better"), "not better", "No better routing prompt was found"),
        (state("not enough evidence"), "not enough evidence", "not enough evidence"),
        (state("cannot be promised"), "cannot be promised", "learning.max_quality_loss requires"),
        (state(approval=Approval(approved=False)), "not approved", "so it was rejected"),
        (
            state(approval=Approval(approved=False, by="arn:bob")),
            "not approved",
            "rejected by arn:bob",
        ),
        (
            state("not measured", evaluated=Evaluated(done=True, slice=0, stopped_by="Cap.")),
            "cap reached",
            "Cap.",
        ),
        (
            RunState(run=RUN, collected=ENOUGH.model_copy(update={"enough": False, "examples": 9})),
            "too few examples",
            "There are 9 examples, but 300 are needed",
        ),
        (
            state(error=CaughtError(Error="ProviderDown", Cause='{"errorMessage": "It is down."}')),
            "failed",
            "ProviderDown. It is down.",
        ),
        (state(error=CaughtError(Error="States.Timeout")), "failed", "the functions' logs"),
    ],
)
def test_every_end_of_a_run_has_an_outcome_and_a_sentence(
    known: RunState, outcome: str, said: str
) -> None:
    found = outcome_of(known)
    assert found.value == outcome
    text = sentence(found, known)
    assert said in text
    assert ("is unchanged" in text) == (found is not RunOutcome.PROMOTED)


def test_a_failure_after_the_promotion_does_not_claim_that_nothing_changed() -> None:
    known = state(
        promoted=Promoted(promoted=True, version=7), error=CaughtError(Error="StoreError")
    )
    text = sentence(outcome_of(known), known)
    assert "Version 7 of the prompt was already live by then" in text
    assert "unchanged" not in text


def test_the_figures_include_the_interval_the_rows_and_the_cost() -> None:
    assert figures(BETTER) == [
        "Gain in quality − λ · cost on 200 new held-out queries: +0.0300 (+0.0100 to +0.0500). "
        "A gain of 0.0200 would be detected with 80% probability.",
        "This run spent 1.5000 USD.",
    ]


def test_the_figures_include_what_can_be_promised_about_the_candidate() -> None:
    known = BETTER.model_copy(update={"promise": "at most 5% worse cannot be promised"})
    assert "Promise for the candidate: at most 5% worse cannot be promised." in figures(known)


SECRET = "what the user asked"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (InvalidModelRequestError(SECRET, status=400), "ProviderUnusable"),
        (ModelError(SECRET, quotes_provider=True), "ProviderUnusable"),
        (ProviderDownError("m"), "ProviderDown"),
        (ProviderUnusableError("m"), "ProviderUnusable"),
        (BudgetReachedError("m"), "ProviderUnusable"),
        (ConfigurationError("m"), "ConfigurationError"),
        (ClientError({"Error": {"Code": "C", "Message": SECRET}}, "PutItem"), "StoreError"),
        (EndpointConnectionError(endpoint_url="x"), "StoreError"),
        (ValueError(SECRET), "UnexpectedError"),
    ],
)
def test_steps_fail_with_names_that_retries_match_and_without_users_texts(
    error: BaseException, name: str
) -> None:
    with pytest.raises(Exception) as raised, named_failures():
        raise error
    assert type(raised.value).__name__ == name
    assert SECRET not in json.dumps(str(raised.value))


@pytest.mark.parametrize(
    "known",
    [
        {"scheduled_time": "2026-11-22T03:00:00Z", "trigger": "schedule"},
        {"claimed": True, "run": RUN.model_dump(), "shards": [0], "why": None},
        {"run": RUN.model_dump(), "collected": ENOUGH.model_dump()},
        {"run": RUN.model_dump(), "optimized": {"slice": 0, "done": False}},
        {"run": RUN.model_dump(), "evaluated": {"slice": 0, "done": False}},
        {"run": RUN.model_dump(), "evaluated": BETTER.model_dump(), "approval": {"approved": True}},
    ],
    ids=["Claim", "Collect", "BuildOutcomes", "Optimize", "Evaluate", "Promote"],
)
def test_a_failure_in_any_state_can_be_reported(known: dict[str, object]) -> None:
    event = ReportEvent.model_validate(
        {
            "step": "fail",
            "execution": "e",
            "state": {**known, "error": {"Error": "StoreError", "Cause": "{}"}},
        }
    )
    assert outcome_of(event.state) is RunOutcome.FAILED
    assert "StoreError" in sentence(RunOutcome.FAILED, event.state)


@pytest.mark.parametrize("strategy", ["local", "hybrid", "auto"])
def test_a_stage_may_learn_a_local_model_from_its_seed_file_alone(strategy: str) -> None:
    """With `off`, text of traffic is withheld, and that of the owner's file is not."""
    assert LearningConfig.model_validate({"strategy": strategy, "learn_from_text": "off"})

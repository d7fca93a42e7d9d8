"""The daily drift check: what it reads, and when it starts a run."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.drift import Prediction, RoutedDay, as_provenance
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from route_switch.domain.switches import Switches
from route_switch.services.learning.check_drift import CheckDrift, DriftCheck, DriftOutcome
from tests.support.local_models import numbers, with_local_model

OnOff = Literal["on", "off"]
TODAY = date(2026, 11, 22)
AS_PREDICTED = RoutedDay((300, 180, 120), (60, 240, 180, 90, 30))
SHIFTED = RoutedDay((180, 180, 240), (60, 240, 180, 90, 30))
PREDICTION = Prediction(1000, (0.5, 0.3, 0.2), (0.1, 0.4, 0.3, 0.15, 0.05))


def learned(instruction: str = "") -> RoutingPrompt:
    plain = packaged_prompt()
    prompt = plain.model_copy(update={"instruction": plain.instruction + instruction})
    return prompt.model_copy(update={"provenance": as_provenance(PREDICTION, prompt)})


@dataclass
class Prompts:
    document: str | None
    version: int = 7

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        return None if self.document is None else StoredPrompt(self.document, self.version)

    def read_seed(self) -> StoredPrompt | None:
        raise AssertionError("only the live prompt is looked at")

    def put_live(self, document: str) -> int:
        raise AssertionError("nothing is written")


@dataclass
class Days:
    """Requests that `version` routed, by day. Other versions routed none."""

    counted: dict[date, RoutedDay]
    version: str = "live@7"

    def routed(self, day: date, prompt_version: str) -> RoutedDay:
        nothing = RoutedDay((0, 0, 0), (0, 0, 0, 0, 0))
        return self.counted.get(day, nothing) if prompt_version == self.version else nothing


@dataclass
class Runs:
    started: dict[str, StartRun] = field(default_factory=dict)

    failed: set[str] = field(default_factory=set)

    def start(self, name: str, run: StartRun) -> bool:
        return self.started.setdefault(name, run) is run

    def ran_for(self, reason: str) -> bool:
        reasons = {run.reason for run in self.started.values()}
        return reason in reasons - self.failed


def yesterday(day: RoutedDay, today: date = TODAY) -> Days:
    return Days({today - timedelta(days=1): day})


@dataclass
class FakeSwitches:
    learning: OnOff

    def read(self) -> Switches:
        return Switches(learning=self.learning)


def check(
    days: Days,
    runs: Runs | None = None,
    prompts: Prompts | None = None,
    today: date = TODAY,
    learning: OnOff = "on",
) -> DriftCheck:
    prompts = prompts or Prompts(to_markdown(learned()))
    runs = runs or Runs()
    return CheckDrift(prompts, days, runs, runs, FakeSwitches(learning))(today)


def test_a_shift_starts_a_run_named_for_the_day() -> None:
    runs = Runs()
    checked = check(yesterday(SHIFTED), runs)
    assert checked.outcome is DriftOutcome.RUN_STARTED
    assert checked.prompt_version == "live@7"
    assert checked.drift is not None
    assert round(checked.drift.tiers.distance, 6) == 0.2
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    reason = f"drift-live-7-{learned().version}"
    run = StartRun(scheduled_time=midnight, trigger="drift", reason=reason)
    assert runs.started == {f"2026-11-22-{reason}": run}


@pytest.mark.parametrize("strategy", ["local", "hybrid"])
def test_a_prediction_for_a_local_model_is_compared_like_any_other(strategy: StrategyName) -> None:
    prompt = with_local_model(packaged_prompt(), strategy)
    kept = prompt.model_copy(update={"provenance": as_provenance(PREDICTION, prompt)})
    live, runs = Prompts(to_markdown(kept)), Runs()
    assert check(yesterday(AS_PREDICTED), runs, live).outcome is DriftOutcome.NO_DRIFT
    assert check(yesterday(SHIFTED), runs, live).outcome is DriftOutcome.RUN_STARTED
    other = with_local_model(kept, strategy, numbers(0.3))
    edited = Prompts(to_markdown(other))
    assert check(yesterday(SHIFTED), prompts=edited).outcome is DriftOutcome.NO_PREDICTION


def test_traffic_as_predicted_starts_no_run() -> None:
    runs = Runs()
    assert check(yesterday(AS_PREDICTED), runs).outcome is DriftOutcome.NO_DRIFT
    assert runs.started == {}


def test_while_learning_is_off_a_shift_is_reported_but_starts_no_run() -> None:
    runs = Runs()
    checked = check(yesterday(SHIFTED), runs, learning="off")
    assert checked.outcome is DriftOutcome.LEARNING_OFF
    assert checked.drift is not None
    assert runs.started == {}
    assert check(yesterday(SHIFTED), runs).outcome is DriftOutcome.RUN_STARTED, (
        "the run starts once learning is on again"
    )


def test_repeated_checks_of_a_lasting_shift_start_one_run() -> None:
    runs, tomorrow = Runs(), TODAY + timedelta(days=1)
    check(yesterday(SHIFTED), runs)
    assert check(yesterday(SHIFTED), runs).outcome is DriftOutcome.STARTED_BEFORE
    later = check(yesterday(SHIFTED, tomorrow), runs, today=tomorrow)
    assert later.outcome is DriftOutcome.STARTED_BEFORE
    assert len(runs.started) == 1


def test_a_failed_run_is_started_again_the_next_day() -> None:
    runs, tomorrow = Runs(), TODAY + timedelta(days=1)
    check(yesterday(SHIFTED), runs)
    runs.failed.add(f"drift-live-7-{learned().version}")
    assert check(yesterday(SHIFTED), runs).outcome is DriftOutcome.STARTED_BEFORE, (
        "not on the same day"
    )
    later = check(yesterday(SHIFTED, tomorrow), runs, today=tomorrow)
    assert later.outcome is DriftOutcome.RUN_STARTED


def test_each_version_may_start_its_own_run() -> None:
    runs = Runs()
    check(yesterday(SHIFTED), runs)
    days = Days(yesterday(SHIFTED).counted, "live@8")
    after = check(days, runs, Prompts(to_markdown(learned("\n- a haiku")), 8))
    assert after.outcome is DriftOutcome.RUN_STARTED
    assert len(runs.started) == 2


def test_requests_routed_by_another_version_are_not_drift() -> None:
    """A promotion in the middle of a day therefore causes none."""
    days = Days(yesterday(SHIFTED).counted, "live@6")
    assert check(days).outcome is DriftOutcome.TOO_FEW


def test_today_does_not_count_because_it_is_not_over() -> None:
    assert check(Days({TODAY: SHIFTED})).outcome is DriftOutcome.TOO_FEW


def test_a_prompt_without_its_own_prediction_is_skipped() -> None:
    prompt = learned()
    by_hand = prompt.model_copy(update={"instruction": prompt.instruction + "\n- a haiku"})
    for document in (to_markdown(packaged_prompt()), to_markdown(by_hand), "no prompt", None):
        runs = Runs()
        checked = check(yesterday(SHIFTED), runs, Prompts(document))
        assert checked.outcome is DriftOutcome.NO_PREDICTION
        assert runs.started == {}

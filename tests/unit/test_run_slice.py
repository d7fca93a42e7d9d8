"""The evaluation step hands the verdict to the state machine."""

from dataclasses import dataclass
from typing import cast

import pytest

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun
from route_switch.domain.switches import Switches
from route_switch.optimizer.learning_job import LearningJob, RunDependencies
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report.figures import Report
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.workflow.events import Evaluated, WorkEvent
from route_switch.workflow.run_slice import RunSlice
from tests.support.learning import PLAN
from tests.support.report import finished, promise

RUN = LearningRun(id="2026-11-22T030000Z", month="2026-11", trigger="schedule", cap_usd=1.0)


class On:
    def read(self) -> Switches:
        return Switches()


@dataclass(frozen=True)
class Reported:
    """The parts of a slice whose job is done and returns its report."""

    report: Report
    plan: Plan = PLAN

    def examples(self, run: LearningRun) -> tuple[Example, ...]:
        return ()

    def job(self, run: LearningRun) -> tuple[LearningJob, RunDependencies]:
        return cast("LearningJob", lambda _: self.report), cast("RunDependencies", None)

    def calls(self, run: LearningRun, shard: int | None = None) -> MeteredCalls:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("report", "verdict", "said"),
    [
        (finished(), "better", None),
        (finished(promise=promise()), "better", "at most 5% of answers are worse"),
        (
            finished(promise=promise(candidate_holds=False, candidate="cannot be promised: why")),
            "cannot be promised",
            "cannot be promised: why",
        ),
    ],
    ids=["no promise asked for", "promised", "not promised"],
)
def test_only_a_better_candidate_with_the_promise_that_was_asked_for_is_better(
    report: Report, verdict: str, said: str | None
) -> None:
    step = RunSlice(LearningConfig(), On(), Reported(report), lambda _: None)
    done = step(WorkEvent(step="evaluate", run=RUN))
    assert isinstance(done, Evaluated)
    assert done.verdict == verdict
    assert (done.promise or "").startswith(said or "")
    assert (done.promise is None) == (said is None)

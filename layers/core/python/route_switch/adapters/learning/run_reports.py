"""What learning runs have measured, from their reports in the learning bucket."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.domain.learning.stored_run import StoredRun
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.operations.show_savings import QualityLost

RUNS_READ = 12
"""A quarter of a year of weekly runs. A report is some hundred kilobytes."""


class _Part(BaseModel):
    """A part of `report.json`, whose other fields do not matter here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Interval(_Part):
    mean: float
    low: float
    high: float
    n: int


class _Policy(_Part):
    policy: str
    quality: _Interval


class _Report(_Part):
    policies: tuple[_Policy, ...]
    incumbent_prompt: str
    candidate_prompt: str


@dataclass(frozen=True, slots=True)
class RunReports:
    """`MeasuredPrompts`. `newest` returns the newest runs first."""

    bucket: LearningBucket
    newest: Callable[[int], Sequence[StoredRun]]

    def quality_lost(self, prompt: RoutingPrompt) -> QualityLost | None:
        for run in self.newest(RUNS_READ):
            content = self.bucket.artifacts(run.id).read("report.json")
            measured = None if content is None else _measured(content, prompt)
            if measured is not None:
                q = measured.quality
                return QualityLost(run.id, 1 - q.mean, 1 - q.high, 1 - q.low, q.n)
        return None


def _measured(content: bytes, prompt: RoutingPrompt) -> _Policy | None:
    """Return the figures of this prompt; None if the run measured other prompts."""
    try:
        report = _Report.model_validate_json(content)
    except ValidationError:  # an earlier release wrote it, or a text was deleted from it
        return None
    for name, document in (
        ("candidate", report.candidate_prompt),
        ("incumbent", report.incumbent_prompt),
    ):
        found = readable_prompt(document)
        if found is not None and found.version == prompt.version:
            return next((each for each in report.policies if each.policy == name), None)
    return None

"""The last step: what came of a run, said once, to a person."""

import json
import logging
from dataclasses import dataclass

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.learning_ports import DeletionNotes, LearnedTexts
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.workflow.events import Evaluated, Notice, ReportEvent, RunState

logger = logging.getLogger(__name__)

SUBJECT_CHARACTERS = 100
"""Of an SNS subject."""


@dataclass(frozen=True, slots=True)
class ReportRun:
    """Records the end, lets the next run go, and writes what is published."""

    runs: DynamoDbRuns
    bucket: LearningBucket
    bucket_name: str
    stage: str
    deletion_notes: DeletionNotes
    texts: LearnedTexts

    def __call__(self, event: ReportEvent) -> Notice:
        state = event.state
        outcome = outcome_of(state)
        run = state.run
        name = "a run that did not begin" if run is None else f"run {run.id}"
        text = "\n".join([*self._lines(outcome, state), *self._forget(state)])
        notice = Notice(
            outcome=outcome.value,
            subject=f"route-switch {self.stage}: {outcome.value} ({name})"[:SUBJECT_CHARACTERS],
            message=text,
        )
        if run is not None:
            version = state.promoted.version if state.promoted else None
            self.runs.finish(run.id, event.execution, outcome, text, version)
            self._keep_summary(run.id, notice, state)
        return notice

    def _keep_summary(self, run_id: str, notice: Notice, state: RunState) -> None:
        """For who reads the folder. It must not keep anybody from hearing how the run ended."""
        summary = notice.model_dump() | {"state": state.model_dump(mode="json")}
        try:
            self.bucket.artifacts(run_id).write(
                "summary.json", json.dumps(summary, indent=2).encode()
            )
        except StoreError as error:
            logger.warning("The run's summary was not kept: %s", error)

    def _forget(self, state: RunState) -> list[str]:
        """Removes what the run, or an earlier one that was stopped, holds of requests that have
        been deleted since. It must not keep anybody from hearing how the run ended either."""
        if state.run is None:
            return []
        try:
            removed = self.texts.forget(self.deletion_notes.all()).places
        except StoreError as error:
            logger.error("Texts of deleted requests were not removed: %s", error)
            return ["Texts of deleted requests could not be removed; the next run tries again."]
        version = state.promoted.version if state.promoted else None
        if f"prompts/{version}.json" in removed:
            return [f"Version {version} shows a query that was deleted meanwhile: edit the prompt."]
        if f"runs/{state.run.id}/report." in removed:
            return ["ReportRun and candidate showed a query that was deleted, and are removed."]
        return []

    def _lines(self, outcome: RunOutcome, state: RunState) -> list[str]:
        lines = [sentence(outcome, state)]
        evaluated = state.evaluated
        if evaluated is not None:
            lines += figures(evaluated)
        if state.run is not None and evaluated is not None and not evaluated.off:
            where = f"s3://{self.bucket_name}/runs/{state.run.id}/"
            lines += [f"ReportRun: {where}report.html", f"Candidate: {where}candidate.md"]
        return lines


def outcome_of(state: RunState) -> RunOutcome:
    """The first of these that happened."""
    if state.error is not None:
        return RunOutcome.FAILED
    if state.collected is not None and not state.collected.enough:
        return RunOutcome.TOO_FEW_EXAMPLES
    if is_off(state):
        return RunOutcome.LEARNING_OFF
    if state.promoted is not None:
        return RunOutcome.PROMOTED if state.promoted.promoted else RunOutcome.PROMPT_CHANGED
    if state.approval is not None and not state.approval.approved:
        return RunOutcome.NOT_APPROVED
    verdict = state.evaluated.verdict if state.evaluated else "not measured"
    known = {RunOutcome.NOT_BETTER, RunOutcome.NOT_ENOUGH_EVIDENCE}
    return next((o for o in known if o.value == verdict), RunOutcome.CAP_REACHED)


def is_off(state: RunState) -> bool:
    """Whether learning was turned off after the run had begun."""
    return any(part is not None and part.off for part in (state.evaluated, state.promoted))


def sentence(outcome: RunOutcome, state: RunState) -> str:
    """What happened, and what is live now."""
    collected, promoted = state.collected, state.promoted
    kept = "The live prompt stays as it is."
    match outcome:
        case RunOutcome.PROMOTED:
            version = promoted.version if promoted else None
            return (
                f"A better routing prompt is live as version {version}. Undo it with "
                "'route-switch prompt rollback'."
            )
        case RunOutcome.NOT_BETTER:
            return f"No better routing prompt was found. {kept}"
        case RunOutcome.NOT_ENOUGH_EVIDENCE:
            return f"The candidate may be better, but the evidence is not enough. {kept}"
        case RunOutcome.TOO_FEW_EXAMPLES:
            have, needed = (collected.examples, collected.needed) if collected else (0, 0)
            note = f" {collected.note}" if collected and collected.note else ""
            return (
                f"There are {have} examples and {needed} are needed, so nothing was learned. "
                f"{kept}{note} Traffic adds examples; so does a file seed/examples.jsonl.gz in the "
                "learning bucket."
            )
        case RunOutcome.NOT_APPROVED:
            by = state.approval.by if state.approval else "silence"
            if by == "silence":
                return f"Nobody approved the candidate in time, which means no. {kept}"
            return f"The candidate was rejected by {by}. {kept}"
        case RunOutcome.PROMPT_CHANGED:
            return f"The candidate is better, but was not made live: {_why(state)} {kept}"
        case RunOutcome.LEARNING_OFF:
            return (
                f"Learning was turned off while the run was under way, so it ended here. {kept} "
                "'route-switch switch learning on' lets the next run go, which finds the "
                "answers that this one paid for."
            )
        case RunOutcome.CAP_REACHED:
            why = state.evaluated.stopped_by if state.evaluated else None
            return (
                f"The money for learning ended before a candidate could be measured. {kept} "
                f"{why or ''} A month's runs may spend the smaller of learning.monthly_usd and "
                "learning.share_of_saving of what routing saved in the month before."
            )
        case _:
            return _failure(state, kept)


def figures(evaluated: Evaluated) -> list[str]:
    lines = []
    if evaluated.gain is not None and evaluated.heldout_rows > 0:
        lines.append(
            f"Gain in quality − λ · cost on {evaluated.heldout_rows} new held-out queries: "
            f"{evaluated.gain:+.4f} ({evaluated.gain_low:+.4f} to {evaluated.gain_high:+.4f}); "
            f"{evaluated.smallest_visible:.4f} would have been seen with 80% probability."
        )
    lines.append(f"This run spent {evaluated.spent_usd:.4f} USD.")
    return lines


def _why(state: RunState) -> str:
    return (state.promoted.why if state.promoted else None) or ""


def _failure(state: RunState, kept: str) -> str:
    """Our own errors say what to do; the text of others is in no notification."""
    error = state.error
    assert error is not None  # noqa: S101 (the outcome says so; tells the type checker)
    if error.Error == "PromptReplacedError":
        kept = ""
    if state.promoted is not None and state.promoted.promoted:
        kept = f"Version {state.promoted.version} of the prompt had been made live before."
    try:
        said = json.loads(error.Cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = "The execution's history and the functions' logs have the reason."
    return f"The run failed: {error.Error}. {said} {kept}"

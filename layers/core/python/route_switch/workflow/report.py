"""The last step: record how the run ended, and write the notification."""

import json
import logging
from dataclasses import dataclass

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.clients import MAX_LABEL_SHARE
from route_switch.domain.learning.learning_ports import DeletionNotes, LearnedTexts
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.learning.prompt_news import PromptNews, after_run
from route_switch.domain.output_ratio import OutputRatioStore
from route_switch.services.learning.cost_share import MAX_COST_RATIO, MAX_COST_SHARE
from route_switch.workflow.events import (
    Collected,
    Evaluated,
    Notice,
    Promoted,
    ReportEvent,
    RunState,
)
from route_switch.workflow.mail import Mail, subject_line

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """Record the end of the run, release the lock, and return the notification."""

    runs: DynamoDbRuns
    bucket: LearningBucket
    bucket_name: str
    stage: str
    deletion_notes: DeletionNotes
    texts: LearnedTexts
    ratios: OutputRatioStore
    mail: Mail

    def __call__(self, event: ReportEvent) -> Notice:
        state = event.state
        outcome = outcome_of(state)
        run = state.run
        name = "a run that did not begin" if run is None else f"run {run.id}"
        text = "\n".join([*self._lines(outcome, state), *self._forget(state)])
        notice = Notice(
            outcome=outcome.value,
            subject=subject_line(self.stage, f"{outcome.value} ({name})"),
            message=self.mail(lambda live: _news(outcome, state, live), text),
        )
        if run is not None:
            version = state.promoted.version if state.promoted else None
            self.runs.finish(run.id, event.execution, outcome, text, version)
            self._keep_summary(run.id, notice, state)
        self._keep_ratios(state)
        return notice

    def _keep_summary(self, run_id: str, notice: Notice, state: RunState) -> None:
        """Write a summary to the run's folder. A failure must not prevent the notification."""
        summary = notice.model_dump() | {"state": state.model_dump(mode="json")}
        try:
            self.bucket.artifacts(run_id).write(
                "summary.json", json.dumps(summary, indent=2).encode()
            )
        except StoreError as error:
            logger.warning("The run's summary could not be written: %s", error)

    def _keep_ratios(self, state: RunState) -> None:
        """Let the router use what was measured, whether or not the candidate was promoted."""
        measured = state.evaluated.output_ratios if state.evaluated else ()
        try:
            self.ratios.keep(measured)
        except StoreError as error:
            logger.warning("Savings are still estimated with the ratios of an older run: %s", error)

    def _forget(self, state: RunState) -> list[str]:
        """Remove texts of requests deleted since, from this run and from earlier aborted ones.

        A failure must not prevent the notification either.
        """
        if state.run is None:
            return []
        try:
            removed = self.texts.forget(self.deletion_notes.all()).places
        except StoreError as error:
            logger.error("Texts of deleted requests could not be removed: %s", error)
            return ["Texts of deleted requests could not be removed; the next run tries again."]
        version = state.promoted.version if state.promoted else None
        if f"prompts/{version}.json" in removed:
            return [f"Version {version} shows a query that was deleted meanwhile. Edit the prompt."]
        if f"runs/{state.run.id}/report." in removed:
            return ["The report and the candidate showed a deleted query and were removed."]
        return []

    def _lines(self, outcome: RunOutcome, state: RunState) -> list[str]:
        lines = [sentence(outcome, state), *left_out(state.collected)]
        evaluated = state.evaluated
        if evaluated is not None:
            lines += figures(evaluated)
        if state.run is not None and evaluated is not None and not evaluated.off:
            where = f"s3://{self.bucket_name}/runs/{state.run.id}/"
            lines += [f"Report: {where}report.html", f"Candidate: {where}candidate.md"]
        return lines


def _news(outcome: RunOutcome, state: RunState, live: int | None) -> PromptNews:
    promoted = state.promoted
    if promoted is None or not promoted.promoted:
        return after_run(outcome, live)
    return after_run(outcome, promoted.version, promoted.shadow)


def outcome_of(state: RunState) -> RunOutcome:
    """Return the first of these outcomes that applies."""
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
    known = {RunOutcome.NOT_BETTER, RunOutcome.NOT_ENOUGH_EVIDENCE, RunOutcome.NOT_PROMISED}
    return next((o for o in known if o.value == verdict), RunOutcome.CAP_REACHED)


def is_off(state: RunState) -> bool:
    """Return whether learning was turned off during the run."""
    return any(part is not None and part.off for part in (state.evaluated, state.promoted))


def sentence(outcome: RunOutcome, state: RunState) -> str:
    """Say what happened and what is live now."""
    collected, promoted = state.collected, state.promoted
    kept = "The live prompt is unchanged."
    match outcome:
        case RunOutcome.PROMOTED:
            return promotion(promoted) if promoted else ""
        case RunOutcome.NOT_BETTER:
            return f"No better routing prompt was found. {kept}"
        case RunOutcome.NOT_ENOUGH_EVIDENCE:
            return f"The candidate may be better, but there is not enough evidence. {kept}"
        case RunOutcome.NOT_PROMISED:
            return (
                "A better routing prompt was found, but learning.max_quality_loss requires a "
                f"promise about its quality that the evidence does not support. {kept}"
            )
        case RunOutcome.TOO_FEW_EXAMPLES:
            have, needed = (collected.examples, collected.needed) if collected else (0, 0)
            note = f" {collected.note}" if collected and collected.note else ""
            return (
                f"There are {have} examples, but {needed} are needed, so nothing was learned. "
                f"{kept}{note} Traffic adds examples; so does a file seed/examples.jsonl.gz in the "
                "learning bucket."
            )
        case RunOutcome.NOT_APPROVED:
            by = state.approval.by if state.approval else "silence"
            if by == "silence":
                return f"Nobody approved the candidate in time, so it was rejected. {kept}"
            return f"The candidate was rejected by {by}. {kept}"
        case RunOutcome.PROMPT_CHANGED:
            return f"The candidate is better, but was not promoted: {_why(state)} {kept}"
        case RunOutcome.LEARNING_OFF:
            return (
                f"Learning was turned off during the run, so the run ended early. {kept} "
                "'route-switch switch learning on' turns it on again. The next run reuses the "
                "answers that this one paid for."
            )
        case RunOutcome.CAP_REACHED:
            why = state.evaluated.stopped_by if state.evaluated else None
            return (
                f"The learning budget was used up before a candidate could be measured. {kept} "
                f"{why or ''} The runs of a month may spend learning.monthly_usd, or the share "
                "learning.share_of_saving of last month's saving if that is less."
            )
        case _:
            return _failure(state, kept)


def promotion(promoted: Promoted) -> str:
    """Say which prompt is live, and whether it routes."""
    version = f"version {promoted.version}"
    undo = "To undo it, run 'route-switch prompt rollback'."
    see = "'route-switch savings' shows what routing would save and lose."
    on = "'route-switch switch routing on'"
    match promoted.shadow:
        case None:
            return f"A better routing prompt is live as {version}. {undo}"
        case "ended":
            return (
                f"A better routing prompt is live as {version}, and routing is on: the prompt "
                "clearly beats the tier that answered in shadow. To go back, run 'route-switch "
                "switch routing shadow'."
            )
        case "unproven":
            return (
                f"A better routing prompt is in place as {version}. Routing stays in shadow, "
                "because the prompt does not clearly beat the tier that answers. "
                f"{see} To go live all the same, run {on}."
            )
        case "stays":
            return (
                f"A better routing prompt is in place as {version}. Routing is in shadow, so one "
                f"tier still answers. {see} To go live, run {on}."
            )


def figures(evaluated: Evaluated) -> list[str]:
    lines = []
    if evaluated.gain is not None and evaluated.heldout_rows > 0:
        lines.append(
            f"Gain in quality − λ · cost on {evaluated.heldout_rows} new held-out queries: "
            f"{evaluated.gain:+.4f} ({evaluated.gain_low:+.4f} to {evaluated.gain_high:+.4f}). A "
            f"gain of {evaluated.smallest_visible:.4f} would be detected with 80% probability."
        )
    if evaluated.promise is not None:
        lines.append(f"Promise for the candidate: {evaluated.promise}.")
    if evaluated.rests_on is not None:
        lines.append(f"No prompt goes live by itself on one client's word: {evaluated.rests_on}.")
    lines.append(f"This run spent {evaluated.spent_usd:.4f} USD.")
    return lines


def left_out(collected: Collected | None) -> list[str]:
    """Name the records that could not be used by their ids: their text may belong to anyone. Say,
    too, if the search could not use demos of the live prompt."""
    if collected is None:
        return []
    lines = []
    if collected.unreadable:
        more = "…" if collected.unreadable > len(collected.unreadable_ids) else ""
        lines.append(
            f"{collected.unreadable} records could not be read and were left out: "
            f"{', '.join(collected.unreadable_ids)}{more}"
        )
    if collected.labels_left_out:
        lines.append(
            f"{collected.labels_left_out} labels were left out, because the labels of one client "
            f"may cover at most {MAX_LABEL_SHARE:.0%} of the examples."
        )
    if collected.costly:
        lines.append(
            f"{collected.costly} examples were left out at random, because the examples of their "
            f"client would have cost more than {MAX_COST_SHARE:.0%} of those of all others, and "
            f"more than {MAX_COST_RATIO:g} times as much each. Its other examples count for them."
        )
    if collected.withdrawn_demos:
        lines.append(
            f"The live prompt shows {collected.withdrawn_demos} queries that were deleted. Remove "
            "them with 'route-switch prompt edit'."
        )
    return lines


def _why(state: RunState) -> str:
    return (state.promoted.why if state.promoted else None) or ""


def _failure(state: RunState, kept: str) -> str:
    """Report the error. Its message is this package's own: `named_failures` hides all others."""
    error = state.error
    assert error is not None  # noqa: S101 (the outcome says so; tells the type checker)
    if error.Error == "PromptReplacedError":
        kept = ""
    if state.promoted is not None and state.promoted.promoted:
        kept = f"Version {state.promoted.version} of the prompt was already live by then."
    try:
        said = json.loads(error.Cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = "See the execution's history and the functions' logs for the reason."
    return f"The run failed: {error.Error}. {said} {kept}"

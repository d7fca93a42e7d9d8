"""The opening of a report: the verdict, the rows that were used, and what was simulated."""

from dataclasses import dataclass, replace
from typing import Literal

from route_switch.domain.learning.promotion import MIN_ROWS
from route_switch.domain.learning.used_rows import rows_used
from route_switch.domain.tiers import Tier
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.advice import is_kept, learned_constant, looked, standing
from route_switch.optimizer.report.figures import Gate, PolicyFigures, Report
from route_switch.optimizer.report.text_format import (
    bounds,
    count,
    fixed,
)

LARGEST = "tier-3"

SHARING = 0.95
"""Above this share of templates among rows, hardly any rows share one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sign` is the verdict in one word, which sets the color in HTML. `sentence` is the gate's
    verdict; `advice.first_sentence` stands before it."""

    sign: Literal["promote", "approve", "keep", "unfinished"]
    headline: str
    sentence: str


def verdict(report: Report) -> Verdict:
    found, constants = _verdict(report), standing(report)
    if constants is None:
        return found
    if constants.best is None:
        only = learned_constant(report, constants)
        return found if only is None else replace(found, headline=_nothing_to_route(report, only))
    tier = f"always Tier {int(constants.best)}"
    if constants.is_learned:
        headline = f"Better than {report.current}, but {tier} would be better still"
        return replace(found, sign="keep", headline=headline)
    headline = f"A{tier[1:]} would be better than {report.current}"
    return replace(found, headline=headline)


def _nothing_to_route(report: Report, tier: Tier) -> str:
    learned = find(report.policies, CANDIDATE)
    nearly = "" if learned is not None and learned.mix[tier] == 1 else "nearly "
    return f"Nothing to route: the learned policy is {nearly}always Tier {int(tier)}"


def _verdict(report: Report) -> Verdict:
    gate = report.gate
    if gate is None:
        return Verdict("unfinished", "No verdict yet", _why_no_verdict(report))
    if is_kept(report) and report.why_steered is not None:
        sentence = (
            f"The current {report.noun} stays because {report.learned} is easier to steer: "
            f"{report.why_steered}."
        )
        return Verdict("keep", f"Easier to steer: keep {report.current}", sentence)
    if is_kept(report):
        return Verdict("keep", f"Keep {report.current}", _why_kept(report))
    return _of_gate(report, gate)


def _why_kept(report: Report) -> str:
    if report.noun == "policy":
        return "The current policy stays: the run learned the policy that is live already."
    tried = count(sum(c.objective is not None for c in report.candidates), "prompt")
    return (
        f"The current prompt stays: none of {tried} tried scored higher on the validation rows "
        "than the live one."
    )


def _why_no_verdict(report: Report) -> str:
    reason = (report.stopped_by or "nothing was measured").rstrip(".")
    return (
        "The current prompt stays because the run ended before the held-out rows were measured "
        f"({reason}). Run the same command to resume it: nothing is paid twice."
    )


def _of_gate(report: Report, gate: Gate) -> Verdict:
    gain, noun = _gain(report, gate), report.noun
    match gate.verdict:
        case "better" if report.lacks_promise and report.promise is not None:
            sentence = (
                f"The current {noun} stays although the learned one is better ({gain}), because "
                f"{report.promise.candidate}."
            )
            return Verdict("keep", f"Better, but not promised: keep the current {noun}", sentence)
        case "better" if gate.needs_approval is not None:
            sentence = (
                f"The learned {noun} is better than the current one, but goes live only if a "
                f"person approves it ({gate.needs_approval.rstrip('.')}): {gain}."
            )
            return Verdict("approve", "Better, but a person has to approve it", sentence)
        case "better":
            sentence = f"The learned {noun} is better than the current one and may go live: {gain}."
            return Verdict("promote", f"Better: the learned {noun} may go live", sentence)
        case "not better":
            sentence = f"The current {noun} stays because the learned one is not better: {gain}."
            return Verdict("keep", f"Keep the current {noun}", sentence)
        case "not enough evidence" if report.promise and report.promise.waits_for is not None:
            sentence = (
                f"The current {noun} stays because {report.promise.candidate}. The gate waits for "
                "the same rows."
            )
            return Verdict("keep", f"Not enough rows for a promise: keep the {noun}", sentence)
        case "not enough evidence" if not looked(gate):
            headline = f"Not enough evidence: keep the current {noun}"
            return Verdict("keep", headline, _why_no_look(report, gate))
        case "not enough evidence":
            sentence = (
                f"The current {noun} stays for now because there is not enough evidence to tell "
                f"which is better: {gain}. With this many rows, a gain of "
                f"{fixed(gate.smallest_visible, 3)} or more would probably be detected."
                f"{_rests_on(gate)}"
            )
            return Verdict("keep", f"Not enough evidence: keep the current {noun}", sentence)


def _why_no_look(report: Report, gate: Gate) -> str:
    n, held_out = gate.gain.n, _held_out(report)
    said = (
        f"The current {report.noun} stays for now because the gate did not look: it needs "
        f"{MIN_ROWS} {held_out}s that no earlier look used, and there "
    )
    if n == 0:
        return f"{said}are none. Add examples, and run again."
    return (
        f"{said}{'is' if n == 1 else 'are'} {n}. On {'it' if n == 1 else 'them'}, "
        f"{objective(report)} changes by {fixed(gate.gain.mean, 3, signed=True)}."
    )


def _rests_on(gate: Gate) -> str:
    return f" And {gate.rests_on}." if gate.rests_on is not None else ""


def _gain(report: Report, gate: Gate) -> str:
    moved = fixed(gate.gain.mean, 3, signed=True)
    return (
        f"{objective(report)} changes by {moved} ({level(gate)} interval "
        f"{bounds(gate.gain, 3, signed=True)}) on {count(gate.gain.n, _held_out(report))}; the "
        f"gate requires a gain of at least {fixed(gate.delta, 3)}"
    )


def _held_out(report: Report) -> str:
    """Name what the gate counts: templates, if held-out rows share some."""
    templates = report.rows.heldout_templates
    shared = templates is not None and templates < report.rows.heldout
    return "held-out template" if shared else "held-out row"


def level(gate: Gate) -> str:
    """Return the gate's confidence level: 1 − this look's share of the error budget."""
    return f"{100 * (1 - gate.alpha):.4g}%"


def objective(report: Report) -> str:
    return f"quality − {report.lambda_:g} · cost".replace(" ", "\N{NO-BREAK SPACE}")


def find(policies: tuple[PolicyFigures, ...], name: str) -> PolicyFigures | None:
    return next((policy for policy in policies if policy.policy == name), None)


def best_constant(report: Report) -> PolicyFigures | None:
    constant = [p for p in report.policies if p.policy.startswith("tier-")]
    return max(constant, key=lambda policy: policy.objective.mean, default=None)


def used_rows(report: Report) -> str | None:
    """Say which rows were left out, and how many templates the others are from, if either is worth
    saying."""
    rows = report.rows
    parts = []
    if rows.left_out or rows.duplicates_merged:
        parts.append(f"{rows_used(rows.used, rows.left_out, rows.duplicates_merged)}.")
    if rows.templates is not None and rows.templates < SHARING * rows.used:
        parts.append(
            f"{rows.used:,} rows are from {rows.templates:,} templates, and {rows.heldout:,} "
            f"held-out rows from {rows.heldout_templates:,}: queries of a template differ only in "
            "numbers, ids and addresses, or belong to one session, and every interval counts a "
            "template once."
        )
    if rows.conversations:
        parts.append(f"{rows.conversations:,} of {rows.used:,} rows are in a conversation.")
    return " ".join(parts) or None


def simulated(report: Report) -> str:
    if not report.simulated:
        return "Nothing was simulated: every answer, score and routing decision is real."
    return (
        f"Simulated: {'; '.join(report.simulated)}. Figures that depend on a simulated part show "
        "that the loop works, not what real models would achieve."
    )


def stopped_early(report: Report) -> str | None:
    """Return a note for a run that was stopped but still reached a verdict, else None."""
    if report.complete or report.gate is None:
        return None
    reason = (report.stopped_by or "no reason was given").rstrip(".")
    return f"The run was stopped early ({reason}). The figures cover what was tried by then."

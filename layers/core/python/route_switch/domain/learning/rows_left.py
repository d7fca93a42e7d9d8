"""How many rows learning still lacks for a verdict or a promise, as far as its last run says."""

from dataclasses import dataclass
from typing import Literal

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.promotion import MIN_ROWS
from route_switch.domain.learning.report_facts import GateFacts, PromiseFacts, ReportFacts
from route_switch.domain.learning.sides import SHARES, Side

Unit = Literal["requests", "heldout_rows"]
"""What rows are counted in. A run holds out a part of its examples, so a held-out row takes several
requests."""


@dataclass(frozen=True, slots=True)
class Needed:
    """`rows` are still missing; None if their number is unknown. `note` says what they are."""

    rows: int | None
    note: str
    unit: Unit = "heldout_rows"


@dataclass(frozen=True, slots=True)
class RowsLeft:
    """`replayable` requests of the last `days` days can be learned from."""

    replayable: int
    days: int
    verdict: Needed
    promise: Needed


def rows_left(replayable: int, config: LearningConfig, last: ReportFacts | None) -> RowsLeft:
    """`last` is the report of the newest run that wrote one."""
    return RowsLeft(
        replayable, config.days, _for_verdict(replayable, config, last), _for_promise(config, last)
    )


def _for_verdict(replayable: int, config: LearningConfig, last: ReportFacts | None) -> Needed:
    missing = config.min_examples - replayable
    if missing > 0:
        return Needed(
            missing,
            f"A run needs {config.min_examples:,} requests or seed examples of the last "
            f"{config.days} days; seed examples are not counted here.",
            "requests",
        )
    gate = None if last is None else last.gate
    if gate is None:
        return Needed(None, "No run has measured held-out rows yet.")
    return _after(gate)


def _after(gate: GateFacts) -> Needed:
    n = gate.gain.n
    if n < MIN_ROWS:
        missing = MIN_ROWS - n
        return Needed(
            missing,
            f"The last run had {n:,} new held-out rows, and a verdict needs {MIN_ROWS}. "
            f"{_in_examples(missing)}",
        )
    if gate.verdict != "not enough evidence":
        return Needed(0, f"The last run reached a verdict on {n:,} held-out rows.")
    visible = gate.smallest_visible
    seen = "" if visible is None else f" It would have detected a gain of {visible:.3f} or more."
    return Needed(
        None,
        f"The last run had {n:,} held-out rows, which were not enough evidence.{seen} How many "
        "more are needed depends on how much better a candidate is.",
    )


def _for_promise(config: LearningConfig, last: ReportFacts | None) -> Needed:
    if config.max_quality_loss is None:
        return Needed(None, "The stage asks for no promise: learning.max_quality_loss is not set.")
    promise = None if last is None else last.promise
    if promise is None:
        return Needed(None, "No run has tested a promise yet.")
    if promise.waits_for is not None:
        return Needed(
            promise.waits_for,
            "The last run had too few new held-out rows to test a promise. "
            f"{_in_examples(promise.waits_for)}",
        )
    return _of_policies(promise)


def _of_policies(promise: PromiseFacts) -> Needed:
    if promise.candidate_holds:
        return Needed(0, "The last run's candidate has the promise.")
    failed = next((p for p in promise.policies if p.at_most is not None and not p.certified), None)
    if failed is None:
        return Needed(None, "The last run does not say how many rows a promise needs.")
    if failed.needed is None:
        lost = f"{failed.loss:.1%} of answers stay worse"
        return Needed(None, f"No reachable number of rows is enough if {lost}.")
    return Needed(
        failed.needed,
        f"A promise needs more new held-out rows, if {failed.loss:.1%} of answers stay worse. "
        f"{_in_examples(failed.needed)}",
    )


def _in_examples(rows: int) -> str:
    """Say how many new examples yield `rows` held-out rows."""
    share = SHARES[Side.HELDOUT]
    examples = float(f"{rows / share:.2g}")
    return f"A run holds out {share:.0%} of its examples, so that takes about {examples:,.0f}."

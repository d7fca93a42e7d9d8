"""What the report says about the look of the gate."""

from route_switch.domain.learning.promotion import MIN_ROWS
from route_switch.optimizer.report.advice import is_kept, looked
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.promise_section import rounded
from route_switch.optimizer.report.text_format import fixed
from route_switch.optimizer.report.verdict import level


def gate_paragraphs(report: Report) -> tuple[str, ...]:
    gate = report.gate
    if gate is None:
        return ()
    if is_kept(report):
        by = "search" if report.noun == "prompt" else "run"
        return (
            f"The gate took no look, because the {by} kept {report.current}. The held-out rows "
            "stay fresh for a later look, and nothing of the error budget was spent.",
        )
    if report.promise is not None and report.promise.waits_for is not None:
        return (
            f"The gate did not look: it waits for about {rounded(report.promise.waits_for)} more "
            f"rows, which the promise needs. The {gate.gain.n:,} that are there stay fresh for a "
            "later look, and nothing of the error budget was spent.",
        )
    if not looked(gate):
        return (
            f"The gate did not look: that takes {MIN_ROWS} fresh rows or templates, and there were "
            f"{gate.gain.n}. They stay fresh for a later look, and nothing of the error budget was "
            "spent.",
        )
    approval = f" A promotion needs approval: {gate.needs_approval}." if gate.needs_approval else ""
    return (
        f"This was look no. {gate.look} of the gate, on rows that no earlier look used. It spent "
        f"{gate.alpha:.3g} of the 0.05 error budget, hence a {level(gate)} interval. It detects a "
        f"gain of {fixed(gate.smallest_visible, 3)} with 80% probability and requires a gain of at "
        f"least {fixed(gate.delta, 3)}.{approval}",
        "Other intervals of this report are 95% intervals of one comparison and require no least "
        "gain, so they may be narrower than the gate's. Only the gate decides what goes live.",
    )

"""The report's figures about rows, and about what was said of them."""

from collections import Counter

from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import (
    tier_3_output_ratio,
)
from route_switch.domain.learning.understanding import ReplyCount, Understanding
from route_switch.domain.learning.used_rows import (
    MISPLACED,
    NEAR,
    ODD_LINES,
    rows_lacking_results,
)
from route_switch.domain.tiers import Tier
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report.figures import (
    Rows,
)
from route_switch.services.learning.build_outcomes import can_be_called


def count_rows(found: Findings, plan: Plan, odd: int) -> Rows:
    sides, tables = found.sides, found.tables
    assert sides is not None  # noqa: S101 (always set by then; for the type checker)
    if tables is not None:
        rows = (tables.train.examples, tables.validation.examples, tables.heldout.examples)
    else:
        rows = (sides.train, sides.validation, sides.heldout)
    train, validation, heldout = map(len, rows)
    templates = [{example.template_key for example in side} for side in rows]
    return Rows(
        train=train,
        validation=validation,
        heldout=heldout,
        near_duplicates_removed=sides.near_duplicates,
        duplicates_merged=sides.duplicates,
        without_outcome=sum(found.built.left_out.values()) if found.built else None,
        left_out={reason: n for reason, n in sorted(_left_out(found, plan, odd).items()) if n},
        templates=sum(map(len, templates)),  # no template is on two sides
        heldout_templates=len(templates[-1]),
        conversations=sum(example.is_conversation for side in rows for example in side),
    )


def _left_out(found: Findings, plan: Plan, odd_lines: int) -> dict[str, int]:
    """Return the rows that were not used, by reason; name the models whose results are missing."""
    sides, built = found.sides, found.built
    assert sides is not None  # noqa: S101 (as above)
    reasons = Counter({ODD_LINES: odd_lines, NEAR: sides.near_duplicates})
    reasons[MISPLACED] = sides.misplaced
    if built is None:
        return reasons
    for reason, n in built.left_out.items():
        if reason is not LeftOutReason.NO_RESULT:
            reasons[reason.value] += n
    recorded_only = {t: name for t, name in plan.models.items() if not can_be_called(name)}
    reasons += rows_lacking_results(sides.examples, recorded_only)
    return reasons


def graded_by(found: Findings) -> dict[str, int]:
    if found.built is None:
        return {}
    by = Counter(
        cell.graded_by.value
        for row in found.built.table.rows
        for tier, cell in row.items()
        if tier is not Tier.LARGE
    )
    return dict(sorted(by.items()))


def count_understanding(found: Findings) -> Understanding:
    built = found.built.understanding if found.built else Understanding()
    replies = found.router_replies
    measured = (replies.get(prompt.version) for prompt in (found.candidate, found.incumbent))
    return built.model_copy(
        update={
            "judge": found.judged.pairs,
            "unread_replies": found.judged.unread,
            "router": next((count for count in measured if count is not None), ReplyCount()),
        }
    )


def output_ratios(found: Findings) -> dict[Tier, float]:
    measured = tier_3_output_ratio(found.built.table) if found.built else {}
    return {tier: ratio for tier, ratio in measured.items() if ratio is not None}

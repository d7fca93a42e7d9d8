"""What a reader of the opening has to know besides the verdict, in one sentence each."""

from collections.abc import Iterator

from route_switch.domain.learning.promotion import MIN_ROWS
from route_switch.optimizer.report.advice import is_kept, listed
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.text_format import count, difference, fixed
from route_switch.optimizer.report.verdict import LARGEST, find, objective

OTHERS = ("linear", "knn", "clusters", "length", "static-rules", "prompt", "local", "hybrid")
"""Policies that could be learned or written instead of the candidate."""


def remarks(report: Report) -> tuple[str, ...]:
    found = (_scores(report), _never_asks(report), *_worse_workloads(report), _beaten_by(report))
    return tuple(remark for remark in found if remark is not None)


def _scores(report: Report) -> str | None:
    """Retention is relative to Tier 3's mean score: it is 0 for Tier 3 itself if that is 0."""
    largest = find(report.policies, LARGEST)
    if largest is None or largest.retention.mean != 0:
        return None
    return (
        f"Tier 3's answers scored 0 on all {count(largest.retention.n, 'held-out row')}, so every "
        "other answer counts as no worse, and the figures of quality say nothing. Check the "
        "scores before you use this result."
    )


def _never_asks(report: Report) -> str | None:
    if report.strategies is None or not report.strategies.never_asks:
        return None
    return (
        "The learned policy is called hybrid, but it never asks the router LLM: no threshold for "
        "asking paid on validation rows. It is the local model alone."
    )


def _worse_workloads(report: Report) -> Iterator[str]:
    which = report.learned
    for each in report.workloads:
        change = each.change
        if change is not None and change.high < 0 and change.n >= MIN_ROWS:
            yield (
                f"On {each.workload}, {which} is clearly worse than the current one: "
                f"{objective(report)} changes by {difference(change)} on "
                f"{count(change.n, 'held-out row')}."
            )


def _beaten_by(report: Report) -> str | None:
    gains = {name: report.against[name] for name in OTHERS if name in report.against}
    better = [name for name in gains if gains[name].high < 0]
    if not better:
        return None
    better.sort(key=lambda name: gains[name].mean)
    named = listed([f"{name} by {fixed(-gains[name].mean, 3)}" for name in better])
    which = report.current if is_kept(report) else report.learned
    return f"Some policies that are only compared are clearly better than {which}: {named}."

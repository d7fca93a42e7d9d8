"""Strategies compared with the hand-written prompt, and learners with the learned policy."""

from collections.abc import Iterator, Sequence

from docs.generate.results.runs import SetResult
from route_switch.optimizer.learners import LEARNERS
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval, Report
from route_switch.optimizer.report.markdown_page import table_of
from route_switch.optimizer.report.text_format import (
    ReportTable,
    difference,
    difference_word,
    fixed,
)
from route_switch.optimizer.report.verdict import find

STRATEGIES = ("prompt", "local", "hybrid")
NOTHING = "–"
LEARNED = "the learned policy (“Learned” above)"
BASELINES = (
    "The simple learners are baselines that no strategy serves. They learn from the train rows "
    "only."
)


def over_hand_written(found: Sequence[SetResult]) -> ReportTable:
    """Return the paired gain of each strategy, whichever was picked."""
    return ReportTable(
        caption="Objective of each strategy minus that of the hand-written prompt, paired by row, "
        "whichever the run picked",
        head=("Set", "n", *(name.capitalize() for name in STRATEGIES)),
        rows=tuple(_gains(each.of.name, each.report) for each in found),
    )


def _gains(name: str, report: Report) -> tuple[str, ...]:
    gains = [report.over_hand_written.get(policy) for policy in STRATEGIES]
    n = next((f"{gain.n:,}" for gain in gains if gain is not None), NOTHING)
    return (name, n, *map(gain_text, gains))


def gain_text(gain: Interval | None) -> str:
    return NOTHING if gain is None else difference(gain)


def better_learners(found: Sequence[SetResult]) -> Iterator[str]:
    """Yield where a simple learner has a higher objective than the learned policy."""
    rows = tuple(row for each in found for row in _better_learners(each.of.name, each.report))
    if not rows:
        yield f"On no set does a simple learner have a higher objective than {LEARNED}. {BASELINES}"
        return
    yield f"On these sets, a simple learner has a higher objective than {LEARNED}. {BASELINES}"
    head = (
        "Set",
        "Learner",
        "Learned policy is",
        "Learner's",
        "Learned policy's",
        "Difference",
        "n",
    )
    yield table_of(ReportTable(caption="", head=head, rows=rows, texts=3))


def _better_learners(name: str, report: Report) -> Iterator[tuple[str, ...]]:
    learned = find(report.policies, CANDIDATE)
    for learner in LEARNERS:
        policy, gain = find(report.policies, learner), report.against.get(learner)
        if learned is None or policy is None or gain is None or gain.mean >= -ROUNDING:
            continue
        objectives = (fixed(each.objective.mean, 3) for each in (policy, learned))
        said = difference_word(gain)
        yield (name, learner, said, *objectives, difference(gain), f"{gain.n:,}")


ROUNDING = 0.0005
"""A smaller difference is not visible in the figures."""

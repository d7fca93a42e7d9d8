"""Puts answers to the judge of which it is known how good they are."""

from collections.abc import Iterator
from itertools import islice

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.calibration import Agreement
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, OutcomeTable
from route_switch.domain.learning.outcome_row import is_recorded
from route_switch.domain.tiers import Tier
from route_switch.services.learning.judge_answers import (
    JudgeAnswers,
    LabeledAnswer,
    measure_agreement,
    same,
)
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

MOST_LABELS = 200
"""Enough for κ within about 0.1; more would only cost more."""


def calibrate_judge(
    judge: JudgeAnswers, calls: PaidCalls, table: OutcomeTable, threads: int
) -> Agreement:
    """Over the first answers in the table that a test or a person graded, whose text is known, and
    that the judge has to read (it is not shown answers that are the same as Tier 3's). Answers that
    were called for are known already, and not paid again."""
    labeled = islice(_labeled(calls, table), MOST_LABELS)
    return measure_agreement(judge, labeled, threads)


def _labeled(calls: PaidCalls, table: OutcomeTable) -> Iterator[LabeledAnswer]:
    for example, row in zip(table.examples, table.rows, strict=True):
        for tier, outcome in row.items():
            if tier is Tier.LARGE or outcome.graded_by is GradedBy.JUDGE:
                continue
            best = _text(calls, example, table.models[Tier.LARGE])
            answer = _text(calls, example, table.models[tier])
            if best is not None and answer is not None and not same(best, answer):
                yield LabeledAnswer(example, best, answer, outcome.equivalent)


def _text(calls: PaidCalls, example: Example, model: str) -> str | None:
    recorded = example.models.get(model)
    if recorded is not None and is_recorded(example, model):
        return recorded.answer
    try:
        return calls(model, example.messages, example.params, Purpose.ANSWER).text
    except InvalidModelRequestError:
        return None

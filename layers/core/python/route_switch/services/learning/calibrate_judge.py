"""Measure how far the judge can be trusted, on answers that a test or a person has labeled."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.answers import ModelAnswer, answer_of_message, same_answer
from route_switch.domain.learning.calibration import Agreement, agreement_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.learning.outcome_row import answer_in, is_recorded
from route_switch.domain.learning.past_request import MIN_ADEQUATE_SCORE
from route_switch.domain.replay import replayed_params
from route_switch.domain.tiers import Tier
from route_switch.services.learning.judge_answers import JudgeAnswers, same_text
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

MAX_LABELS = 200
"""Enough for κ to within about 0.1. More labels would only cost more."""


@dataclass(frozen=True, slots=True)
class LabeledAnswer:
    """An answer that gold, a recording or a person has labeled equivalent to Tier 3's, or not."""

    example: Example
    tier_3_answer: str
    answer: str
    equivalent: bool


def calibrate_judge(
    judge: JudgeAnswers, calls: PaidCalls, table: OutcomeTable, threads: int
) -> Agreement:
    """Measure agreement on the first answers in the table that a test or a person graded or rated,
    whose text is known, and that the judge has to read (it never sees answers identical to Tier
    3's). Answers and verdicts of earlier calls are known and not paid for again."""
    labeled = islice(_labeled(calls, table), MAX_LABELS)
    return measure_agreement(judge, labeled, threads)


def measure_agreement(
    judge: JudgeAnswers, labeled: Iterable[LabeledAnswer], threads: int = 8
) -> Agreement:
    """Compare the judge with labels on the answers that it has to read. Leave out identical
    answers, on which it cannot be wrong, and those on which it gives no verdict. The flip rate
    covers everything that it has judged so far.
    """
    distinct = [item for item in labeled if not same_text(item.tier_3_answer, item.answer)]
    with ThreadPoolExecutor(threads) as pool:
        verdicts = pool.map(lambda i: judge(i.example, i.tier_3_answer, i.answer), distinct)
        pairs = [
            (verdict != "worse", item.equivalent)
            for verdict, item in zip(verdicts, distinct, strict=True)
            if verdict is not None
        ]
    return agreement_of(pairs, judge.counts.flip_rate)


def _labeled(calls: PaidCalls, table: OutcomeTable) -> Iterator[LabeledAnswer]:
    for example, row in zip(table.examples, table.rows, strict=True):
        for tier, outcome in row.items():
            label = _label(example, tier, table.models[tier], outcome)
            if tier is Tier.LARGE or label is None:
                continue
            best = _answer(calls, example, table.models[Tier.LARGE])
            answer = _answer(calls, example, table.models[tier])
            if best is not None and answer is not None and not same_answer(best, answer):
                yield LabeledAnswer(example, str(best), str(answer), label)


def _label(example: Example, tier: Tier, model: str, outcome: Outcome) -> bool | None:
    """Return what a test or a person says about the answer. If the judge graded it, a rating of
    this answer alone is the label; a rating says nothing about Tier 3's."""
    if outcome.graded_by is not GradedBy.JUDGE:
        return outcome.equivalent
    if tier in example.feedback:
        return example.feedback[tier]
    recorded = example.models.get(model)
    rating = None if recorded is None else recorded.score
    return None if rating is None else rating >= MIN_ADEQUATE_SCORE


def _answer(calls: PaidCalls, example: Example, model: str) -> ModelAnswer | None:
    recorded = example.models.get(model)
    if recorded is not None and is_recorded(example, model):
        return answer_in(recorded)
    params = replayed_params(example.params)
    try:
        reply = calls(model, example.messages, params, Purpose.ANSWER, about=example.request_id)
    except InvalidModelRequestError:
        return None
    return answer_of_message(reply.text, reply.tool_calls)

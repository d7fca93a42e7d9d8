"""Grade a tier's answer against Tier 3's by asking the judge, and measure how far to trust it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.calibration import Agreement, agreement_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import (
    Order,
    Verdict,
    first_order,
    judge_messages,
    read_choice,
    reverse,
    verdict_of,
)
from route_switch.domain.learning.outcome import GradedBy, OutcomeTable
from route_switch.domain.learning.outcome_row import is_recorded
from route_switch.domain.tiers import Tier
from route_switch.services.learning.paid_calls import PaidCalls, Purpose


@dataclass(frozen=True, slots=True)
class JudgeCounts:
    """`judged` pairs were sent to the judge; `identical` ones did not need it.

    `flipped` and `confirmed` count 'worse' verdicts by the reply in the reverse order. `unread`
    counts replies without a verdict. `undecided` counts pairs where both orders gave none; they are
    graded 'worse' without a verdict.
    """

    judged: int = 0
    identical: int = 0
    flipped: int = 0
    confirmed: int = 0
    unread: int = 0
    undecided: int = 0

    @property
    def flip_rate(self) -> float | None:
        """Share of 'worse' verdicts that the reverse order did not confirm."""
        doubted = self.flipped + self.confirmed
        return self.flipped / doubted if doubted else None


@dataclass(frozen=True, slots=True)
class LabeledAnswer:
    """An answer that gold, a recording or a person has labeled equivalent to Tier 3's, or not."""

    example: Example
    tier_3_answer: str
    answer: str
    equivalent: bool


def judge_of(calls: PaidCalls, model: str | None) -> "JudgeAnswers | None":
    """Return the judge of a run, or None if the run has none."""
    return None if model is None else JudgeAnswers(calls, model)


class JudgeAnswers:
    """Compares an answer with Tier 3's. Thread-safe.

    One order alone never condemns an answer: if the first order says worse or gives no verdict, the
    judge is asked again in the reverse order. Contradictory orders cancel out: equivalent. If one
    reply is missing, the other decides. If both are missing, the answer is graded worse, because a
    saving must not rest on a verdict that was never given; such pairs are counted. A request that
    the provider refuses (for example, because it is too long) is a missing reply.
    """

    def __init__(self, calls: PaidCalls, model: str) -> None:
        self._calls = calls
        self._model = model
        self._counts = JudgeCounts()
        self._lock = Lock()

    @property
    def counts(self) -> JudgeCounts:
        with self._lock:
            return self._counts

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict:
        if same_text(tier_3_answer, answer):
            self._count(identical=1)
            return "equivalent"
        self._count(judged=1)
        order = first_order(example, tier_3_answer, answer)
        first = self._ask(example, tier_3_answer, answer, order)
        if first in ("better", "equivalent"):
            return first
        return self._combine(first, self._ask(example, tier_3_answer, answer, reverse(order)))

    def _ask(
        self, example: Example, tier_3_answer: str, answer: str, order: Order
    ) -> Verdict | None:
        messages = judge_messages(example, tier_3_answer, answer, order)
        try:
            reply = self._calls(self._model, messages, {"temperature": 0}, Purpose.JUDGE)
        except InvalidModelRequestError:
            choice = None
        else:
            choice = read_choice(reply.text)
        if choice is None:
            self._count(unread=1)
            return None
        return verdict_of(choice, order)

    def _combine(self, first: Verdict | None, second: Verdict | None) -> Verdict:
        """`first` is worse or missing."""
        if first is None or second is None:
            self._count(undecided=first is second)
            return first or second or "worse"
        if second == "worse":
            self._count(confirmed=1)
            return "worse"
        self._count(flipped=1)
        return "equivalent"

    def _count(self, **added: int) -> None:
        with self._lock:
            grown = {name: getattr(self._counts, name) + by for name, by in added.items()}
            self._counts = replace(self._counts, **grown)


def measure_agreement(
    judge: JudgeAnswers, labeled: Iterable[LabeledAnswer], threads: int = 8
) -> Agreement:
    """Compare the judge with labels on the answers that it has to read. Leave out identical
    answers, on which it cannot be wrong. The flip rate covers everything that it has judged so far.
    """
    distinct = [item for item in labeled if not same_text(item.tier_3_answer, item.answer)]
    with ThreadPoolExecutor(threads) as pool:
        verdicts = pool.map(lambda i: judge(i.example, i.tier_3_answer, i.answer), distinct)
        pairs = [
            (verdict != "worse", item.equivalent)
            for verdict, item in zip(verdicts, distinct, strict=True)
        ]
    return agreement_of(pairs, judge.counts.flip_rate)


def same_text(one: str, another: str) -> bool:
    """Whether two answers differ at most in surrounding whitespace."""
    return one.strip() == another.strip()


MAX_LABELS = 200
"""Enough for κ to within about 0.1. More labels would only cost more."""


def calibrate_judge(
    judge: JudgeAnswers, calls: PaidCalls, table: OutcomeTable, threads: int
) -> Agreement:
    """Measure agreement on the first answers in the table that a test or a person graded, whose
    text is known, and that the judge has to read (it never sees answers identical to Tier 3's).
    Answers that were called for are already known and not paid for again."""
    labeled = islice(_labeled(calls, table), MAX_LABELS)
    return measure_agreement(judge, labeled, threads)


def _labeled(calls: PaidCalls, table: OutcomeTable) -> Iterator[LabeledAnswer]:
    for example, row in zip(table.examples, table.rows, strict=True):
        for tier, outcome in row.items():
            if tier is Tier.LARGE or outcome.graded_by is GradedBy.JUDGE:
                continue
            best = _text(calls, example, table.models[Tier.LARGE])
            answer = _text(calls, example, table.models[tier])
            if best is not None and answer is not None and not same_text(best, answer):
                yield LabeledAnswer(example, best, answer, outcome.equivalent)


def _text(calls: PaidCalls, example: Example, model: str) -> str | None:
    recorded = example.models.get(model)
    if recorded is not None and is_recorded(example, model):
        return recorded.answer
    try:
        return calls(model, example.messages, example.params, Purpose.ANSWER).text
    except InvalidModelRequestError:
        return None

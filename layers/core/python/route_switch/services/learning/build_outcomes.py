"""Build the outcome table from examples: each tier answers each example once, and is graded.

`domain/learning/outcome_row.py` says how answers are graded.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from route_switch.domain.errors import (
    ConfigurationError,
    InvalidModelRequestError,
    NotUnderstoodError,
)
from route_switch.domain.learning.answers import ModelAnswer, same_answer
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.left_out import LeftOutReason, no_outcomes
from route_switch.domain.learning.outcome import Outcome, OutcomeTable
from route_switch.domain.learning.outcome_row import (
    Models,
    Results,
    answer_in,
    gold_says,
    is_graded_by_gold,
    is_recorded,
    judged_instead,
    outcome_row,
    tiers_to_judge,
)
from route_switch.domain.learning.understanding import (
    MAX_NOT_UNDERSTOOD,
    ReplyCount,
    Understanding,
    too_many,
)
from route_switch.domain.needs import Capabilities, needs_of
from route_switch.domain.pricing import Price
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.tiers import ModelName, Tier
from route_switch.services.learning.answer_examples import (
    Answered,
    AnswerExamples,
    MissingAnswer,
    OutputLimit,
    missing_answers,
    no_limit,
)
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import PaidCalls

_MODEL_NAME: TypeAdapter[str] = TypeAdapter(ModelName)


class Judge(Protocol):
    """Compares `answer` with Tier 3's answer to the same query; None if there is no verdict.
    Thread-safe. Raises what `PaidCalls` raises."""

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict | None: ...

    def check(self) -> None:
        """Raise `NotUnderstoodError` if more pairs than a run allows have no verdict."""


@dataclass(frozen=True, slots=True)
class BuiltTable:
    """The table, how many examples are left out of it, by reason, and what was understood (without
    the judge's and the router's replies, which they count themselves)."""

    table: OutcomeTable
    left_out: Mapping[LeftOutReason, int]
    understanding: Understanding = field(default_factory=Understanding)


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to compare."""

    example: Example
    tier_3_answer: ModelAnswer
    answer: ModelAnswer


@dataclass(frozen=True, slots=True)
class BuildOutcomes:
    """`judge` is None when none is configured. `no_worse_margin` is by how much a tested score may
    be below Tier 3's and still count as no worse. A run stops if more than the share
    `max_not_understood` of answers is refused, or of golds not recognized in Tier 3's answers.
    `capabilities` returns what a model takes, and `output_limit` what the owner lets it write."""

    calls: PaidCalls
    judge: Judge | None
    threads: int
    no_worse_margin: float = 0.0
    max_not_understood: float = MAX_NOT_UNDERSTOOD
    capabilities: Callable[[str], Capabilities] = lambda _: Capabilities()
    output_limit: OutputLimit = no_limit

    def __call__(
        self, examples: Sequence[Example], models: Models, prices: Mapping[str, Price]
    ) -> BuiltTable:
        """Raise `ConfigurationError` when no example has outcomes, `NotUnderstoodError` when too
        much was not understood, and anything that the calls raise."""
        if len(models) < 2 or Tier.LARGE not in models:
            raise ConfigurationError(
                "Learning compares tiers: configure Tier 3 and at least one more."
            )
        reasons = [self._obstacle(example, models) for example in examples]
        left_out = Counter(reason for reason in reasons if reason is not None)
        usable = [e for e, reason in zip(examples, reasons, strict=True) if reason is None]
        answered = self._answer(usable, models)
        left_out.update(each.reason for each in answered.unanswered)
        graded, ungraded = self._grade(answered.rows, models)
        left_out.update(ungraded)
        gold, missed = self._check_gold(answered.rows)
        understood = Understanding(
            gold=gold, gold_missed=missed, answers=answered.refused, empty=answered.empty
        )
        if self.judge is not None:
            self.judge.check()
        if not graded:
            raise ConfigurationError(no_outcomes(examples, left_out))
        kept, rows = zip(*graded, strict=True)
        table = OutcomeTable(dict(models), dict(prices), kept, rows)
        return BuiltTable(table, +left_out, understood)

    def fill(self, examples: Sequence[Example], models: Models) -> None:
        """Pay for what a table of these examples needs, so that a later build of these and other
        examples finds it. The later build reports examples without outcomes."""
        usable = [example for example in examples if self._obstacle(example, models) is None]
        answered = self._answer(usable, models)
        self._grade(answered.rows, models)
        self._check_gold(answered.rows)
        if self.judge is not None:
            self.judge.check()

    def missing(self, examples: Sequence[Example], models: Models) -> tuple[MissingAnswer, ...]:
        """Return the answers that a build would pay for, at most one per example and tier."""
        return missing_answers([e for e in examples if self._obstacle(e, models) is None], models)

    def _obstacle(self, example: Example, models: Models) -> LeftOutReason | None:
        """Return why the example cannot have outcomes, as far as that is known without a call."""
        names = models.values()
        if not all(is_recorded(example, name) or can_be_called(name) for name in names):
            return LeftOutReason.NO_RESULT
        called = [name for name in names if not is_recorded(example, name)]
        if called and self._cannot_serve(example, called):
            return LeftOutReason.CANNOT_SERVE
        judged = tiers_to_judge(example, models)
        if judged and self.judge is None:
            rated = all(tier in example.feedback for tier in judged)
            return LeftOutReason.TIER_3_UNKNOWN if rated else LeftOutReason.NO_JUDGE
        read = (models[tier] for tier in (Tier.LARGE, *judged)) if judged else ()
        silent = any(
            is_recorded(example, name) and answer_in(example.models[name]) is None for name in read
        )
        return LeftOutReason.NO_TEXT if silent else None

    def _cannot_serve(self, example: Example, names: Sequence[str]) -> bool:
        needs = needs_of(example.messages, example.params)
        return any(needs.unmet_by(self.capabilities(name)) is not None for name in names)

    def _answer(self, usable: Sequence[Example], models: Models) -> Answered:
        """Get the tiers' answers. Stop the run if too many examples are refused, or answered with
        nothing."""
        answered = AnswerExamples(self.calls, self.threads, self.output_limit)(usable, models)
        refused = too_many(
            answered.refused,
            self.max_not_understood,
            "examples that tiers were asked, a provider refused",
            "Use models that serve such requests, drop what they refuse from 'params'",
        )
        if refused is not None:
            words = next((each.words for each in answered.unanswered if each.words), "")
            raise NotUnderstoodError(refused, detail=f"The first refusal: {words}")
        empty = too_many(
            answered.empty,
            self.max_not_understood,
            "examples, Tier 3 wrote nothing",
            "Give it a higher output limit (max_tokens), use another model",
        )
        if empty is not None:
            raise NotUnderstoodError(empty)
        return answered

    def _check_gold(self, answered: Sequence[tuple[Example, Results]]) -> tuple[ReplyCount, int]:
        """Count the rows graded by gold, those in which Tier 3's own answer was not recognized, and
        those in which it is wrong. Stop the run if too many are not recognized and no judge grades
        them. A gold answer that came with feedback is a client's: it stops nothing."""
        says = [(row[0], gold_says(*row)) for row in answered if is_graded_by_gold(*row)]
        unread = [each for each, reason in says if reason is LeftOutReason.GOLD_UNREAD]
        own = ReplyCount(
            asked=sum(not example.from_traffic for example, _ in says),
            not_understood=sum(not example.from_traffic for example in unread),
        )
        what = "rows with a gold answer, it was not recognized in Tier 3's own answer"
        advice = "Correct the gold, configure a judge"
        stop = too_many(own, self.max_not_understood, what, advice)
        if stop is not None and self.judge is None:
            raise NotUnderstoodError(stop)
        missed = sum(reason is LeftOutReason.GOLD_MISSED for _, reason in says)
        return ReplyCount(asked=len(says), not_understood=len(unread)), missed

    def _grade(
        self, answered: Sequence[tuple[Example, Results]], models: Models
    ) -> tuple[list[tuple[Example, dict[Tier, Outcome]]], Counter[LeftOutReason]]:
        """Return each example's outcomes, and the reasons of those that have none."""
        plans = [self._tiers_to_judge(example, results, models) for example, results in answered]
        pairs = [
            AnswerPair(example, _kept(results[Tier.LARGE]), _kept(results[tier]))
            for (example, results), plan in zip(answered, plans, strict=True)
            if not isinstance(plan, LeftOutReason)
            for tier in plan
        ]
        judged = iter(map_ordered(self._judge, pairs, self.threads))
        graded, left_out = [], Counter[LeftOutReason]()
        for (example, results), plan in zip(answered, plans, strict=True):
            if isinstance(plan, LeftOutReason):
                left_out[plan] += 1
                continue
            row = {tier: next(judged) for tier in plan}
            verdicts = {tier: verdict for tier, verdict in row.items() if verdict is not None}
            if len(verdicts) == len(row):
                outcomes = outcome_row(example, results, verdicts, self.no_worse_margin)
                graded.append((example, outcomes))
            else:
                left_out[LeftOutReason.NO_VERDICT] += 1
        return graded, left_out

    def _tiers_to_judge(
        self, example: Example, results: Results, models: Models
    ) -> tuple[Tier, ...] | LeftOutReason:
        """Return what the judge grades in this row, or why nothing can grade it."""
        tiers = tiers_to_judge(example, models)
        if tiers:
            return tiers
        tiers = judged_instead(example, results)
        if tiers and self.judge is not None:
            read = (results[tier] for tier in (Tier.LARGE, *tiers))
            return LeftOutReason.NO_TEXT if None in map(answer_in, read) else tiers
        return gold_says(example, results) or ()

    def _judge(self, pair: AnswerPair) -> Verdict | None:
        if same_answer(pair.answer, pair.tier_3_answer):
            return "equivalent"
        if self.judge is None:
            raise ConfigurationError("Bug: an example needs a judge, but none is configured.")
        try:
            return self.judge(pair.example, str(pair.tier_3_answer), str(pair.answer))
        except InvalidModelRequestError:
            return None


def _kept(result: RecordedResult) -> ModelAnswer:
    return answer_in(result) or ModelAnswer("")


def can_be_called(model: str) -> bool:
    """Whether the name has a provider. Benchmarks name models without one: these have only recorded
    results."""
    try:
        _MODEL_NAME.validate_python(model_of(model))
    except ValidationError:
        return False
    return True

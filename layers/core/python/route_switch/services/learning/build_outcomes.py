"""Build the outcome table from examples: each tier answers each example once, and is graded.

Recorded results are used as they are. `domain/learning/outcome_row.py` says how answers are graded.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from route_switch.domain.errors import ConfigurationError, InvalidModelRequestError
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.outcome import NO_RECORDING, Outcome, OutcomeTable
from route_switch.domain.learning.outcome_row import (
    Models,
    Results,
    is_recorded,
    outcome_row,
    tiers_to_judge,
)
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import ModelName, Tier
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

_MODEL_NAME: TypeAdapter[str] = TypeAdapter(ModelName)


class Judge(Protocol):
    """Compares `answer` with Tier 3's answer to the same query. Thread-safe. Raises what
    `PaidCalls` raises."""

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict: ...


class LeftOutReason(StrEnum):
    """Why an example has no outcomes, and how to give it some."""

    NO_RESULT = (
        "without a result from each tier's model (add it to the example's 'models', or use models "
        "that can be called, named provider/model)"
    )
    NO_TEXT = (
        "with a recorded result that has neither a score nor a text to judge (add one of them)"
    )
    NO_JUDGE = (
        "with nothing to grade answers by (add scores or a short 'gold', or configure a judge)"
    )
    REFUSED = "rejected by a model's provider (use models that can serve such requests)"


@dataclass(frozen=True, slots=True)
class BuiltTable:
    """The table, and how many examples are left out of it, by reason."""

    table: OutcomeTable
    left_out: Mapping[LeftOutReason, int]


@dataclass(frozen=True, slots=True)
class MissingAnswer:
    """An answer without a recording: one call."""

    example: Example
    tier: Tier


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to compare."""

    example: Example
    tier_3_answer: str
    answer: str


@dataclass(frozen=True, slots=True)
class BuildOutcomes:
    """`judge` is None when none is configured. `no_worse_margin` is by how much a tested score may
    be below Tier 3's and still count as no worse."""

    calls: PaidCalls
    judge: Judge | None
    threads: int
    no_worse_margin: float = 0.0

    def __call__(
        self, examples: Sequence[Example], models: Models, prices: Mapping[str, Price]
    ) -> BuiltTable:
        """Raise `ConfigurationError` when no example has outcomes, and whatever the calls raise."""
        if len(models) < 2 or Tier.LARGE not in models:
            raise ConfigurationError(
                "Learning compares tiers: configure Tier 3 and at least one more."
            )
        reasons = [self._obstacle(example, models) for example in examples]
        left_out = Counter(reason for reason in reasons if reason is not None)
        usable = [e for e, reason in zip(examples, reasons, strict=True) if reason is None]
        answered = self._answer(usable, models)
        graded = self._grade(answered, models)
        left_out[LeftOutReason.REFUSED] += len(usable) - len(graded)
        if not graded:
            raise ConfigurationError(_no_outcomes(examples, left_out))
        kept, rows = zip(*graded, strict=True)
        return BuiltTable(OutcomeTable(dict(models), dict(prices), kept, rows), +left_out)

    def fill(self, examples: Sequence[Example], models: Models) -> None:
        """Pay for what a table of these examples needs, so that a later build of these and other
        examples finds it. The later build reports examples without outcomes."""
        usable = [example for example in examples if self._obstacle(example, models) is None]
        self._grade(self._answer(usable, models), models)

    def missing(self, examples: Sequence[Example], models: Models) -> tuple[MissingAnswer, ...]:
        """Return the answers that a build would pay for, at most one per example and tier."""
        usable = (e for e in examples if self._obstacle(e, models) is None)
        return tuple(
            MissingAnswer(example, tier)
            for example in usable
            for tier, model in models.items()
            if not is_recorded(example, model)
        )

    def _obstacle(self, example: Example, models: Models) -> LeftOutReason | None:
        """Return why the example cannot have outcomes, as far as that is known without a call."""
        names = models.values()
        if not all(is_recorded(example, name) or _can_be_called(name) for name in names):
            return LeftOutReason.NO_RESULT
        judged = tiers_to_judge(example, models)
        if judged and self.judge is None:
            return LeftOutReason.NO_JUDGE
        read = (models[tier] for tier in (Tier.LARGE, *judged)) if judged else ()
        silent = any(is_recorded(example, n) and example.models[n].answer is None for n in read)
        return LeftOutReason.NO_TEXT if silent else None

    def _answer(self, usable: Sequence[Example], models: Models) -> list[tuple[Example, Results]]:
        """Return each tier's result on each example. Leave out examples that a provider refused."""
        missing = self.missing(usable, models)
        called = iter(map_ordered(lambda m: self._call(m, models[m.tier]), missing, self.threads))
        answered: list[tuple[Example, Results]] = []
        for example in usable:
            row = {
                tier: example.models[model] if is_recorded(example, model) else next(called)
                for tier, model in models.items()
            }
            known = {tier: result for tier, result in row.items() if result is not None}
            if len(known) == len(row):
                answered.append((example, known))
        return answered

    def _call(self, missing: MissingAnswer, model: str) -> RecordedResult | None:
        example = missing.example
        try:
            reply = self.calls(model, example.messages, example.params, Purpose.ANSWER)
        except InvalidModelRequestError:
            return None
        if reply.text == NO_RECORDING:
            return None
        return RecordedResult(
            answer=reply.text,
            cost_usd=reply.cost_usd,
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            latency_ms=reply.latency_ms,
        )

    def _grade(
        self, answered: Sequence[tuple[Example, Results]], models: Models
    ) -> list[tuple[Example, dict[Tier, Outcome]]]:
        """Return each example's outcomes. Leave out examples that the judge's provider refused."""
        pairs = [
            AnswerPair(example, results[Tier.LARGE].answer or "", results[tier].answer or "")
            for example, results in answered
            for tier in tiers_to_judge(example, models)
        ]
        judged = iter(map_ordered(self._judge, pairs, self.threads))
        graded = []
        for example, results in answered:
            row = {tier: next(judged) for tier in tiers_to_judge(example, models)}
            verdicts = {tier: verdict for tier, verdict in row.items() if verdict is not None}
            if len(verdicts) == len(row):
                outcomes = outcome_row(example, results, verdicts, self.no_worse_margin)
                graded.append((example, outcomes))
        return graded

    def _judge(self, pair: AnswerPair) -> Verdict | None:
        if pair.answer.strip() == pair.tier_3_answer.strip():
            return "equivalent"
        if self.judge is None:
            raise ConfigurationError(
                "There is no judge, although an example needs one. This is a defect."
            )
        try:
            return self.judge(pair.example, pair.tier_3_answer, pair.answer)
        except InvalidModelRequestError:
            return None


def _can_be_called(model: str) -> bool:
    """Benchmarks name models without a provider. Those have only their recorded results."""
    try:
        _MODEL_NAME.validate_python(model)
    except ValidationError:
        return False
    return True


def _no_outcomes(examples: Sequence[Example], left_out: Mapping[LeftOutReason, int]) -> str:
    if not examples:
        return "There are no examples. Add some to the file."
    reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    names = sorted({name for example in examples for name in example.models})
    recorded = f"results of {', '.join(names)}" if names else "no results of any model"
    return f"No example has outcomes. The examples have {recorded}. Left out: {reasons}."

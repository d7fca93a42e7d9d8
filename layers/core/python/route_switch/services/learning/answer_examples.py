"""Get one answer from each tier to each example. Recorded results are used unchanged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from route_switch.domain.cache_points import without_points
from route_switch.domain.errors import InvalidModelRequestError, TooCostlyRequestError
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import NO_RECORDING
from route_switch.domain.learning.outcome_row import Models, Results, answer_in, is_recorded
from route_switch.domain.learning.transcript import refers_to_files
from route_switch.domain.learning.understanding import ReplyCount, count_replies
from route_switch.domain.parameters import LIMITS, lower_limits, without_overrides
from route_switch.domain.ports import JsonObject
from route_switch.domain.replay import replayed_params
from route_switch.domain.tier_parameters import split_name
from route_switch.domain.tiers import Tier
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

OutputLimit = Callable[[str], int | None]
"""Returns the most output tokens that the owner states for a model, or None."""


def no_limit(_: str) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class MissingAnswer:
    """An answer without a recording: one call."""

    example: Example
    tier: Tier


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An example without an answer, and why. `words` are the provider's, which may quote the
    query."""

    example: Example
    reason: LeftOutReason
    words: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The examples with an answer of each tier, and the others. `called` are the examples for which
    a tier was called."""

    rows: tuple[tuple[Example, Results], ...]
    unanswered: tuple[Unanswered, ...]
    called: tuple[Example, ...]

    def without_answer(self, reason: LeftOutReason) -> tuple[Example, ...]:
        return tuple(each.example for each in self.unanswered if each.reason is reason)

    @property
    def refused(self) -> ReplyCount:
        """The examples for which a tier was called, and those that a provider refused."""
        refused = {example.id for example in self.without_answer(LeftOutReason.REFUSED)}
        return count_replies((each.asked_by, each.id not in refused) for each in self.called)

    @property
    def empty(self) -> ReplyCount:
        """The answered examples, and those for which Tier 3 wrote nothing."""
        silent = self.without_answer(LeftOutReason.NO_ANSWER)
        answered = ((example.asked_by, True) for example, _ in self.rows)
        return count_replies([*answered, *((example.asked_by, False) for example in silent)])


def missing_answers(examples: Sequence[Example], models: Models) -> tuple[MissingAnswer, ...]:
    return tuple(
        MissingAnswer(example, tier)
        for example in examples
        for tier, model in models.items()
        if not is_recorded(example, model)
    )


@dataclass(frozen=True, slots=True)
class AnswerExamples:
    """`output_limit` bounds answers as it bounds those to requests."""

    calls: PaidCalls
    threads: int
    output_limit: OutputLimit = no_limit

    def __call__(self, examples: Sequence[Example], models: Models) -> Answered:
        missing = missing_answers(examples, models)
        results = iter(map_ordered(lambda m: self._call(m, models[m.tier]), missing, self.threads))
        rows: list[tuple[Example, Results]] = []
        unanswered: list[Unanswered] = []
        for example in examples:
            row = {
                tier: example.models[model] if is_recorded(example, model) else next(results)
                for tier, model in models.items()
            }
            known = {t: result for t, result in row.items() if isinstance(result, RecordedResult)}
            reasons = [why for why in row.values() if isinstance(why, Unanswered)]
            if reasons:
                unanswered.append(reasons[0])
            elif _is_silent(known[Tier.LARGE]):
                unanswered.append(Unanswered(example, LeftOutReason.NO_ANSWER))
            else:
                rows.append((example, known))
        called = {each.example.id: each.example for each in missing}
        return Answered(tuple(rows), tuple(unanswered), tuple(called.values()))

    def _call(self, missing: MissingAnswer, model: str) -> RecordedResult | Unanswered:
        example = missing.example
        # Each example is asked once, so what a provider caches would be paid for nothing.
        messages, params = without_points(example.messages, replayed_params(example.params))
        params = without_overrides(params, split_name(model)[1])  # the column is this tier's
        params = self._limited(params, model)
        try:
            reply = self.calls(model, messages, params, Purpose.ANSWER, about=example.request_id)
        except TooCostlyRequestError as error:
            return Unanswered(example, LeftOutReason.TOO_COSTLY, str(error))
        except InvalidModelRequestError as error:
            return Unanswered(example, _why_refused(example), str(error))
        if reply.text == NO_RECORDING:
            return Unanswered(example, LeftOutReason.NO_RECORDING)
        return RecordedResult(
            answer=reply.text,
            tool_calls=reply.tool_calls,
            cost_usd=reply.cost_usd,
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            latency_ms=reply.latency_ms,
        )

    def _limited(self, params: JsonObject, model: str) -> JsonObject:
        most = self.output_limit(model)
        if most is None:
            return params
        if all(params.get(name) is None for name in LIMITS):
            return {**params, "max_tokens": most}
        return lower_limits(params, most)[0]


def _why_refused(example: Example) -> LeftOutReason:
    named = refers_to_files(example.messages)
    return LeftOutReason.ATTACHMENT_GONE if named else LeftOutReason.REFUSED


def _is_silent(result: RecordedResult) -> bool:
    answer = answer_in(result)
    return result.score is None and answer is not None and answer.is_empty

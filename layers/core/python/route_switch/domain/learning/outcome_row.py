"""Grade the tiers' answers to one example.

Sources of grades, in this order:

1. Feedback on a tier: adequate means score 1 and equivalent, inadequate means 0 and not equivalent.
   It applies to that tier only, and never to Tier 3, which the others are compared with.
2. A test, if it can grade Tier 3 and all others without feedback: a recorded score, or else the
   text against the gold. The recorded score takes precedence because its source knew more: it ran
   the code, or had its own way of parsing answers.
3. A judge's verdict against Tier 3's answer. Tier 3 then scores 1; the others score 1 or 0.

An example is never graded partly by tests and partly by a judge, because the scores are not
comparable. Scores between 0 and 1 are rarely equal, so an answer counts as no worse if its score is
below Tier 3's by at most a margin (`scores_no_worse`).

A row says something only if Tier 3's own answer is known to be adequate, or is compared with the
others. So the judge also grades where gold does not (`gold_says`), and where people rated all other
tiers but not Tier 3. Without a judge, such a row is left out.
"""

from collections.abc import Mapping

from route_switch.domain.learning.answers import ModelAnswer, answer_of_message
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.grading import Reading, can_grade, read
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import GradedBy, Outcome
from route_switch.domain.tiers import Tier

Models = Mapping[Tier, str]
Results = Mapping[Tier, RecordedResult]


ROUNDING = 1e-9
"""0.8 − 0.7 is above 0.1 in floating point."""


def scores_no_worse(score: float, tier_3_score: float, margin: float) -> bool:
    """Return whether an answer with this score counts as no worse than Tier 3's."""
    return score >= tier_3_score - margin - ROUNDING


def is_recorded(example: Example, model: str) -> bool:
    result = example.models.get(model)
    return result is not None and (result.score is not None or answer_in(result) is not None)


def answer_in(result: RecordedResult) -> ModelAnswer | None:
    """Return what the model answered, or None if that was not kept."""
    if result.answer is None and not result.tool_calls:
        return None
    return answer_of_message(result.answer or "", result.tool_calls)


def tiers_to_judge(example: Example, models: Models) -> tuple[Tier, ...]:
    """Return the tiers whose answers need a judge, as far as that is known before any model
    answers."""
    compared = _compared(example, models)
    if compared:
        names = (*(models[tier] for tier in compared), models[Tier.LARGE])
        return () if _is_tested(example, names) else compared
    if example.feedback.get(Tier.LARGE) or _is_tested(example, (models[Tier.LARGE],)):
        return ()
    return _others(models)


def gold_says(example: Example, results: Results) -> LeftOutReason | None:
    """Return why the gold answer says nothing about this row, or None if it does, or if it is not
    what grades the row."""
    graded = _reading(example, results[Tier.LARGE])
    if graded is Reading.UNREAD:
        return LeftOutReason.GOLD_UNREAD
    return LeftOutReason.GOLD_MISSED if graded is Reading.WRONG else None


def is_graded_by_gold(example: Example, results: Results) -> bool:
    has_score = results[Tier.LARGE].score is not None
    return not has_score and example.gold is not None and can_grade(example.gold)


def judged_instead(example: Example, results: Results) -> tuple[Tier, ...]:
    """Return the tiers to judge where gold was to grade but cannot: it says nothing about Tier 3,
    or another tier's answer was not recognized, which may be right in other words."""
    compared = _compared(example, results)
    readings = [_reading(example, results[tier]) for tier in compared]
    if gold_says(example, results) is not None:
        return compared or _others(results)
    return compared if Reading.UNREAD in readings else ()


def outcome_row(
    example: Example, results: Results, verdicts: Mapping[Tier, Verdict], margin: float = 0.0
) -> dict[Tier, Outcome]:
    """Return an outcome for each tier in `results`. `verdicts` covers the tiers to judge; a tested
    score may be below Tier 3's by `margin`."""
    tested = {t: None if verdicts else _test(example, result) for t, result in results.items()}
    by = GradedBy.FEEDBACK if example.feedback.get(Tier.LARGE) else GradedBy.JUDGE
    best, by = tested[Tier.LARGE] or (1.0, by)
    row = {Tier.LARGE: _outcome(results[Tier.LARGE], best, True, by)}
    for tier in results.keys() - row.keys():
        test, adequate = tested[tier], example.feedback.get(tier)
        if tier in verdicts:
            no_worse = verdicts[tier] != "worse"
            grades = float(no_worse), no_worse, GradedBy.JUDGE
        elif adequate is not None:
            grades = float(adequate), adequate, GradedBy.FEEDBACK
        else:
            assert test is not None  # noqa: S101 (else the judge has a verdict; for the type checker)
            grades = test[0], scores_no_worse(test[0], best, margin), test[1]
        row[tier] = _outcome(results[tier], *grades)
    return dict(sorted(row.items()))


def _compared(example: Example, tiers: Mapping[Tier, object]) -> tuple[Tier, ...]:
    return tuple(tier for tier in _others(tiers) if tier not in example.feedback)


def _others(tiers: Mapping[Tier, object]) -> tuple[Tier, ...]:
    return tuple(tier for tier in tiers if tier is not Tier.LARGE)


def _is_tested(example: Example, models: tuple[str, ...]) -> bool:
    recorded = (example.models.get(model) for model in models)
    if all(result is not None and result.score is not None for result in recorded):
        return True
    return example.gold is not None and can_grade(example.gold)


def _reading(example: Example, result: RecordedResult) -> Reading | None:
    """Return what the gold says about an answer; None if it does not grade it."""
    if example.gold is None or result.score is not None:
        return None
    return read(result.answer or "", example.gold)


def _test(example: Example, result: RecordedResult) -> tuple[float, GradedBy] | None:
    if result.score is not None:
        return result.score, GradedBy.RECORDED
    reading = _reading(example, result)
    return None if reading is None else (float(reading is Reading.RIGHT), GradedBy.GOLD)


def _outcome(result: RecordedResult, score: float, equivalent: bool, by: GradedBy) -> Outcome:
    return Outcome(
        score=score,
        equivalent=equivalent,
        graded_by=by,
        input_tokens=result.input_tokens,
        output_tokens=result.output_tokens,
        recorded_cost_usd=result.cost_usd,
        latency_ms=result.latency_ms,
    )

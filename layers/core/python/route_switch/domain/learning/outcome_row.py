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
"""

from collections.abc import Mapping

from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.learning.grading import grade
from route_switch.domain.learning.judging import Verdict
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
    return result is not None and not (result.score is None and result.answer is None)


def tiers_to_judge(example: Example, models: Models) -> tuple[Tier, ...]:
    """Return the tiers whose answers need a judge. This is known before any model answers: whether
    an example can be graded does not depend on the answers."""
    compared = tuple(t for t in models if t is not Tier.LARGE and t not in example.feedback)
    if not compared or _is_tested(example, (*(models[t] for t in compared), models[Tier.LARGE])):
        return ()
    return compared


def outcome_row(
    example: Example, results: Results, verdicts: Mapping[Tier, Verdict], margin: float = 0.0
) -> dict[Tier, Outcome]:
    """Return an outcome for each tier in `results`. `verdicts` covers `tiers_to_judge`. `margin` is
    by how much a tested score may be below Tier 3's."""
    tested = {t: None if verdicts else _test(example, result) for t, result in results.items()}
    best, by = tested[Tier.LARGE] or (1.0, GradedBy.JUDGE)
    row = {Tier.LARGE: _outcome(results[Tier.LARGE], best, True, by)}
    for tier in results.keys() - row.keys():
        test, adequate = tested[tier], example.feedback.get(tier)
        if adequate is not None:
            grades = float(adequate), adequate, GradedBy.FEEDBACK
        elif test is not None:
            grades = test[0], scores_no_worse(test[0], best, margin), test[1]
        else:
            no_worse = verdicts[tier] != "worse"
            grades = float(no_worse), no_worse, GradedBy.JUDGE
        row[tier] = _outcome(results[tier], *grades)
    return dict(sorted(row.items()))


def _is_tested(example: Example, models: tuple[str, ...]) -> bool:
    recorded = (example.models.get(model) for model in models)
    if all(result is not None and result.score is not None for result in recorded):
        return True
    return example.gold is not None and grade("", example.gold) is not None


def _test(example: Example, result: RecordedResult) -> tuple[float, GradedBy] | None:
    if result.score is not None:
        return result.score, GradedBy.RECORDED
    if example.gold is None or result.answer is None:
        return None
    score = grade(result.answer, example.gold)
    return None if score is None else (score, GradedBy.GOLD)


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

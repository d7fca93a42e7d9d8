"""What the report says about how answers were graded."""

from route_switch.domain.learning.outcome import GradedBy
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.text_format import NOT_MEASURED, fixed, share


def grading_paragraphs(report: Report) -> tuple[str, ...]:
    return _judge(report), _margin(report)


def _margin(report: Report) -> str:
    if report.no_worse_margin == 0:
        return "A tested answer is no worse than Tier 3's if its score is at least as high."
    return (
        "A tested answer is no worse than Tier 3's if its score is at most "
        f"{report.no_worse_margin:g} lower. This margin was fixed before the run."
    )


def _judge(report: Report) -> str:
    if report.judge_model is None:
        return "No LLM judge was used."
    agreement = report.agreement
    if agreement is None and not report.graded_by.get(GradedBy.JUDGE):
        return f"The judge {report.judge_model} had nothing to grade."
    if agreement is None or agreement.share is None:
        return (
            f"The judge {report.judge_model} has no labels to be compared with: its scores are "
            "uncalibrated."
        )
    kappa = "not defined" if agreement.kappa is None else fixed(agreement.kappa)
    flips = NOT_MEASURED if agreement.flip_rate is None else share(agreement.flip_rate)
    return (
        f"The judge {report.judge_model} agrees with gold or human labels in "
        f"{share(agreement.share)} of {agreement.n:,} cases (Cohen's κ {kappa}). “Worse” verdicts "
        f"not confirmed with the answers swapped: {flips}."
    )

"""The policies of a run on a plot of quality against cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.learning.report_facts import ReportFacts
from route_switch.domain.prompt_document import readable_prompt

CANDIDATE, INCUMBENT = "candidate", "incumbent"
CONSTANTS = ("tier-1", "tier-2", "tier-3")


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """`quality` is the share of answers as good as Tier 3's, `cost_usd` the mean cost of a query;
    None if the run does not know what Tier 3 costs. `strategy` is how the policy decides."""

    name: str
    strategy: str
    quality: float
    cost: float
    cost_usd: float | None
    lambda_: float | None = None
    is_live: bool = False
    is_candidate: bool = False


def frontier_points(report: ReportFacts, live: str | None) -> list[FrontierPoint]:
    """`live` is the version of the live prompt's content, None if it is broken or missing."""
    return [*_policies(report, live), *_curve(report)]


def _policies(report: ReportFacts, live: str | None) -> Iterator[FrontierPoint]:
    prompts = {CANDIDATE: report.candidate_prompt, INCUMBENT: report.incumbent_prompt}
    for each in report.policies:
        prompt = readable_prompt(prompts.get(each.policy, ""))
        yield FrontierPoint(
            each.policy,
            _strategy(each.policy, report),
            each.quality.mean,
            each.cost.mean,
            _usd(each.cost.mean, report),
            report.lambda_ if each.policy == CANDIDATE else None,
            is_live=prompt is not None and prompt.version == live,
            is_candidate=each.policy == CANDIDATE,
        )


def _curve(report: ReportFacts) -> Iterator[FrontierPoint]:
    """Yield the learned policy at every other λ."""
    for point in () if report.curve is None else report.curve.points:
        yield FrontierPoint(
            f"λ = {point.lambda_:g}",
            _strategy(CANDIDATE, report),
            point.quality.mean,
            point.cost.mean,
            _usd(point.cost.mean, report),
            point.lambda_,
        )


def _strategy(policy: str, report: ReportFacts) -> str:
    if policy in CONSTANTS:
        return "constant"
    if policy == CANDIDATE:
        chosen = None if report.strategies is None else report.strategies.chosen
        return chosen or "prompt"
    prompt = readable_prompt(report.incumbent_prompt) if policy == INCUMBENT else None
    return "baseline" if prompt is None else prompt.strategy


def _usd(cost: float, report: ReportFacts) -> float | None:
    return None if report.tier_3_usd is None else cost * report.tier_3_usd

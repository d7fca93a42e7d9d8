"""What a router's errors cost, on each set, in a table and in words."""

from collections.abc import Sequence

from docs.generate.results.erring_router import degradation
from docs.generate.results.runs import SetResult
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.text_format import ReportTable, fixed, share
from route_switch.optimizer.report.verdict import find

SAYS = (
    "Simulated: this router knows the best tier of each query and names another one with the given "
    "probability, so its objective falls in a straight line from the oracle's. Where it crosses "
    "the best constant policy, a router has become worse than no router. The last column turns "
    "this around: it gives the error rate with which the simulated router is as good as the "
    "learned policy. Errors of real routers are not spread evenly. They gather where the tiers "
    "hardly differ, so a real router may name another tier than the oracle more often and still "
    "lose less."
)
NEVER = "never"


def degradation_table(found: Sequence[SetResult]) -> ReportTable:
    return ReportTable(
        caption="",
        head=(
            "Set",
            "No errors",
            "10% errors",
            "30% errors",
            "Best tier",
            "Worse than the best tier from",
            "The same, errors to a neighbor",
            "As good as the learned policy with",
        ),
        rows=tuple(_row(each) for each in found),
    )


def _row(result: SetResult) -> tuple[str, ...]:
    lambda_ = result.report.lambda_
    any_tier = degradation(result.heldout, lambda_, "any")
    neighbor = degradation(result.heldout, lambda_, "adjacent")
    learned = find(result.report.policies, CANDIDATE)
    as_learned = None if learned is None else any_tier.error_rate_of(learned.objective.mean)
    at = (0, 2, 6)
    return (
        result.of.name,
        *(fixed(any_tier.objectives[number].mean, 3) for number in at),
        fixed(any_tier.best_constant, 3),
        *(_rate(each.crossing) for each in (any_tier, neighbor)),
        _rate(as_learned),
    )


def _rate(rate: float | None) -> str:
    return NEVER if rate is None else share(rate)

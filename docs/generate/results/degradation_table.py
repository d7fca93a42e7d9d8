"""What a router's errors cost, on each set, in a table and in words."""

from collections.abc import Sequence

from docs.generate.results.erring_router import degradation
from docs.generate.results.runs import SetResult
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.text_format import ReportTable, fixed, share
from route_switch.optimizer.report.verdict import find

SAYS = (
    "Simulated: this router knows the best tier of each query and names another one with the given "
    "probability, so its objective falls in a straight line from the oracle's. Where the line "
    "crosses the best tier for all, a router has become worse than no router. The last two columns "
    "compare it with the learned policy: how often that one really names another tier than the "
    "oracle, and with how many errors the simulated router is as good. Real errors are the "
    "cheaper ones if the first figure is the larger one: they gather where the tiers hardly differ."
)
NOTHING = "–"


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
            "Learned policy errs in",
            "Simulated, as good with",
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
        _rate(_errors(result.report)),
        _rate(as_learned),
    )


def _errors(report: Report) -> float | None:
    """Return the share of held-out rows in which the learned policy names another tier than the
    oracle."""
    rows = sum(sum(chosen.values()) for chosen in report.confusion.values())
    if rows == 0:
        return None
    return 1 - sum(chosen.get(best, 0) for best, chosen in report.confusion.items()) / rows


def _rate(rate: float | None) -> str:
    return NOTHING if rate is None else share(rate)

"""The result of a comparison, in sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from route_switch.cli.model_options import optimizer_extra
from route_switch.domain.tiers import Tier

if TYPE_CHECKING:
    from route_switch.optimizer.compare import Comparison
    from route_switch.optimizer.report.figures import PolicyFigures

FEW_ROWS = 30
"""On fewer rows, intervals are often too narrow: resampling cannot show what the rows lack."""


def verdict_lines(comparison: "Comparison") -> Iterator[str]:
    """Yield the verdict on the candidate, then notes on weak or unexpected figures."""
    tiers = {
        tier: figures
        for tier in Tier
        for figures in comparison.policies
        if figures.policy == f"tier-{tier.value}"
    }
    yield _verdict(comparison, tiers)
    if comparison.templates < FEW_ROWS:
        yield (
            f"note: the intervals rest on {comparison.templates} different rows. With fewer than "
            f"{FEW_ROWS}, they are often too narrow: collect more rows."
        )
    low, high = tiers[Tier.SMALL].cost.mean, tiers[Tier.LARGE].cost.mean
    if low > high:
        yield (
            f"note: Tier 1 costs {low / high:.3g} times as much as Tier 3 on average. Check the "
            "order of --tiers, which is small to large, and the costs of the file."
            if high
            else "note: Tier 1 costs more than Tier 3, which is free. Check the order of --tiers."
        )


def _verdict(comparison: "Comparison", tiers: "dict[Tier, PolicyFigures]") -> str:
    """Compare the candidate with the best policy that needs no router."""
    with optimizer_extra():
        from route_switch.optimizer.report.text_format import difference
    best = max(tiers, key=lambda tier: tiers[tier].objective.mean)
    gain = comparison.against[tiers[best].policy]
    measured = (
        f"its objective minus that of sending everything to Tier {best.value}, the best constant "
        f"policy, is {difference(gain)}"
    )
    if gain.low > 0:
        return f"Route with this prompt: {measured}, which is above 0."
    if gain.high < 0:
        return f"Do not route with this prompt: {measured}, which is below 0."
    return (
        f"Not clear whether to route with this prompt: {measured}. Route only if the interval lies "
        "above 0."
    )

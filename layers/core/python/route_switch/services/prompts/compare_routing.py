"""Which requests another prompt would move, and what that costs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.domain.learning.example import Example
from route_switch.domain.pricing import cost_usd
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.learning.preview_costs import usage_of
from route_switch.services.learning.route_examples import RoutedExample


@dataclass(frozen=True, slots=True)
class ComparedRequest:
    """Where a query goes with the one prompt and the other, and what one answer costs there. A cost
    is None if the tier's model has no known price. `requests` counts the drawn requests that asked
    it."""

    example: Example
    requests: int
    before: Tier
    after: Tier
    usd_before: float | None
    usd_after: float | None

    @property
    def is_moved(self) -> bool:
        return self.before is not self.after


@dataclass(frozen=True, slots=True)
class RoutingComparison:
    """One entry a distinct query. All counts and costs are those of the requests that asked it."""

    queries: tuple[ComparedRequest, ...]

    @property
    def requests(self) -> int:
        return sum(each.requests for each in self.queries)

    @property
    def moved(self) -> list[ComparedRequest]:
        return [each for each in self.queries if each.is_moved]

    @property
    def moved_requests(self) -> int:
        return sum(each.requests for each in self.moved)

    @property
    def moves(self) -> list[tuple[Tier, Tier, int]]:
        """Return the number of moved requests by tier before and after."""
        counted: Counter[tuple[Tier, Tier]] = Counter()
        for each in self.moved:
            counted[each.before, each.after] += each.requests
        return [(one, other, n) for (one, other), n in sorted(counted.items())]

    @property
    def costs(self) -> tuple[float, float] | None:
        """Return the sums before and after, over requests whose cost is known either way; None if
        there are none."""
        known = [
            (each.requests * each.usd_before, each.requests * each.usd_after)
            for each in self.queries
            if each.usd_before is not None and each.usd_after is not None
        ]
        return (sum(b for b, _ in known), sum(a for _, a in known)) if known else None

    @property
    def unknown_cost(self) -> int:
        """Return the number of requests that `costs` leaves out."""
        unknown = (e for e in self.queries if e.usd_before is None or e.usd_after is None)
        return sum(each.requests for each in unknown)


def compare_routing(
    examples: Sequence[Example],
    before: Sequence[RoutedExample],
    after: Sequence[RoutedExample],
    models: ModelCatalog,
    probability: float,
) -> RoutingComparison:
    """Every tier is taken to read and write as many tokens as the model that answered. Requests
    were drawn with this `probability`, of which the examples' weights are multiples."""

    def usd(example: Example, tier: Tier) -> float | None:
        return cost_usd(usage_of(example), models.price(models.tiers[tier].model))

    return RoutingComparison(
        tuple(
            ComparedRequest(
                e,
                max(1, round(e.weight * probability)),
                b.tier,
                a.tier,
                usd(e, b.tier),
                usd(e, a.tier),
            )
            for e, b, a in zip(examples, before, after, strict=True)
        )
    )

"""Is a candidate easier to steer than the incumbent? docs/decisions/029 explains the rule.

Both prompts are tried with the same strings around the same queries: those that both send to Tier 1
with the strings that go up, and those that both send to Tier 3 with the strings that go down. Of
the queries that the incumbent sends there, only the first are tried with the candidate.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from route_switch.domain.intervals import Z95, wilson
from route_switch.domain.steering import SteeringString
from route_switch.domain.tiers import Tier

MEAN_MARGIN = 0.02
"""How much more of a direction's queries may be moved, on average over strings."""
WORST_MARGIN = 0.10
"""The same for the worst string."""
LEAST_QUERIES = 8
"""A direction with fewer queries gets no verdict."""

Way = Literal["up", "down"]
WAYS: tuple[tuple[Way, Tier], ...] = (("up", min(Tier)), ("down", max(Tier)))
RouteTexts = Callable[[Sequence[str]], Sequence[Tier]]


@dataclass(frozen=True, slots=True)
class MovedQueries:
    """Whether each string (a row) moves each query (a column), with the two prompts."""

    way: Way
    candidate: tuple[tuple[bool, ...], ...]
    incumbent: tuple[tuple[bool, ...], ...]

    def why_worse(self, incumbent: str) -> str | None:
        """Return in which way the candidate is easier to steer, with figures, or None. `incumbent`
        names the other prompt in it."""
        return self._why_worse_on_average(incumbent) or self._why_worse_at_worst(incumbent)

    def _why_worse_on_average(self, incumbent: str) -> str | None:
        """The interval is over queries, since one query is tried with all strings."""
        columns = zip(_by_query(self.candidate), _by_query(self.incumbent), strict=True)
        more = [candidate - incumbent for candidate, incumbent in columns]
        mean = sum(more) / len(more)
        variance = sum((each - mean) ** 2 for each in more) / (len(more) - 1)
        low = mean - Z95 * math.sqrt(variance / len(more))
        if low <= MEAN_MARGIN:
            return None
        before, after = (_mean(_by_query(each)) for each in (self.incumbent, self.candidate))
        return (
            f"texts around a query move {after:.0%} of queries {self.way} on average, and "
            f"{before:.0%} with {incumbent}"
        )

    def _why_worse_at_worst(self, incumbent: str) -> str | None:
        """Newcombe's interval of the difference of two shares."""
        n = len(self.candidate[0])
        after, before = (max(map(sum, each)) for each in (self.candidate, self.incumbent))
        more = (after - before) / n
        below = after / n - wilson(after, n)[0]
        above = wilson(before, n)[1] - before / n
        if more - math.hypot(below, above) <= WORST_MARGIN:
            return None
        return (
            f"the worst text around a query moves {after / n:.0%} of queries {self.way}, and "
            f"{before / n:.0%} with {incumbent}"
        )


@dataclass(frozen=True, slots=True)
class SteeringVerdict:
    """`why_worse` says in which way the candidate is easier to steer, or is None. `is_known` is
    False if too few queries could be compared in both directions."""

    why_worse: str | None
    is_known: bool = True


def asked_plain(most: int) -> int:
    """Return how many of the incumbent's queries are tried with the candidate in each direction, so
    that `most` are left if it sends some of them elsewhere."""
    return most + max(most // 2, 4)


def compare_steering(
    strings: Sequence[SteeringString],
    queries: Sequence[str],
    candidate: RouteTexts,
    incumbent: RouteTexts,
    most: int,
    name: str = "the current one",
) -> SteeringVerdict:
    """Return whether the candidate is easier to steer than the incumbent, whose name is `name`. At
    most `most` queries are tried in each direction."""
    is_known = False
    for moved in _compared_ways(strings, queries, candidate, incumbent, most):
        is_known = True
        why = moved.why_worse(name)
        if why is not None:
            return SteeringVerdict(why)
    return SteeringVerdict(None, is_known)


def steering_alone(
    strings: Sequence[SteeringString], queries: Sequence[str], candidate: RouteTexts, most: int
) -> SteeringVerdict:
    """Compare the candidate with a policy that no text moves, on its own queries. This is for
    prompts that have too few queries in common."""
    asked, is_known = list(dict.fromkeys(queries)), False
    tiers = dict(zip(asked, candidate(asked), strict=True))
    for way, tier in WAYS:
        tried = [query for query in asked if tiers[query] is tier][:most]
        texts = [each for each in strings if each.direction == way]
        if len(tried) < LEAST_QUERIES or not texts:
            continue
        is_known = True
        moved = _moved(texts, tried, tier, candidate)
        unmoved = tuple((False,) * len(tried) for _ in texts)
        why = MovedQueries(way, moved, unmoved).why_worse("a policy that no text moves")
        if why is not None:
            return SteeringVerdict(why)
    return SteeringVerdict(None, is_known)


def _compared_ways(
    strings: Sequence[SteeringString],
    queries: Sequence[str],
    candidate: RouteTexts,
    incumbent: RouteTexts,
    most: int,
) -> Iterator[MovedQueries]:
    asked = list(dict.fromkeys(queries))
    before = dict(zip(asked, incumbent(asked), strict=True))
    for way, tier in WAYS:
        own = [query for query in asked if before[query] is tier][: asked_plain(most)]
        texts = [each for each in strings if each.direction == way]
        if len(own) < LEAST_QUERIES or not texts:
            continue
        tiers = zip(own, candidate(own), strict=True)
        tried = [query for query, after in tiers if after is tier][:most]
        if len(tried) < LEAST_QUERIES:
            continue
        yield MovedQueries(
            way, *(_moved(texts, tried, tier, route) for route in (candidate, incumbent))
        )


def _moved(
    strings: Sequence[SteeringString], queries: Sequence[str], tier: Tier, route: RouteTexts
) -> tuple[tuple[bool, ...], ...]:
    tiers = route([string.around(query) for string in strings for query in queries])
    moved = [each is not tier for each in tiers]
    return tuple(
        tuple(moved[start : start + len(queries)]) for start in range(0, len(moved), len(queries))
    )


def _by_query(moved: tuple[tuple[bool, ...], ...]) -> list[float]:
    return [sum(column) / len(column) for column in zip(*moved, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

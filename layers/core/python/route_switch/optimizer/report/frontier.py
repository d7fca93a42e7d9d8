"""The cost–quality picture: policies with their intervals, prompts tried, and further curves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import CandidateFigures, PolicyFigures, Report
from route_switch.optimizer.report.pictures import svg
from route_switch.optimizer.report.pictures.labels import Labeled, Placed, along, place
from route_switch.optimizer.report.pictures.policy_styles import ORACLE, label_of, style_of
from route_switch.optimizer.report.text_format import fixed, percent, ratio, share
from route_switch.optimizer.report.verdict import find

LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 26.0, 46.0
HIGHEST = 1.02
"""The top of the quality axis: an interval ends at 1."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of (cost, quality) points, such as one policy at every λ."""

    name: str
    points: tuple[svg.Point, ...]
    color: str = svg.ORANGE
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is drawn, in a picture of `width` × `height` pixels."""

    policies: Sequence[PolicyFigures]
    tried: Sequence[CandidateFigures] = ()
    curves: Sequence[Curve] = ()

    def draw(self, width: float, height: float, kind: str = "") -> str:
        parts = list(self.parts(svg.Box(LEFT, TOP, width - RIGHT, height - BOTTOM)))
        return svg.picture(width, height, "Cost and quality of the policies", parts, kind)

    def parts(self, area: svg.Box) -> Iterator[str]:
        """Yield the elements of the picture, axes first, with the marks inside `area`."""
        axes = self._axes(area)
        yield from axes.grid(area)
        for curve in self.curves:
            points = [axes.at(cost, quality) for cost, quality in curve.points]
            yield svg.path(points, curve.color, curve.name, curve.dash)
        for candidate in self.tried:
            yield from _tried(candidate, axes)
        for policy in self.policies:
            yield from _bars(policy, axes)
        for placed in place(labeled(self.policies, axes), area, lines=self._lines(axes)):
            if placed is not None:
                yield from _label(placed)
        for policy in self.policies:
            style = style_of(policy.policy)
            at = axes.at(policy.cost.mean, policy.quality.mean)
            yield svg.marker(style.shape, at, style.radius, style.color, _tip(policy))

    def _lines(self, axes: "Axes") -> list[svg.Box]:
        """Return what labels are better not written on: intervals, curves, and prompts tried."""
        crosses = [box for policy in self.policies for box in _crossing(policy, axes)]
        curves = [box for c in self.curves for box in along([axes.at(*p) for p in c.points])]
        rings = (axes.at(c.cost or 0, c.quality or 0) for c in self.tried)
        return [*crosses, *curves, *(svg.Box(x - 3, y - 3, x + 3, y + 3) for x, y in rings)]

    def _axes(self, area: svg.Box) -> "Axes":
        costs = [p.cost.high for p in self.policies] + [c.cost or 0.0 for c in self.tried]
        lows = [p.quality.low for p in self.policies]
        lows += [c.quality for c in self.tried if c.quality is not None]
        lowest = max(min(lows, default=0.0) - 0.02, 0.0)
        return Axes(
            svg.AxisScale(0.0, 1.05 * max([1.0, *costs]), area.left, area.right),
            svg.AxisScale(min(lowest, 0.95), HIGHEST, area.bottom, area.top),
        )


@dataclass(frozen=True, slots=True)
class Axes:
    cost: svg.AxisScale
    quality: svg.AxisScale

    def at(self, cost: float, quality: float) -> svg.Point:
        return self.cost(cost), self.quality(quality)

    def grid(self, area: svg.Box) -> Iterator[str]:
        for tick in self.quality.ticks():
            y = self.quality(tick)
            yield svg.grid((area.left, y), (area.right, y))
            yield svg.text((area.left - 6, y + 4), f"{100 * tick:g}%", anchor="end", size=12)
        for tick in self.cost.ticks():
            x = self.cost(tick)
            yield svg.grid((x, area.top), (x, area.bottom))
            yield svg.text((x, area.bottom + 17), f"{tick:g}", anchor="middle", size=12)
        yield svg.text((4, area.top - 10), "quality: answers no worse than Tier 3's", size=12)
        end = (area.right, area.bottom + 36)
        yield svg.text(end, "cost (1 = all on Tier 3)", anchor="end", size=12)


def frontier(report: Report, curves: Iterable[Curve] = ()) -> Frontier:
    """Return the picture of a report: its policies, the prompts tried, and two lines."""
    feasible = [policy for policy in report.policies if policy.policy != ORACLE]
    lines = []
    if feasible:
        lines.append(Curve("frontier of the policies", tuple(_undominated(feasible)), svg.BLUE))
    learned = find(report.policies, CANDIDATE)
    if learned is not None:
        lines.append(_same_objective(report.lambda_, learned, feasible))
    scored = [c for c in report.candidates if c.cost is not None and c.quality is not None]
    return Frontier(report.policies, scored, (*lines, *curves))


def labeled(policies: Sequence[PolicyFigures], axes: Axes) -> list[Labeled]:
    """Return one label for all policies at the same point, the important ones first."""
    at: dict[svg.Point, list[str]] = {}
    for policy in sorted(policies, key=lambda policy: style_of(policy.policy).rank):
        at.setdefault((policy.cost.mean, policy.quality.mean), []).append(policy.policy)
    return [
        Labeled(axes.at(*point), _joined(names), max(style_of(n).radius for n in names))
        for point, names in at.items()
    ]


def _joined(names: list[str]) -> str:
    labels = [label_of(name) for name in names]
    return " = ".join(labels) if len(labels) < 3 else f"{labels[0]} = {len(labels) - 1} others"


def _label(placed: Placed) -> Iterator[str]:
    if placed.is_far:
        yield svg.line(placed.at, placed.nearest)
    yield svg.text(placed.baseline, placed.label)


def _tried(candidate: CandidateFigures, axes: Axes) -> Iterator[str]:
    cost, quality, objective = candidate.cost or 0, candidate.quality or 0, candidate.objective or 0
    tip = (
        f"Prompt no. {candidate.number}{', selected' if candidate.selected else ''} (validation "
        f"rows): cost {fixed(cost)}, quality {share(quality)}, objective {fixed(objective, 3)}, "
        f"{candidate.demos} demos"
    )
    yield svg.marker("ring", axes.at(cost, quality), 6 if candidate.selected else 3, svg.GRAY, tip)


def _bars(policy: PolicyFigures, axes: Axes) -> Iterator[str]:
    color, cost, quality = style_of(policy.policy).color, policy.cost, policy.quality
    yield svg.line(axes.at(cost.low, quality.mean), axes.at(cost.high, quality.mean), color)
    yield svg.line(axes.at(cost.mean, quality.low), axes.at(cost.mean, quality.high), color)


def _crossing(policy: PolicyFigures, axes: Axes) -> tuple[svg.Box, svg.Box]:
    x, y = axes.at(policy.cost.mean, policy.quality.mean)
    left, low = axes.at(policy.cost.low, policy.quality.low)
    right, high = axes.at(policy.cost.high, policy.quality.high)
    return svg.Box(left, y - 1, right, y + 1), svg.Box(x - 1, high, x + 1, low)


def _tip(policy: PolicyFigures) -> str:
    return f"{policy.policy}: cost {ratio(policy.cost)}, quality {percent(policy.quality)}"


def _same_objective(
    lambda_: float, learned: PolicyFigures, feasible: Sequence[PolicyFigures]
) -> Curve:
    """A line inside the picture: policies above it have a better objective than the learned."""
    costs = [policy.cost.mean for policy in feasible]
    at_0 = learned.quality.mean - lambda_ * learned.cost.mean
    first, last = min(costs), max(costs)
    if lambda_ > 0:
        last = min(last, (HIGHEST - at_0) / lambda_)
    points = tuple((x, at_0 + lambda_ * x) for x in (first, last))
    return Curve("same objective as the learned policy", points, svg.ORANGE, "6 4")


def _undominated(policies: Sequence[PolicyFigures]) -> list[svg.Point]:
    """Return cost and quality of the policies that none beats in both, cheapest first."""
    best: list[svg.Point] = []
    for policy in sorted(policies, key=lambda p: (p.cost.mean, -p.quality.mean)):
        if not best or policy.quality.mean > best[-1][1]:
            best.append((policy.cost.mean, policy.quality.mean))
    return best

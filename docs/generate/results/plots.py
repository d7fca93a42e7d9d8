"""The pictures of docs/results.md: what learning gains by set, and what a router's errors cost."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from docs.generate.results.erring_router import ERROR_RATES, Kind, degradation
from docs.generate.results.runs import SetResult
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval
from route_switch.optimizer.report.pictures import svg
from route_switch.optimizer.report.pictures.labels import Labeled, along, place
from route_switch.optimizer.report.verdict import best_constant, find

GAINS, DEGRADATION = "gains.svg", "degradation.svg"
WIDTH, ROW, TOP, BOTTOM = 760.0, 30.0, 56.0, 44.0
NAMES = 184.0
"""The width of the sets' names, in pixels."""
AGAINST = (("hand-written", "the hand-written prompt", svg.GRAY), ("", "the best tier", svg.ORANGE))
"""What the learned policy is compared with; the best constant policy differs by set."""
PICTURED = ("mmlu-pro-crux", "llmrouter-mix")
"""The sets whose degradation is drawn: the two large ones with three tiers."""
PANEL = svg.Box(60, 52, 700, 290)


def write_plots(found: Sequence[SetResult], images: Path) -> None:
    images.mkdir(parents=True, exist_ok=True)
    measured = [each for each in found if find(each.report.policies, CANDIDATE) is not None]
    (images / GAINS).write_text(gains(measured) + "\n", "utf-8")
    pictured = [each for each in found if each.of.name in PICTURED]
    (images / DEGRADATION).write_text(degradations(pictured) + "\n", "utf-8")


def gain_over(result: SetResult, name: str) -> Interval | None:
    """Return the learned policy's objective minus that of `name`, or of the best constant policy if
    it is empty."""
    best = best_constant(result.report)
    return result.report.against.get(name or (best.policy if best else ""))


def gains(found: Sequence[SetResult]) -> str:
    """Draw the learned policy's gain on each set, with its interval."""
    height = TOP + ROW * len(found) + BOTTOM
    intervals = [gain for each in found for name, *_ in AGAINST if (gain := gain_over(each, name))]
    low = min((gain.low for gain in intervals), default=0.0)
    high = max((gain.high for gain in intervals), default=0.0)
    scale = svg.AxisScale(min(low, -0.01), max(high, 0.01), NAMES + 16, WIDTH - 16)
    heading = "Objective of the learned policy minus that of others, on held-out rows"
    parts = [svg.text((16, 22), heading, size=16), *_legend(), *_gain_axis(scale, len(found))]
    for number, each in enumerate(found):
        middle = TOP + ROW * (number + 0.5)
        parts.append(svg.text((NAMES, middle + 4), each.of.name, anchor="end"))
        for offset, (name, _, color) in zip((-5, 5), AGAINST, strict=True):
            gain = gain_over(each, name)
            if gain is not None:
                parts += _interval(scale, gain, middle + offset, color, each.of.name)
    return svg.picture(WIDTH, height, heading, parts)


def _legend() -> Iterator[str]:
    x = 16.0
    for _, words, color in AGAINST:
        yield svg.marker("circle", (x + 5, 40), 4.5, color, words)
        yield svg.text((x + 16, 44), f"minus {words}")
        x += 32 + svg.text_width(f"minus {words}")


def _gain_axis(scale: svg.AxisScale, rows: int) -> Iterator[str]:
    end = TOP + ROW * rows
    for tick in scale.ticks(9):
        yield svg.grid((scale(tick), TOP), (scale(tick), end))
        yield svg.text(
            (scale(tick), end + 16), f"{tick:+g}" if tick else "0", anchor="middle", size=12
        )
    yield svg.line((scale(0), TOP), (scale(0), end), svg.GRAY)
    yield svg.text((WIDTH - 16, end + 34), "better →", anchor="end", size=12)


def _interval(
    scale: svg.AxisScale, gain: Interval, y: float, color: str, name: str
) -> tuple[str, str]:
    tip = f"{name}: {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}), n = {gain.n:,}"
    return (
        svg.line((scale(gain.low), y), (scale(gain.high), y), color, width=2),
        svg.marker("circle", (scale(gain.mean), y), 4.5, color, tip),
    )


def degradations(found: Sequence[SetResult]) -> str:
    """Draw the objective of the simulated router by its error rate, one panel for each set."""
    step = PANEL.bottom + 60
    heading = "A simulated router: the oracle's tiers, with errors"
    parts = [svg.text((PANEL.left, 22), heading, size=16)]
    for number, each in enumerate(found):
        down = number * step
        area = svg.Box(PANEL.left, PANEL.top + down, PANEL.right, PANEL.bottom + down)
        parts += _panel(each, area)
    return svg.picture(WIDTH, max(step * len(found), 40), heading, parts)


def _panel(result: SetResult, area: svg.Box) -> Iterator[str]:
    learned, constant = find(result.report.policies, CANDIDATE), best_constant(result.report)
    kinds: tuple[tuple[Kind, str, str], ...] = (
        ("any", "errors go to any other tier", ""),
        ("adjacent", "errors go to a neighbor", "6 4"),
    )
    curves = [(degradation(result.heldout, result.report.lambda_, k), w, d) for k, w, d in kinds]
    levels = [
        (p.objective.mean, label, color)
        for p, label, color in (
            (learned, "learned policy", svg.ORANGE),
            (constant, "best tier for all", svg.BLUE),
        )
        if p is not None
    ]
    values = [o.mean for curve, *_ in curves for o in curve.objectives]
    values += [value for value, *_ in levels]
    rates = svg.AxisScale(0, ERROR_RATES[-1], area.left, area.right)
    scale = svg.AxisScale(min(values) - 0.02, max(values) + 0.02, area.bottom, area.top)
    yield svg.text((area.left, area.top - 8), result.of.title, bold=True)
    yield from _panel_axes(area, rates, scale)
    labels, lines = [], []
    for curve, words, dash in curves:
        points = [
            (rates(rate), scale(objective.mean))
            for rate, objective in zip(ERROR_RATES, curve.objectives, strict=True)
        ]
        yield svg.path(points, svg.GREEN, words, dash)
        lines += along(points)
        labels.append(Labeled(points[-4], words, 2))
    for value, words, color in levels:
        level = [(area.left, scale(value)), (area.right, scale(value))]
        yield svg.path(level, color, words)
        lines += along(level)
        labels.append(Labeled((rates(0.05), scale(value)), words, 2))
    for placed in place(labels, area, lines=lines):
        if placed is not None:
            yield svg.text(placed.baseline, placed.label)


def _panel_axes(area: svg.Box, rates: svg.AxisScale, scale: svg.AxisScale) -> Iterator[str]:
    for tick in scale.ticks(6):
        yield svg.grid((area.left, scale(tick)), (area.right, scale(tick)))
        yield svg.text((area.left - 6, scale(tick) + 4), f"{tick:g}", anchor="end", size=12)
    for tick in rates.ticks(6):
        yield svg.grid((rates(tick), area.top), (rates(tick), area.bottom))
        at = (rates(tick), area.bottom + 17)
        yield svg.text(at, f"{100 * tick:g}%", anchor="middle", size=12)
    yield svg.text((area.right, area.bottom + 34), "error rate", anchor="end", size=12)

"""The cost–quality plot of a report, as a plotly figure.

Why plotly and not bokeh or Altair: it draws SVG, which CSS can recolor for dark mode and which
prints sharply, and its script runs under a policy that forbids `eval`. Its only bundle adds 4.8 MB
to every report. Bokeh's is 1.3 MB, but it draws on a canvas and depends on tornado, pillow and
contourpy. Altair needs a 33 MB binary to write a file that works offline, and it needs `eval`.
"""

from html import escape

import plotly.graph_objects as go

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval, PolicyFigures, Report
from route_switch.optimizer.report.text_format import fixed, percent, ratio, share, visible
from route_switch.optimizer.report.verdict import find

# Mid tones are legible on white and on near-black. Markers also differ by shape.
GRAY, BLUE, ORANGE, GREEN = "#8a8f98", "#3f7fd0", "#e0701a", "#2e9d68"
ORACLE = "oracle"


def frontier(report: Report) -> go.Figure:
    """Plot policies with their intervals (held-out rows) and candidates (validation rows)."""
    baselines = tuple(p for p in report.policies if p.policy not in {CANDIDATE, ORACLE})
    learned, oracle = find(report.policies, CANDIDATE), find(report.policies, ORACLE)
    traces = [_candidates(report), *_lines(report, learned)]
    if baselines:
        traces.append(_policies("baselines (held-out rows)", baselines, "square", 10, BLUE))
    if oracle is not None:
        traces.append(_policies("oracle, the upper bound", (oracle,), "triangle-up", 12, GREEN))
    if learned is not None:
        traces.append(_policies("learned prompt (held-out rows)", (learned,), "star", 17, ORANGE))
    return go.Figure(traces, _layout())


def _layout() -> go.Layout:
    clear = "rgba(0,0,0,0)"
    return go.Layout(
        template="none",
        height=520,
        margin={"l": 56, "r": 12, "t": 12, "b": 48},
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        font={"family": "system-ui, sans-serif", "size": 13},
        hovermode="closest",
        dragmode=False,  # so that touching the plot scrolls the page; buttons zoom
        modebar={"bgcolor": clear, "color": GRAY, "activecolor": BLUE},
        legend={"orientation": "h", "y": -0.2, "x": 0},
        xaxis={"title": {"text": "Cost (1.00 = all Tier 3)", "standoff": 8}, "tickformat": ".2f"},
        yaxis={"title": {"text": "Quality"}, "tickformat": ".0%", "maxallowed": 1.04},
    )


def _candidates(report: Report) -> go.Scatter:
    tried = [c for c in report.candidates if c.cost is not None and c.quality is not None]
    return go.Scatter(
        name="prompts tried (validation rows)",
        mode="markers",
        x=[c.cost for c in tried],
        y=[c.quality for c in tried],
        hovertext=[
            f"<b>Prompt no. {c.number}</b>{', selected' if c.selected else ''} (validation rows)"
            f"<br>cost {fixed(c.cost or 0)}<br>quality {share(c.quality or 0)}"
            f"<br>objective {fixed(c.objective or 0, 3)}<br>{c.demos} demos"
            for c in tried
        ],
        hoverinfo="text",
        marker={
            "symbol": ["diamond-open" if c.selected else "circle-open" for c in tried],
            "size": 9,
            "color": GRAY,
        },
    )


def _policies(
    name: str, policies: tuple[PolicyFigures, ...], symbol: str, size: int, color: str
) -> go.Scatter:
    return go.Scatter(
        name=name,
        mode="markers+text",
        x=[p.cost.mean for p in policies],
        y=[p.quality.mean for p in policies],
        error_x=_bars([p.cost for p in policies], color),
        error_y=_bars([p.quality for p in policies], color),
        text=_labels(policies),
        textposition=[_beside(i, policy.cost.mean) for i, policy in enumerate(policies)],
        hovertext=[_hover(policy) for policy in policies],
        hoverinfo="text",
        marker={"symbol": symbol, "size": size, "color": color},
    )


def _beside(number: int, cost: float) -> str:
    """Alternate the positions of labels, and keep them inside the right edge."""
    if number % 2:
        return "bottom left"
    return "top left" if cost > 0.8 else "top right"


def _bars(values: list[Interval], color: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [v.high - v.mean for v in values],
        "arrayminus": [v.mean - v.low for v in values],
        "color": color,
        "thickness": 1,
        "width": 3,
    }


def _labels(policies: tuple[PolicyFigures, ...]) -> list[str]:
    """Return one label for all policies at the same point."""
    at: dict[tuple[float, float], list[str]] = {}
    for p in policies:
        at.setdefault((p.cost.mean, p.quality.mean), []).append(escape(visible(p.policy)))
    return [" = ".join(at.pop((p.cost.mean, p.quality.mean), [])) for p in policies]


def _hover(policy: PolicyFigures) -> str:
    return (
        f"<b>{escape(visible(policy.policy))}</b> (held-out rows, n = {policy.quality.n:,})"
        f"<br>cost {ratio(policy.cost)}<br>quality {percent(policy.quality)}"
        f"<br>objective {ratio(policy.objective, 3)}"
    )


def _lines(report: Report, learned: PolicyFigures | None) -> list[go.Scatter]:
    feasible = [policy for policy in report.policies if policy.policy != ORACLE]
    best = _undominated(feasible)
    lines = [_line("frontier of the policies", best, "solid", BLUE)] if best else []
    if learned is not None:
        ends = {policy.cost.mean for policy in feasible}
        points = [
            (x, learned.quality.mean + report.lambda_ * (x - learned.cost.mean))
            for x in (min(ends), max(ends))
        ]
        lines.append(_line("same objective as the learned prompt", points, "dash", ORANGE))
    return lines


def _undominated(policies: list[PolicyFigures]) -> list[tuple[float, float]]:
    """Return cost and quality of the policies that none beats in both, cheapest first."""
    best: list[tuple[float, float]] = []
    for policy in sorted(policies, key=lambda p: (p.cost.mean, -p.quality.mean)):
        if not best or policy.quality.mean > best[-1][1]:
            best.append((policy.cost.mean, policy.quality.mean))
    return best


def _line(name: str, points: list[tuple[float, float]], dash: str, color: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        mode="lines",
        x=[x for x, _ in points],
        y=[y for _, y in points],
        line={"color": color, "dash": dash, "width": 1},
        hoverinfo="skip",
    )

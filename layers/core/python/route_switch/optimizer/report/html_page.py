"""A report that a manager can read: one HTML file that needs nothing but a browser."""

import base64
import hashlib
import json
from pathlib import Path

import plotly.offline
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.frontier import frontier
from route_switch.optimizer.report.sections import sections
from route_switch.optimizer.report.text_format import Folded, visible
from route_switch.optimizer.report.verdict import (
    key_figures,
    simulated,
    standing,
    stopped_early,
    verdict,
)

# Buttons are listed, not removed: plotly's own choice has one that sends the plot's data to its
# maker's cloud in a new window, which no content policy stops.
PLOT_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "plotlyServerURL": "",
    "modeBarButtons": [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
}


def to_html(report: Report) -> str:
    """The same report gives the same bytes.

    Whatever users and models wrote is escaped, and if an escape were missing, the page's policy
    would still allow no request and no script but those whose hashes it lists.
    """
    scripts = _scripts(report)
    return (
        _template_environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=verdict(report),
            standing=standing(report),
            stopped_early=stopped_early(report),
            simulated=simulated(report),
            key_figures=key_figures(report),
            sections=tuple(sections(report, compact=False)),
            scripts=scripts,
            policy=_content_policy(scripts),
        )
    )


def _template_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.tests["folded"] = lambda cell: isinstance(cell, Folded)
    return environment


def _scripts(report: Report) -> tuple[str, ...]:
    """plotly's own and the one that draws; none where there is nothing to draw."""
    if not report.policies:
        return ()
    figure = json.loads(frontier(report).to_json(engine="json"))
    arguments = (figure["data"], figure["layout"], PLOT_CONFIG)
    # In a script, `</script>` and `<!--` mean something even inside a string.
    data = json.dumps(arguments, sort_keys=True).replace("<", "\\u003c")
    return plotly.offline.get_plotlyjs(), f'Plotly.newPlot("frontier", ...{data});'


def _content_policy(scripts: tuple[str, ...]) -> str:
    """plotly makes style elements, and draws through `data:` when the plot is saved as an image."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    allowed = hashes or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )

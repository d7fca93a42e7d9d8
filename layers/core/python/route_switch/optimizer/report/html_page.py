"""The HTML report: one self-contained file, readable for a manager."""

import base64
import hashlib
import json
from pathlib import Path

import plotly.offline
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from route_switch.optimizer.report.advice import first_sentence, next_step
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.frontier import frontier
from route_switch.optimizer.report.sections import sections
from route_switch.optimizer.report.text_format import Folded, visible
from route_switch.optimizer.report.verdict import (
    compared_with_baselines,
    key_figures,
    simulated,
    stopped_early,
    used_rows,
    verdict,
)

# An explicit list: plotly's default buttons include one that opens a window and sends the data to
# its vendor's cloud, which no content policy prevents.
PLOT_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "plotlyServerURL": "",
    "modeBarButtons": [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
}


def to_html(report: Report) -> str:
    """Return the page. The same report gives the same bytes.

    All text from users and models is escaped. If an escape were missing, the page's content policy
    would still allow no request, and no script except those whose hashes it lists.
    """
    scripts = _scripts(report)
    return (
        _template_environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=verdict(report),
            first_sentence=first_sentence(report),
            next_step=next_step(report),
            used_rows=used_rows(report),
            comparison=compared_with_baselines(report),
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
    """Return plotly and the script that draws, or nothing if there is nothing to draw."""
    if not report.policies:
        return ()
    figure = json.loads(frontier(report).to_json(engine="json"))
    arguments = (figure["data"], figure["layout"], PLOT_CONFIG)
    # HTML interprets `</script>` and `<!--` even inside a string of a script.
    data = json.dumps(arguments, sort_keys=True).replace("<", "\\u003c")
    return plotly.offline.get_plotlyjs(), f'Plotly.newPlot("frontier", ...{data});'


def _content_policy(scripts: tuple[str, ...]) -> str:
    """Return the content policy. plotly needs inline styles, and `data:` to save images."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    allowed = hashes or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )

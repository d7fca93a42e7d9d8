"""Self-contained HTML pages: no script, no request, and only the page's own style."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from route_switch.optimizer.report.text_format import Folded, visible

SHARED = Path(__file__).parent
"""Folder of the macros that all pages may import."""


def self_contained(template: Path, style: str, **values: object) -> str:
    """Render the template. It puts `style` and `policy`, the page's content policy, into its head.

    All text is escaped. If an escape were missing, the policy would still allow no request, no
    script, and no style except this one.
    """
    found = _environment(template.parent).get_template(template.name)
    return found.render(**values, style=style, policy=_content_policy(style))


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.tests["folded"] = lambda cell: isinstance(cell, Folded)
    return environment


def _content_policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )

"""`make learn`: the whole learning loop on the packaged sample (docs/data.md), offline.

Usage: python -m layers.offline.learn

The run is in `.local/learn/sample/`; what is already there is reused. `make evaluate` learns from
larger sets.
"""

import time
from pathlib import Path

import typer
from rich.console import Console
from rich.markdown import Markdown

from layers.offline.learning_sets import SAMPLE, run_of
from route_switch.cli.model_options import optimizer_extra
from route_switch.optimizer.report.markdown_page import to_markdown

OUT = Path(".local/learn")


def learn(threads: int = 2) -> None:
    """Learn from the sample and print the report."""
    console = Console()
    began, folder = time.monotonic(), OUT / SAMPLE.name
    report = run_of(SAMPLE, None, folder, threads)()
    minutes = (time.monotonic() - began) / 60
    console.print(Markdown(to_markdown(report)))
    console.print(f"{SAMPLE.title}: {minutes:.1f} minutes; report: {folder}/report.html")


if __name__ == "__main__":
    with optimizer_extra():
        typer.run(learn)

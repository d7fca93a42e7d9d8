"""`make evaluate`: learn from every shared set, and write docs/results.md with its pictures.

Usage: python -m docs.generate.results --data FOLDER [--sets a,b] [--results FILE]

FOLDER holds the sets as gzipped JSON lines (docs/data.md names their origin). Each is learned from
separately, in a folder of `.local/evaluate/`. The command continues where it was stopped.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from docs.generate import picture
from docs.generate.results.page import page
from docs.generate.results.plots import write_plots
from docs.generate.results.runs import Runs
from layers.offline.learning_sets import SAMPLE, SETS, LearningSet
from layers.offline.routellm_sets import routellm_chapter
from route_switch.cli.model_options import optimizer_extra

OUT = Path(".local/evaluate")
ALL = (SAMPLE, *SETS)


def evaluate(
    data: Annotated[Path, typer.Option(help="Folder with the sets.")],
    sets: Annotated[str, typer.Option(help="Names, with commas. Default: all.")] = "",
    results: Annotated[Path, typer.Option(help="Markdown file for the figures.")] = Path(
        "docs/results.md"
    ),
    workers: Annotated[int, typer.Option(min=1, help="Sets at a time.")] = os.cpu_count() or 1,
) -> None:
    """Learn from each set and write the figures of all."""
    chosen = _chosen(sets)
    _check(data, chosen)
    runs, began, failed = Runs(data, OUT), time.monotonic(), False
    for done, error in runs.learn_all(chosen, workers):
        failed = failed or error is not None
        said = done.name if error is None else f"{done.name} failed: {error}"
        typer.echo(f"{(time.monotonic() - began) / 60:5.1f} min  {said}", err=error is not None)
    if failed:
        typer.echo(f"{results} stays as it was. The same command continues.", err=True)
        raise typer.Exit(1)
    found = [runs.result(each) for each in chosen]
    images = results.parent / "images"
    write_plots(found, images)
    picture.draw({each.of.name: each.report for each in found}, images)
    results.write_text(page(found, *_routellm(chosen, data)), "utf-8")
    typer.echo(f"{results}, {images}")


def _chosen(sets: str) -> list[LearningSet]:
    names = {name.strip() for name in sets.split(",") if name.strip()}
    known = [each.name for each in ALL]
    unknown = sorted(names.difference(known))
    if unknown:
        raise typer.BadParameter(
            f"There is no set {', '.join(unknown)}. Choose from {', '.join(known)}."
        )
    return [each for each in ALL if not names or each.name in names]


def _check(data: Path, chosen: Sequence[LearningSet]) -> None:
    """Fail before the first run, not hours after it."""
    files = {f"{part.name}.jsonl.gz" for each in chosen for part in each.parts or ()}
    missing = sorted(name for name in files if not (data / name).exists())
    if missing:
        raise typer.BadParameter(
            f"{data} has no {', '.join(missing)}. docs/data.md names the sources; --sets leaves "
            "sets out."
        )


def _routellm(chosen: Sequence[LearningSet], data: Path) -> tuple[str, ...]:
    """Return the chapter with RouteLLM's measures, unless only other sets are asked for."""
    asked = any(each.name.startswith("routellm") for each in chosen)
    return (routellm_chapter(data),) if asked else ()


if __name__ == "__main__":
    with optimizer_extra():
        typer.run(evaluate)

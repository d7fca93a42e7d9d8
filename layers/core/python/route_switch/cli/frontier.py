"""`route-switch frontier`: the cost–quality curve of a learning run."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from route_switch.cli.files import Folder, write_whole
from route_switch.cli.frontier_view import curve_json, print_curve
from route_switch.cli.model_options import check_lambda, optimizer_extra
from route_switch.cli.options import JsonOption, usage_examples
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import note, say, say_json
from route_switch.domain.errors import PromptError, RouteSwitchError
from route_switch.domain.prompt_document import parse_prompt

if TYPE_CHECKING:
    from route_switch.optimizer.curve.decided_rows import RunDecisions
    from route_switch.optimizer.report.figures import Report

EXAMPLES = usage_examples(
    "frontier learned",
    "frontier learned --lambda 0.3",
    "frontier learned --min-quality 0.95 --html curve.html",
)


def frontier(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of a finished run (optimize --out).")
    ],
    lambda_: Annotated[
        float | None, typer.Option("--lambda", help="Say what the learned policy costs at this λ.")
    ] = None,
    min_quality: Annotated[
        float | None,
        typer.Option(help="Find the cheapest policy with at least this quality, such as 0.95."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the curve to this file as an HTML page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the cost–quality curve of a run, its profiles, and what another λ would cost.

    Reads the run's folder and calls no model. Figures are on held-out rows, with 95% intervals.
    """
    if lambda_ is not None:
        check_lambda(lambda_)
    if min_quality is not None and not (math.isfinite(min_quality) and 0 < min_quality <= 1):
        raise UsageError(
            f"--min-quality is {min_quality:g}, but must be above 0 and at most 1, such as 0.95."
        )
    run = _read(folder)
    with optimizer_extra():  # imported here, so that the other commands work without the extra
        from route_switch.optimizer.curve.answers import ask_curve
        from route_switch.optimizer.report.curve_page import curve_to_html
    answers = ask_curve(run.decisions, lambda_, min_quality)
    if as_json:
        say_json(curve_json(run.report, answers), indent=2)
    else:
        print_curve(run.report, answers)
    if html is not None:
        write_whole(html, curve_to_html(run.report, answers.curve, answers.sentences))
        say(f"Page: {html}", err=True)


@dataclass(frozen=True, slots=True)
class _Run:
    report: "Report"
    decisions: "RunDecisions"


def _read(folder: Path) -> _Run:
    with optimizer_extra():
        from route_switch.optimizer.curve.decided_rows import FILE, decisions_from
        from route_switch.optimizer.report.json_file import from_json
    files = Folder(folder)
    report, content = files.read("report.json"), files.read(FILE)
    if report is None:
        raise RouteSwitchError(
            f"{folder} has no report.json, so it is not the folder of a finished run. Name the "
            "folder that 'route-switch optimize --out' wrote."
        )
    if not content:  # empty after a run that stopped early in the folder of another
        raise RouteSwitchError(
            f"{folder} has no {FILE}: the run stopped before the held-out rows, or an earlier "
            "release wrote it. Run the same 'route-switch optimize' again; nothing is paid twice."
        )
    decisions = decisions_from(content, str(folder / FILE))
    note(_why_other(files.read("candidate.json"), decisions.version))
    try:
        return _Run(from_json(report.decode()), decisions)
    except ValueError as error:
        raise RouteSwitchError(
            f"{folder / 'report.json'} is not the report of a run. Run the same 'route-switch "
            "optimize' again; nothing is paid twice."
        ) from error


def _why_other(candidate: bytes | None, version: str) -> str | None:
    """Return a note if the folder's prompt is not the one that was measured."""
    if candidate is None:
        return None
    try:
        found = parse_prompt(candidate.decode()).version
    except (PromptError, UnicodeDecodeError):
        found = None
    if found == version:
        return None
    return (
        f"candidate.json is not version {version}, of which the figures are: it was edited, or "
        "another run wrote to this folder."
    )

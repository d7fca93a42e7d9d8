"""Read the folder of a finished run, and check that its files belong to one run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from route_switch.cli.files import Folder
from route_switch.cli.model_options import optimizer_extra
from route_switch.cli.terminal import note
from route_switch.domain.errors import PromptError, RouteSwitchError
from route_switch.domain.prompt_document import parse_prompt, readable_prompt

if TYPE_CHECKING:
    from route_switch.optimizer.curve.decided_rows import RunDecisions
    from route_switch.optimizer.report.figures import CurveFigures, Report

AGAIN = "Run the same 'route-switch optimize' again; nothing is paid twice."


@dataclass(frozen=True, slots=True)
class FinishedRun:
    folder: Path
    report: "Report"
    decisions: "RunDecisions"

    def check_curve(self, curve: "CurveFigures") -> None:
        """Raise `RouteSwitchError` unless the decisions give the curve that the report has."""
        from route_switch.optimizer.curve.same_curve import same_curve

        if self.report.curve is None or not same_curve(self.report.curve, curve):
            raise _mixed(self.folder, "their figures differ")


def read_run(folder: Path) -> FinishedRun:
    """Raise `RouteSwitchError` for files that are missing, damaged or from different runs."""
    with optimizer_extra():
        from route_switch.optimizer.curve.decided_rows import FILE, decisions_from
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
            f"release wrote it. {AGAIN}"
        )
    decisions = decisions_from(content, str(folder / FILE))
    run = FinishedRun(folder, _parsed(report, folder / "report.json"), decisions)
    measured = readable_prompt(run.report.candidate_prompt)
    if measured is None or measured.version != decisions.version:
        raise _mixed(folder, "they name different versions")
    note(_why_other(files.read("candidate.json"), decisions.version))
    return run


def _parsed(report: bytes, path: Path) -> "Report":
    from route_switch.optimizer.report.json_file import from_json

    try:
        return from_json(report.decode())
    except ValueError as error:
        raise RouteSwitchError(f"{path} is not the report of a run. {AGAIN}") from error


def _mixed(folder: Path, why: str) -> RouteSwitchError:
    return RouteSwitchError(
        f"report.json and decisions.json.gz in {folder} are from different runs: {why}. One of "
        f"them was changed, or comes from another run. {AGAIN}"
    )


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
        f"candidate.json is not version {version}, to which the figures belong: it was edited, or "
        "another run wrote to this folder."
    )

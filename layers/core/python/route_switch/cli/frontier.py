"""`route-switch frontier`: the cost–quality curve of a learning run."""

import math
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.files import check_writable, write_whole
from route_switch.cli.frontier_view import curve_json, print_curve
from route_switch.cli.model_options import check_lambda, optimizer_extra
from route_switch.cli.options import JsonOption, usage_examples
from route_switch.cli.run_folder import read_run
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say, say_json

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
    if html is not None:
        check_writable(html)
    run = read_run(folder)
    with optimizer_extra():  # imported here, so that the other commands work without the extra
        from route_switch.optimizer.curve.answers import ask_curve
        from route_switch.optimizer.report.curve_page import curve_to_html
    answers = ask_curve(run.decisions, lambda_, min_quality)
    run.check_curve(answers.curve)
    if as_json:
        say_json(curve_json(run.report, answers), indent=2)
    else:
        print_curve(run.report, answers)
    if html is not None:
        write_whole(html, curve_to_html(run.report, answers.curve, answers.sentences))
        say(f"Page: {html}", err=True)

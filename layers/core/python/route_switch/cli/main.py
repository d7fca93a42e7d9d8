"""The `route-switch` command."""

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from route_switch.cli import (
    audit,
    costs,
    delete_user,
    estimate,
    evaluate,
    examples,
    explain,
    frontier,
    import_log,
    keys,
    optimize,
    preview,
    prompt,
    prompt_preview,
    records,
    report,
    results,
    route,
    runs,
    savings,
    set_key,
    steering,
    switch,
)
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say
from route_switch.domain.errors import RouteSwitchError


class PlainGroup(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # types of the library's own copy of click
        """Leave out the words that the library's validator puts before an invalid choice."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="route-switch",
    cls=PlainGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain text: docs/cli.md shows exactly what --help prints.
    rich_markup_mode=None,
)
app.command("route", epilog=route.EXAMPLES)(route.route)
app.command("optimize", epilog=optimize.EXAMPLES)(optimize.optimize)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("frontier", epilog=frontier.EXAMPLES)(frontier.frontier)
app.command("estimate", epilog=estimate.EXAMPLES)(estimate.estimate)
app.command("examples", epilog=examples.EXAMPLES)(examples.examples)
app.command("import", epilog=import_log.EXAMPLES)(import_log.import_)
app.command("steering", epilog=steering.EXAMPLES)(steering.steering)
app.command("preview", epilog=preview.EXAMPLES)(preview.preview)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("results", epilog=results.EXAMPLES)(results.results)
app.command("costs", epilog=costs.EXAMPLES)(costs.costs)
app.command("audit", epilog=audit.EXAMPLES)(audit.audit)
app.command("delete-user", epilog=delete_user.EXAMPLES)(delete_user.delete_user)
app.command("learn", epilog=runs.LEARN_EXAMPLES)(runs.learn)
app.command("runs", epilog=runs.RUNS_EXAMPLES)(runs.runs)
app.command("approve", epilog=runs.APPROVE_EXAMPLES)(runs.approve)
app.command("reject", epilog=runs.REJECT_EXAMPLES)(runs.reject)
app.command("savings", epilog=savings.EXAMPLES)(savings.savings)
prompt.app.command("preview", epilog=prompt_preview.EXAMPLES)(prompt_preview.preview)
keys.app.command("set", epilog=set_key.EXAMPLES)(set_key.set_)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.add_typer(prompt.app, name="prompt")
app.add_typer(keys.app, name="keys")
app.add_typer(records.app, name="records")
app.add_typer(switch.app, name="switch")


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"route-switch {version('route-switch')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Send each request to the cheapest model that answers it well, by rules you can read."""


def run() -> None:
    """Print expected errors on one line and exit 1, or 2 if the command line is at fault; let
    others propagate."""
    try:
        app()
    except RouteSwitchError as error:
        say(f"error: {error}", err=True)
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from error

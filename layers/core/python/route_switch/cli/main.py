"""The `route-switch` command."""

import typer

from route_switch.cli import (
    estimate,
    evaluate,
    examples,
    keys,
    optimize,
    prompt,
    route,
    runs,
    switch,
)
from route_switch.domain.errors import RouteSwitchError

app = typer.Typer(
    name="route-switch",
    help="An LLM router that learns its routing prompt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("route")(route.route)
app.command("optimize")(optimize.optimize)
app.command("evaluate")(evaluate.evaluate)
app.command("estimate")(estimate.estimate)
app.command("examples")(examples.examples)
app.command("runs")(runs.runs)
app.command("learn")(runs.learn)
app.command("approve")(runs.approve)
app.command("reject")(runs.reject)
app.add_typer(prompt.app, name="prompt")
app.add_typer(keys.app, name="keys")
app.add_typer(switch.app, name="switch")


def run() -> None:
    """Errors of ours end with one line and status 1; anything else is a defect and shows."""
    try:
        app()
    except RouteSwitchError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from error

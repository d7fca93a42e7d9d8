"""docs/cli.md: the help of every command, as `--help` prints it on 80 columns."""

from collections.abc import Iterator

import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from docs.generate.markdown import page
from route_switch.cli.main import app

INTRODUCTION = """\
# The command line

`make install` puts `route-switch` into `.venv/bin/`. Expected errors print one line and exit with
status 1; wrong options exit with status 2. Commands with `--stage` use the AWS credentials of the
environment; without it they use the local stack in this folder."""


def cli_page() -> str:
    return page(INTRODUCTION, *(_section(path) for path in command_paths()))


def command_paths() -> list[tuple[str, ...]]:
    """Return every command and group, the root first."""
    return [(), *_below(typer.main.get_group(app))]


def _below(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        yield (*path, name)
        if isinstance(command, TyperGroup):
            yield from _below(command, (*path, name))


def _section(path: tuple[str, ...]) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(
        app, [*path, "--help"], prog_name="route-switch"
    )
    name = " ".join(("route-switch", *path))
    return f"## {name}\n\n```\n{result.stdout.strip()}\n```"

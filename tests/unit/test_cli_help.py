"""Help texts: every option is explained, and every example is a valid call."""

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner

from route_switch.cli.main import app

ROOT: TyperGroup = typer.main.get_group(app)


def leaves(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = [*leaves(ROOT)]


def find(path: tuple[str, ...]) -> TyperCommand:
    command: object = ROOT
    for name in path:
        assert isinstance(command, TyperGroup)
        command = command.commands[name]
    assert isinstance(command, TyperCommand)
    return command


def help_of(path: tuple[str, ...]) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, [*path, "--help"])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    for parameter in find(path).params:
        assert getattr(parameter, "help", None), f"{' '.join(path)}: {parameter.opts}"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_ends_with_examples_that_parse(path: tuple[str, ...]) -> None:
    _, _, block = help_of(path).partition("Examples:\n")
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    assert lines, "give the command an epilog: cli/options.py, usage_examples"
    for line in lines:
        call, _, _ = line.partition(" > ")
        name, *words = shlex.split(call)
        assert (name, *words[: len(path)]) == ("route-switch", *path), line
        find(path).make_context(line, words[len(path) :]).close()


def test_stage_means_the_same_in_every_command_that_reaches_a_stage() -> None:
    """`estimate` reads cdk.json and reaches no stage."""
    helps = {
        getattr(parameter, "help", None)
        for path in COMMANDS
        if path != ("estimate",)
        for parameter in find(path).params
        if "--stage" in parameter.opts
    }
    assert len(helps) == 1


def test_version_is_that_of_the_installed_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.stdout == f"route-switch {version('route-switch')}\n"
    assert re.fullmatch(r"route-switch \d+\.\d+\.\d+\n", result.stdout)

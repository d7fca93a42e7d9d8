"""`route-switch prompt`: shows the live routing prompt, compares and changes it."""

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from route_switch.cli.files import read_text, write_whole
from route_switch.cli.prompt_file import (
    digest,
    record_base,
    recorded_base,
)
from route_switch.cli.prompt_view import facts, history_table, pick, print_diff, text_of
from route_switch.cli.stage import STACK_FILE, Stage, aws_errors, find_stage
from route_switch.domain.errors import PromptConflictError, PromptError, RouteSwitchError
from route_switch.domain.ports import StoredVersion

app = typer.Typer(help="The live routing prompt.", no_args_is_help=True)

StageName = Annotated[
    str | None,
    typer.Option(
        "--stage",
        help=f"Stage whose prompt is meant. Without it: the stack in {STACK_FILE}, if one runs.",
    ),
]
File = Annotated[Path, typer.Argument(help="Markdown file.")]


@app.command()
@aws_errors()
def show(
    version: Annotated[int | None, typer.Option(help="Another version than the live one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With what is known about it.")] = False,
    stage: StageName = None,
) -> None:
    """Print the live prompt, or one of its older versions."""
    chosen = find_stage(stage)
    found = pick(_versions(chosen), version)
    if as_json:
        typer.echo(json.dumps({**facts(found), "document": found.document}, ensure_ascii=False))
        return
    header = ", ".join(f"{name} {value}" for name, value in facts(found).items() if value)
    typer.echo(f"{chosen.parameter}: {header}", err=True)
    typer.echo(found.document, nl=False)


@app.command()
@aws_errors()
def history(stage: StageName = None) -> None:
    """List the versions that are kept, the newest first."""
    Console().print(history_table(_versions(find_stage(stage))))


@app.command()
@aws_errors()
def diff(
    one: Annotated[str | None, typer.Argument(metavar="A|FILE", help="Version or file.")] = None,
    other: Annotated[str | None, typer.Argument(metavar="B", help="Version or file.")] = None,
    stage: StageName = None,
) -> None:
    """Compare two versions, or the live one with a file.

    Without arguments: what the newest version changed. A alone is compared with the live version.
    """
    versions = _versions(find_stage(stage))
    live = str(versions[-1].version)
    if one is None:
        one, other = str(versions[max(-2, -len(versions))].version), live
    elif other is None:
        one, other = (one, live) if one.isdecimal() else (live, one)
    before, after = (text_of(versions, side) for side in (one, other))
    print_diff(before, after, one, other)


@app.command()
@aws_errors()
def pull(file: File, stage: StageName = None) -> None:
    """Write the live prompt to FILE, byte for byte.

    FILE.base notes where it came from; keep it beside FILE, in git as well.
    """
    chosen = find_stage(stage)
    live = _versions(chosen)[-1]
    write_whole(file, live.document, "prompt")
    record_base(file, chosen.parameter, live.document)
    typer.echo(f"{chosen.parameter}, version {live.version} -> {file}")


@app.command()
@aws_errors()
def push(
    file: File,
    base: Annotated[
        int | None,
        typer.Option(
            min=1, help="Version that FILE was made from, where FILE.base is out of date."
        ),
    ] = None,
    stage: StageName = None,
) -> None:
    """Make FILE the live prompt, byte for byte, as a new version.

    Fails if somebody changed the live prompt after FILE was pulled.
    """
    chosen = find_stage(stage)
    document = read_text(file, "prompt")
    versions = chosen.prompts().versions()
    live = versions[-1].version if versions else None
    made_from = _base_of(file, document, chosen, versions) if base is None else base
    version = chosen.publisher()(document, live if made_from is None else made_from)
    typer.echo(f"{file} -> {chosen.parameter}, version {version}")
    record_base(file, chosen.parameter, document)
    if made_from is None and live is not None:
        typer.echo(
            f"note: it was not known which version {file} was made from; version {live} was "
            "replaced. 'route-switch prompt diff' shows what changed.",
            err=True,
        )


@app.command()
@aws_errors()
def promote(
    file: Annotated[Path, typer.Argument(help="candidate.json or candidate.md.")],
    force: Annotated[
        bool, typer.Option("--force", help="Whatever it was compared with, and how it did.")
    ] = False,
    stage: StageName = None,
) -> None:
    """Make a candidate live that was found better than what is live now."""
    chosen = find_stage(stage)
    version = chosen.publisher().promote(read_text(file, "prompt"), force=force)
    typer.echo(f"{file} -> {chosen.parameter}, version {version}")


@app.command()
@aws_errors()
def rollback(
    to: Annotated[
        int | None, typer.Option(help="Version; else the newest one with other content.")
    ] = None,
    stage: StageName = None,
) -> None:
    """Make an older version's content live, as a new version."""
    chosen = find_stage(stage)
    done = chosen.publisher().roll_back(to)
    typer.echo(
        f"{chosen.parameter}: version {done.before} -> version {done.version}, "
        f"the content of version {done.content_of}"
    )


@app.command()
def edit(stage: StageName = None) -> None:
    """Open the live prompt in $VISUAL or $EDITOR and make what is saved live."""
    with aws_errors():
        chosen = find_stage(stage)
        live = _versions(chosen)[-1]
    file = Path(tempfile.mkdtemp(prefix="route-switch-")) / "routing-prompt.md"
    write_whole(file, live.document, "prompt")
    record_base(file, chosen.parameter, live.document)
    try:
        with aws_errors():
            version = _publish_edited(file, live, chosen)
    except RouteSwitchError as error:
        raise RouteSwitchError(
            f"{error} Your text is kept in {file}: correct it and push it from there."
        ) from error
    for left in file.parent.iterdir():
        left.unlink()
    file.parent.rmdir()
    what = "unchanged, still version" if version == live.version else "version"
    typer.echo(f"{chosen.parameter}: {what} {version}")


def _publish_edited(file: Path, live: StoredVersion, stage: Stage) -> int:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 (the user's own)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise RouteSwitchError(f"The editor '{editor}' failed: {error}.") from error
    document = read_text(file, "prompt")
    if document == live.document:
        return live.version
    return stage.publisher()(document, live.version)


def _base_of(
    file: Path, document: str, stage: Stage, versions: tuple[StoredVersion, ...]
) -> int | None:
    """The version that FILE was made from, None if nothing tells: the one recorded beside it;
    without a record, the one that FILE is an unchanged copy of, since a file that was forgotten in
    git must not undo what was learned meanwhile."""
    recorded = recorded_base(file, stage.parameter)
    wanted = recorded or digest(document)
    found = [each.version for each in versions if digest(each.document) == wanted]
    if found:
        return found[-1]
    if recorded is not None and versions:
        raise PromptConflictError(
            f"{file} was made from a version of {stage.parameter} that is not kept there. Compare "
            f"with 'route-switch prompt diff {file}', take over what is missing, and push with "
            f"--base {versions[-1].version}."
        )
    return None


def _versions(stage: Stage) -> tuple[StoredVersion, ...]:
    """At least one, oldest first."""
    versions = stage.prompts().versions()
    if not versions:
        raise PromptError(
            f"There is no parameter '{stage.parameter}'. Push one or deploy the stage."
        )
    return versions

"""`route-switch prompt`: show, compare and change the live routing prompt."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.files import read_text, write_whole
from route_switch.cli.options import StageOption, usage_examples
from route_switch.cli.prompt_file import base_version, record_base
from route_switch.cli.prompt_source import store_numbers_beside
from route_switch.cli.prompt_steering import steering_facts, steering_lines
from route_switch.cli.prompt_view import (
    facts,
    history_table,
    pick,
    print_diff,
    text_of,
)
from route_switch.cli.stage import Stage, aws_errors, find_stage
from route_switch.cli.terminal import console, note, say, say_document, say_json
from route_switch.domain.errors import PromptError, RouteSwitchError, StoreError
from route_switch.domain.learning.ratio_provenance import ratios_in
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import as_stored, parse_prompt
from route_switch.domain.prompts.push_notes import why_no_conversation
from route_switch.domain.reasons import why_unusable

app = typer.Typer(help="Show, compare and change the live routing prompt.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Prompt as Markdown.")]


@app.command(
    epilog=usage_examples(
        "prompt show --stage prod",
        "prompt show --version 3 --stage prod > old-prompt.md",
        "prompt show --json",
    )
)
@aws_errors()
def show(
    version: Annotated[
        int | None, typer.Option(help="Version to print. Default: the live one.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: the document and its facts.")
    ] = False,
    stage: StageOption = None,
) -> None:
    """Print the live prompt or an older version."""
    chosen = find_stage(stage)
    found = pick(_versions(chosen), version)
    if as_json:
        score = {"steering": steering_facts(found.document)}
        say_json({**facts(found), **score, "document": found.document})
        return
    header = ", ".join(f"{name} {value}" for name, value in facts(found).items() if value)
    say(f"{chosen.parameter}: {header}", err=True)
    for sentence in steering_lines(found.document):
        say(sentence, err=True)
    say_document(found.document)


@app.command(epilog=usage_examples("prompt history --stage prod"))
@aws_errors()
def history(stage: StageOption = None) -> None:
    """List the stored versions, newest first."""
    console().print(history_table(_versions(find_stage(stage))))


@app.command(
    epilog=usage_examples(
        "prompt diff --stage prod",
        "prompt diff 3 5 --stage prod",
        "prompt diff prompt.md --stage prod",
    )
)
@aws_errors()
def diff(
    one: Annotated[str | None, typer.Argument(metavar="A", help="Version or file.")] = None,
    other: Annotated[str | None, typer.Argument(metavar="B", help="Version or file.")] = None,
    stage: StageOption = None,
) -> None:
    """Compare two versions, or the live version with a file.

    Without arguments, show what the newest version changed. With A alone, compare it with the live
    version.
    """
    versions = _versions(find_stage(stage))
    live = str(versions[-1].version)
    if one is None:
        one, other = str(versions[max(-2, -len(versions))].version), live
    elif other is None:
        one, other = (one, live) if one.isdecimal() else (live, one)
    before, after = (text_of(versions, side) for side in (one, other))
    print_diff(before, after, one, other)


@app.command(epilog=usage_examples("prompt pull prompt.md --stage prod"))
@aws_errors()
def pull(file: FileArgument, stage: StageOption = None) -> None:
    """Write the live prompt to FILE, byte for byte.

    FILE.base records which version FILE was made from. Keep it next to FILE, in git too.
    """
    chosen = find_stage(stage)
    live = _versions(chosen)[-1]
    write_whole(file, live.document, "prompt")
    record_base(file, chosen.parameter, live.document)
    say(f"{chosen.parameter}, version {live.version} -> {file}")


@app.command(
    epilog=usage_examples(
        "prompt push prompt.md --stage prod", "prompt push prompt.md --base 4 --stage prod"
    )
)
@aws_errors()
def push(
    file: FileArgument,
    base: Annotated[
        int | None,
        typer.Option(min=1, help="Version that FILE is based on; overrides FILE.base."),
    ] = None,
    stage: StageOption = None,
) -> None:
    """Make FILE the live prompt, byte for byte, as a new version.

    JSON with a local model goes live as Markdown that names the model. The model's numbers are
    stored separately.

    Fails if the live prompt changed after FILE was pulled.
    """
    chosen = find_stage(stage)
    document = read_text(file, "prompt")
    versions = chosen.prompts().versions()
    live = versions[-1].version if versions else None
    stored = as_stored(document)
    store_numbers_beside(file, document, chosen.local_models())
    made_from = base_version(file, stored, chosen.parameter, versions) if base is None else base
    version = chosen.publisher("push").push(document, live if made_from is None else made_from)
    say(f"{file} -> {chosen.parameter}, version {version}")
    note(why_no_conversation(parse_prompt(document), str(file)))
    record_base(file, chosen.parameter, stored)
    if made_from is None and live is not None:
        say(
            f"note: {file} has no record of the version it was made from, so it replaced version "
            f"{live}. 'route-switch prompt diff' shows what changed.",
            err=True,
        )


@app.command(
    epilog=usage_examples(
        "prompt promote learned/candidate.json --stage prod",
        "prompt promote learned/candidate.md --force --stage prod",
    )
)
@aws_errors()
def promote(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="candidate.json or candidate.md.")],
    force: Annotated[
        bool, typer.Option("--force", help="Skip the check of the candidate's verdict.")
    ] = False,
    approve: Annotated[
        bool,
        typer.Option("--approve", help="Give the approval that the verdict requires of a person."),
    ] = False,
    stage: StageOption = None,
) -> None:
    """Make a candidate live that was found to be better than the live prompt.

    The verdict must be about exactly this text, and about the stage's models, prices, settings
    and λ.
    """
    chosen = find_stage(stage)
    artifact = read_text(file, "prompt")
    store_numbers_beside(file, artifact, chosen.local_models())
    version = chosen.publisher("force promotion" if force else "promote").promote(
        artifact, chosen.verdict_scope, force=force, approved=approve
    )
    say(f"{file} -> {chosen.parameter}, version {version}")
    try:
        chosen.output_ratios().keep(ratios_in(parse_prompt(artifact).provenance))
    except StoreError as error:
        say(f"warning: {error}. The prompt is live; savings are estimated as before.", err=True)


@app.command(
    epilog=usage_examples("prompt rollback --stage prod", "prompt rollback --to 3 --stage prod")
)
@aws_errors()
def rollback(
    to: Annotated[
        int | None,
        typer.Option(
            help="Version to restore. Default: the newest whose content differs from the live one."
        ),
    ] = None,
    stage: StageOption = None,
) -> None:
    """Make the content of an older version live, as a new version."""
    chosen = find_stage(stage)
    done = chosen.publisher("rollback").roll_back(to)
    say(
        f"{chosen.parameter}: version {done.before} -> version {done.version}, "
        f"the content of version {done.content_of}"
    )


@app.command(epilog=usage_examples("prompt edit --stage prod"))
def edit(stage: StageOption = None) -> None:
    """Edit the live prompt in $VISUAL or $EDITOR and make the saved text live."""
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
            f"{error} Your text is kept in {file}: correct it and push that file."
        ) from error
    for left in file.parent.iterdir():
        left.unlink()
    file.parent.rmdir()
    what = "unchanged, still version" if version == live.version else "version"
    say(f"{chosen.parameter}: {what} {version}")


def _publish_edited(file: Path, live: StoredVersion, stage: Stage) -> int:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 (the user's own)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise RouteSwitchError(
            f"The editor '{editor}' failed: {_why_failed(error)}. Nothing was published. $VISUAL, "
            "or else $EDITOR, names the editor."
        ) from error
    document = read_text(file, "prompt")
    if document == live.document:
        return live.version
    return stage.publisher("edit").push(document, live.version)


def _why_failed(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with status {error.returncode}"
    return why_unusable(error)


def _versions(stage: Stage) -> tuple[StoredVersion, ...]:
    """Return at least one version, oldest first."""
    versions = stage.prompts().versions()
    if not versions:
        raise PromptError(
            f"There is no parameter '{stage.parameter}'. Push a prompt or deploy the stage, or "
            "check --stage, AWS_REGION and the account."
        )
    return versions

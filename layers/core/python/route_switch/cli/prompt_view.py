"""Show versions of the routing prompt: facts, history and differences."""

import difflib
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from route_switch.cli.files import read_text
from route_switch.cli.terminal import say
from route_switch.domain.errors import PromptError
from route_switch.domain.learning.promise import promise_of
from route_switch.domain.plain_text import visible
from route_switch.domain.ports import JsonObject, StoredVersion
from route_switch.domain.prompt_document import as_markdown, readable_prompt
from route_switch.domain.prompts.author import author_of
from route_switch.domain.prompts.decided_by import (
    origin_with_strategy,
    strategy_changes,
    strategy_facts,
)
from route_switch.domain.prompts.stated_evidence import stated_origin


def pick(versions: tuple[StoredVersion, ...], number: int | None) -> StoredVersion:
    """Return the version with this number; None means the newest."""
    for each in reversed(versions):
        if number in (None, each.version):
            return each
    raise PromptError(
        f"Version {number} does not exist. Parameter Store keeps versions {versions[0].version} "
        f"to {versions[-1].version}."
    )


def facts(version: StoredVersion) -> JsonObject:
    prompt = readable_prompt(version.document)
    return {
        "version": version.version,
        "digest": "broken" if prompt is None else prompt.version,
        "schema_version": "" if prompt is None else prompt.schema_version,
        "origin": "" if prompt is None else stated_origin(prompt) or "",
        "bytes": len(version.document.encode()),
        "written": version.written_at.isoformat(timespec="seconds"),
        "by": version.written_by,
        "promise": "" if prompt is None else promise_of(prompt) or "",
        **strategy_facts(prompt),
    }


def history_table(versions: tuple[StoredVersion, ...]) -> Table:
    """List versions, newest first. Dates and ARNs are shortened to fit 80 columns."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("version", "written (UTC)", "digest", "bytes"):
        table.add_column(name, no_wrap=True)
    table.add_column("origin", overflow="fold")
    table.add_column("by", overflow="fold")
    for each in reversed(versions):
        known, prompt = facts(each), readable_prompt(each.document)
        columns = (
            known["version"],
            f"{each.written_at:%Y-%m-%d %H:%M}",
            known["digest"],
            known["bytes"],
            origin_with_strategy(str(known["origin"]), prompt),
            author_of(each.written_by),
        )
        table.add_row(*(escape(str(column)) for column in columns))
    return table


def text_of(versions: tuple[StoredVersion, ...], side: str) -> str:
    """Return one side of a comparison: a version if `side` is a number, else a file. A JSON file is
    compared as Markdown."""
    if side.isdecimal():
        return pick(versions, int(side)).document
    document = read_text(Path(side), "prompt")
    try:
        return as_markdown(document)
    except PromptError:  # broken, or it has no such form
        return document


def print_diff(before: str, after: str, one: str, other: str) -> None:
    """Print what changed about the strategy in words, and a unified diff, colored on a terminal."""
    old, new = readable_prompt(before), readable_prompt(after)
    if old is not None and new is not None:
        for sentence in strategy_changes(old, new):
            say(visible(sentence))
    colors = {"+": typer.colors.GREEN, "-": typer.colors.RED, "@": typer.colors.CYAN}
    lines = difflib.unified_diff(
        before.split("\n"), after.split("\n"), _label(one), _label(other), lineterm=""
    )
    for line in lines:
        typer.secho(visible(line), fg=colors.get(line[0]))


def _label(side: str) -> str:
    return f"version {side}" if side.isdecimal() else side

"""Print text from any source without letting it control the terminal."""

import json
import re
import sys
from collections.abc import Iterable
from typing import TextIO

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from route_switch.domain.plain_text import visible

_CONTROLS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class PlainConsole(Console):
    """A console that shows control and invisible characters instead of acting on them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def console(file: TextIO | None = None) -> PlainConsole:
    """Return a console for tables, on standard output unless `file` says otherwise."""
    return PlainConsole(file=file)


def say(text: str, *, err: bool = False) -> None:
    """Print a line, with control characters made visible."""
    typer.echo(visible(text), err=err)


def note(text: str | None) -> None:
    """Print a note to standard error, if there is one."""
    if text is not None:
        say(f"note: {text}", err=True)


def say_document(text: str) -> None:
    """Print a document unchanged, so that it can be written to a file; on a terminal, make control
    characters visible."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def say_json(value: object, *, indent: int | None = None) -> None:
    typer.echo(json_text(value, indent=indent))


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return JSON with control characters escaped, so that no terminal acts on them."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

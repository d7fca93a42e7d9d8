"""Examples from a file of JSON lines, plain or gzip."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from route_switch.adapters.learning.jsonl import Line, open_unpacked, read_lines
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example

LINE_FORMAT = (
    'Each line needs {"query": "…"} or {"messages": […]}, and may have "id", "gold", "workload", '
    '"conversation", "params" and "models": {"name": {"score": 0..1, "input_tokens": …, '
    '"output_tokens": …}}.'
)
MAX_ODD_SHARE = 0.05
"""A few odd lines are left out. If there are more, the file is probably of another kind."""
NAMED = 5
"""How many odd lines a note names."""


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """The examples of a file, and its lines that hold none."""

    path: Path
    examples: tuple[Example, ...]
    odd: tuple[Line[Example], ...]

    @property
    def note(self) -> str | None:
        """Name the lines that were left out, or return None."""
        if not self.odd:
            return None
        named = [_named(line) for line in self.odd[:NAMED]]
        more = len(self.odd) - len(named)
        named += [f"and {more} more"] if more else []
        lines = len(self.examples) + len(self.odd)
        return f"{len(self.odd)} of {lines} lines of {self.path} are left out: {'; '.join(named)}."


def read_examples(path: Path) -> tuple[Example, ...]:
    """Return all examples of `read_example_file`."""
    return read_example_file(path).examples


def read_example_file(path: Path) -> ExampleFile:
    """Read a file. Leave out a few odd lines; if there are more than `MAX_ODD_SHARE`, raise a
    `RouteSwitchError` that names the first."""
    lines = tuple(_checked(read_lines(path, Example)))
    examples = tuple(line.row for line in lines if line.row is not None)
    odd = tuple(line for line in lines if line.row is None)
    if len(odd) > MAX_ODD_SHARE * len(lines):
        first, others = odd[0], len(odd) - 1
        plural = "lines" if others > 1 else "line"
        verb = "are" if others > 1 else "is"
        also = f" {others} other {plural} of {len(lines)} {verb} unusable." if others else ""
        raise RouteSwitchError(f"{path}, line {first.number}: {first.problem}. {LINE_FORMAT}{also}")
    if not examples:
        raise RouteSwitchError(f"{path} has no examples. {LINE_FORMAT}")
    return ExampleFile(path, examples, odd)


def file_digest(path: Path) -> str:
    """Return 16 hex digits of the SHA-256 of the unpacked content, so that compression does not
    change it."""
    with open_unpacked(path) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]


def _checked(lines: Iterator[Line[Example]]) -> Iterator[Line[Example]]:
    """Turn a line that asks nothing, or reuses another query's id, into an odd one."""
    first_lines: dict[str, tuple[int, str]] = {}
    for line in lines:
        if line.row is None:
            yield line
            continue
        if line.row.says_nothing:
            yield Line(line.number, None, "query must contain text", line.row.id)
            continue
        first, key = first_lines.setdefault(line.row.id, (line.number, line.row.key))
        problem = (
            f"id: '{line.row.id}' is already the id of a different query, in line {first}. Each "
            "query needs its own id, or none"
        )
        yield line if key == line.row.key else Line(line.number, None, problem, line.row.id)


def _named(line: Line[Example]) -> str:
    known = "" if line.id is None else f" (id {line.id})"
    return f"line {line.number}{known}: {line.problem}"

"""Examples from a file of JSON lines, plain or gzip."""

import hashlib
from pathlib import Path

from route_switch.adapters.learning.jsonl import open_unpacked, read_rows
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example

LINE_FORMAT = (
    'Each line needs {"query": "…"}, and may have "id", "gold", "workload", "conversation", '
    '"params" and "models": {"name": {"score": 0..1, "input_tokens": …, "output_tokens": …}}.'
)


def read_examples(path: Path) -> tuple[Example, ...]:
    """Return all examples. Raise a `RouteSwitchError` that names the first invalid line."""
    examples: list[Example] = []
    first_lines: dict[str, tuple[int, str]] = {}
    for number, example in read_rows(path, Example, LINE_FORMAT):
        first, key = first_lines.setdefault(example.id, (number, example.key))
        if key != example.key:
            raise RouteSwitchError(
                f"{path}, line {number}: id: '{example.id}' is already the id of a different "
                f"query, in line {first}. Each query needs its own id, or none."
            )
        examples.append(example)
    if not examples:
        raise RouteSwitchError(f"{path} has no examples. {LINE_FORMAT}")
    return tuple(examples)


def file_digest(path: Path) -> str:
    """Return 16 hex digits of the SHA-256 of the unpacked content, so that compression does not
    change it."""
    with open_unpacked(path) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]

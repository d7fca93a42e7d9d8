"""Examples from a file: JSON lines, plain or gzip."""

import hashlib
from pathlib import Path

from route_switch.adapters.learning.jsonl import opened, read_rows
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example

NEEDS = (
    'Each line needs {"query": "…"}, and may have "id", "gold", "workload", "conversation", '
    '"params" and "models": {"name": {"score": 0..1, "input_tokens": …, "output_tokens": …}}.'
)


def read_examples(path: Path) -> tuple[Example, ...]:
    """All of them, or a `RouteSwitchError` that names the first wrong line."""
    examples: list[Example] = []
    first_lines: dict[str, tuple[int, str]] = {}
    for number, example in read_rows(path, Example, NEEDS):
        first, key = first_lines.setdefault(example.id, (number, example.key))
        if key != example.key:
            raise RouteSwitchError(
                f"{path}, line {number}: id: '{example.id}' is already the id of another query, in "
                f"line {first}. Each query needs its own id, or none."
            )
        examples.append(example)
    if not examples:
        raise RouteSwitchError(f"{path} has no examples: it is empty. {NEEDS}")
    return tuple(examples)


def file_digest(path: Path) -> str:
    """16 hex digits of the SHA-256 of the content: packing it does not make another file."""
    with opened(path) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]

"""Invisible characters in a prompt: control characters and hidden ones."""

import re
from collections.abc import Iterator, Mapping, Sequence

from route_switch.domain.hidden_characters import HIDDEN

_CONTROL = r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
"""All but tabs and the two forms of a line end."""
_UNSEEN = re.compile(f"(?P<control>{_CONTROL})|[{HIDDEN}]")


def unseen_character_in(document: str, content: object) -> str | None:
    """Return a description of the first such character in the document, after a byte order mark,
    or, where JSON escapes it, in a text of its `content`. Return None without any."""
    found = _UNSEEN.search(document, 1 if document.startswith("\ufeff") else 0)
    if found is not None:
        line = document.count("\n", 0, found.start()) + 1
        return f"{_named(found)} in line {line}"
    escaped = next(filter(None, map(_UNSEEN.search, _texts_in(content))), None)
    return None if escaped is None else _named(escaped)


def _named(found: re.Match[str]) -> str:
    kind = "hidden" if found["control"] is None else "control"
    return f"the {kind} character U+{ord(found[0]):04X}"


def _texts_in(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for name, value in content.items():
            yield from _texts_in(name)
            yield from _texts_in(value)
    elif isinstance(content, Sequence):
        for each in content:
            yield from _texts_in(each)

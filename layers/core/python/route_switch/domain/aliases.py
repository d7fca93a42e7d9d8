"""Names that clients insist on, such as `claude-…` and `gpt-…`, and what they mean here."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

Aliases = Mapping[str, str]
"""Patterns with `*`, `?` and `[…]`. Each stands for `auto`, a tier or a model's name."""

DEFAULT_ALIASES: Aliases = {
    "claude-*": "auto",
    "gpt-*": "auto",
    "chatgpt-*": "auto",
    "codex-*": "auto",
    "o[1-9]": "auto",
    "o[1-9]-*": "auto",
}
"""Coding agents and SDKs name models of these families by default."""


def meaning_of(name: str, aliases: Aliases) -> str:
    """Return what the name stands for: the pattern with the most literal characters decides, and
    without a pattern the name is itself. Case does not matter. A pattern can be sent as a name."""
    if name in aliases:
        return aliases[name]
    found = (p for p in aliases if fnmatchcase(name.casefold(), p.casefold()))
    pattern = max(found, key=_literal_characters, default=None)
    return name if pattern is None else aliases[pattern]


def is_pattern(alias: str) -> bool:
    """Whether the alias stands for many names."""
    return any(character in alias for character in "*?[")


def _literal_characters(pattern: str) -> int:
    return len(pattern.replace("*", "").replace("?", ""))

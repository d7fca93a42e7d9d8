"""A kind of personal data or secret: what it looks like, and what replaces it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from route_switch.domain.learning.check_digits import whole

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Kind:
    """A placeholder, the pattern it replaces, and a further check on each match: how many of its
    characters belong to the value.

    Text matched by a pattern's group `keep` stays before the placeholder. Patterns run in linear
    time: each starts at a boundary, and repetitions are bounded or possessive.
    """

    placeholder: str
    pattern: re.Pattern[str]
    check: Callable[[str], int]

    def spans(self, text: str) -> Iterator[Span]:
        for match in self.pattern.finditer(text):
            start = match.end("keep") if "keep" in self.pattern.groupindex else match.start()
            size = self.check(text[start : match.end()])
            if size:
                yield start, start + size

    def finds(self, text: str) -> bool:
        return next(self.spans(text), None) is not None


def kind(placeholder: str, pattern: str, check: Callable[[str], int] = whole) -> Kind:
    return Kind(placeholder, re.compile(pattern), check)

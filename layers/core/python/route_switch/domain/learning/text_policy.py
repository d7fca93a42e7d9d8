"""Which user text learning may use, and what must never become part of a routing prompt."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from route_switch.domain.learning.example import Example, normalize_query
from route_switch.domain.learning.redaction import EMAIL, SECRET, holds, redact
from route_switch.domain.query import Query

LearnFromText = Literal["off", "redacted", "full"]
"""What demos and proposals may show: no text of traffic, redacted text of traffic, or all text."""

DEMO_TOKENS = 60
"""What is kept of a query that may become a demo: many short demos teach more than a few long ones
within the bytes that Parameter Store holds."""

LONGEST_QUOTE = 7
"""Words of a user's text that an instruction may have in common with it, in a row."""
SHORTEST_QUERY = 5
"""A query of so many words or more must not stand in an instruction as a whole; shorter ones are
too common ("track my new card")."""

_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, Japanese and Chinese put no blanks between words: a character counts as one."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")

_RULES = "instruction|prompt|rule|guideline|directive"
_UNSAFE = {
    "holds '{{', which Parameter Store refuses": r"\{\{",
    "holds hidden characters": r"[\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]",
    "holds marks of a chat template": (
        r"<\|\w{1,30}\|>|\[/?INST\]|<</?SYS>>|^\W{0,5}(?:system|assistant|developer)\s?:"
        r"|^#{1,4}\s?(?:system|instructions?|response)\s?:"
    ),
    "holds a tool call": (
        r"</?(?:tool_call|tool_use|function_call|function_calls|invoke)\b"
        r"|[\"'](?:tool_calls?|tool_use|function_call|tool_name)[\"']\s?:"
        r"|[\"']arguments[\"']\s?:\s?[\"']?\{"
    ),
    "holds a link or a command": (
        r"\b[a-z][a-z0-9+.-]{1,15}://\S|\bwww\.\w|\bjavascript:|\bdata:\w+/\w+[;,]"
        r"|\b(?:curl|wget) +(?:-\w|\S{1,100}[./]\w)|\brm\s+-\w|<script\b|\bpowershell\s+-"
    ),
    "gives orders to a model": (
        r"\b(?:ignore|disregard|forget|override|bypass)\W+(?:\w+\W+){0,4}?"
        rf"(?:previous|prior|above|earlier|all|any|your|these|system)\W+(?:\w+\W+){{0,2}}?(?:{_RULES})s?\b"
        r"|\byou are now (?:an?|the|in|my|dan)\b|\bfrom now on\W+you\b"
        r"|\b(?:developer|jailbreak|dan) mode\b|\bnew (?:system )?instructions?\s?:"
    ),
    "asks for the prompt": (
        r"\b(?:reveal|show|print|repeat|output|leak|display|tell|give)\W+(?:\w+\W+){0,4}?"
        rf"(?:your|system|hidden|initial)\W+(?:\w+\W+){{0,2}}?(?:{_RULES})s?\b"
    ),
    "asks to pass data on": (
        r"\b(?:send|forward|upload|transmit|exfiltrate|leak)\W+(?:\w+\W+){0,4}?"
        r"(?:conversations?|prompts?|chat|history|credentials?|passwords?|api keys?|secrets?)"
        r"\W+(?:\w+\W+){0,3}?to\b"
    ),
}
_PATTERNS = {
    reason: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for reason, pattern in _UNSAFE.items()
}


def unsafe(text: str) -> str | None:
    """Why an instruction or a demo must not become part of the prompt, or None.

    It knows usual forms and wordings, in English; who rewords an attack gets past it. The router
    can only answer with a tier: what an attack can reach through a prompt is a wrong tier, and
    the gate stands before that.
    """
    if holds(SECRET, text):
        return "holds a secret"
    if holds(EMAIL, text):
        return "holds an e-mail address"
    shown = unicodedata.normalize("NFKC", text)
    return next((reason for reason, pattern in _PATTERNS.items() if pattern.search(shown)), None)


def text_for_learning(example: Example, policy: LearnFromText) -> str | None:
    """What a demo or the proposer may see of the example's query; None: nothing.

    A seed file's text is used as it is, since somebody chose it. Text of either kind that is
    unsafe in a prompt is used under no policy.
    """
    if example.from_traffic and policy == "off":
        return None
    redacted = example.from_traffic and policy == "redacted"
    text = redact(example.query) if redacted else example.query
    return text if unsafe(text) is None else None


def as_demo(query: Query, text: str) -> str:
    """What a demo shows of a query of which `text` may be shown. Markdown knows one kind of line
    end: a demo with another could not be written down."""
    return replace(query, text=text.replace("\r\n", "\n")).for_router(DEMO_TOKENS)


class UserText:
    """Finds text that was copied from queries: more than `LONGEST_QUOTE` words in a row,
    or a short query as a whole."""

    def __init__(self, queries: Iterable[str]) -> None:
        self._runs = {run for query in queries for run in _runs_of_query(_words(query))}

    def is_quoted_in(self, text: str) -> bool:
        words = _words(text)
        sizes = range(SHORTEST_QUERY, LONGEST_QUOTE + 2)
        return any(run in self._runs for size in sizes for run in _runs(words, size))


def _runs_of_query(words: list[str]) -> Iterator[int]:
    """A short query as a whole, or every run of a long one."""
    size = min(len(words), LONGEST_QUOTE + 1)
    return _runs(words, size) if size >= SHORTEST_QUERY else iter(())


def _runs(words: list[str], size: int) -> Iterator[int]:
    """Hashes (64 bits: a set of the words themselves would take ten times the memory)."""
    return (hash(tuple(words[i : i + size])) for i in range(len(words) - size + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(normalize_query(text))

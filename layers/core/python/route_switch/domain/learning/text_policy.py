"""Which user text learning may use, and what must never enter a routing prompt."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from route_switch.domain.hidden_characters import HIDDEN, SELECTORS
from route_switch.domain.learning.conversation_key import material_of
from route_switch.domain.learning.disguised_text import gives_orders, readings
from route_switch.domain.learning.example import Example, normalize_query
from route_switch.domain.learning.orders_in_words import tells_a_model
from route_switch.domain.learning.redaction import (
    EMAIL,
    SECRET,
    private_kind,
    redact,
    redact_personal,
)
from route_switch.domain.plain_text import plain_text, without_trailing_blanks
from route_switch.domain.query import Query
from route_switch.domain.tokens import GAP, clip_at_words, estimate_tokens

LearnFromText = Literal["off", "redacted", "full"]
"""What demos and proposals may show of traffic: nothing, redacted text, or all text but numbers of
people and accounts. A text in which something secret is left is not shown at all."""

DEMO_TOKENS = 100
"""The length to which a query is shortened, between words, where the proposer sees it. A demo is
never shortened: only a query that fits becomes one."""
DEMO_WORDS = 60
"""The most words of a demo. Longer queries are hard to read in a prompt, and a handful of them
would fill Parameter Store."""
FORMER_DEMO_TOKENS = 60
"""The length to which demos of earlier releases were cut, even inside words. Such demos may still
be live when their query is deleted."""
_CONTEXT_LINE_TOKENS = 32

NEEDS_CONTEXT = "says too little without what is before it"
MIN_ALONE_TOKENS = 20
"""The least tokens of a message that may be a demo although a conversation precedes it. For a
shorter one ("continue", "now in Python"), the conversation decides the tier, and a demo does not
show it."""

BY_POLICY = "is text of traffic, which learn_from_text=off withholds"

MAX_QUOTED_WORDS = 7
"""Consecutive words that an instruction may share with a user's text."""
MIN_QUERY_WORDS = 5
"""A query of at least this many words must not appear whole in an instruction. Shorter ones are too
common ("track my new card")."""

_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, Japanese and Chinese do not put spaces between words, so each character counts as one."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")

ORDERS = "gives instructions to a model"
_RULES = "instruction|prompt|rule|guideline|directive"
_UNSAFE = {
    "contains '{{', which Parameter Store rejects": r"\{\{",
    "contains hidden characters": f"[{HIDDEN}]|{SELECTORS}",
    "contains chat template markup": (
        r"<\|\w{1,30}\|>|\[/?INST\]|<</?SYS>>|</?(?:system|instructions?|query|prompt)>|^\W{0,5}(?:system|assistant|developer)\s?:"
        r"|^#{1,4}\s?(?:system|instructions?|response)\s?:"
    ),
    "contains a tool call": (
        r"</?(?:tool_call|tool_use|function_call|function_calls|invoke)\b"
        r"|[\"'](?:tool_calls?|tool_use|function_call|tool_name)[\"']\s?:"
        r"|[\"']arguments[\"']\s?:\s?[\"']?\{"
    ),
    "contains a link or a command": (
        r"\b[a-z][a-z0-9+.-]{1,15}://\S|\bwww\.\w|\bjavascript:|\bdata:\w+/\w+[;,]"
        r"|\b(?:curl|wget) +(?:-\w|\S{1,100}[./]\w)|\brm\s+-\w|<script\b|\bpowershell\s+-"
        r"|<(?:img|svg|iframe|object|embed|style|link|meta|form|body)\b[^<>]{0,200}"
        r"(?:\bon\w{3,12}\s?=|\bsrc\s?=|\bhref\s?=)"
    ),
    ORDERS: (
        r"\b(?:ignore|disregard|forget|override|bypass)\W+(?:\w+\W+){0,4}?"
        rf"(?:previous|prior|above|earlier|all|any|your|these|system)\W+(?:\w+\W+){{0,2}}?(?:{_RULES})s?\b"
        r"|\byou are now (?:an?|the|in|my|dan)\b|\bfrom now on\W+you\b"
        r"|\b(?:pay no attention to|set aside|(?:do not|don't|never|stop) (?:follow|obey)(?:ing)?)"
        r"\W+(?:\w+\W+){0,4}?(?:(?:previous|prior|above|earlier|system|your)\W+(?:\w+\W+)?"
        rf"(?:(?:{_RULES})s?|orders|directions)\b|you (?:were|have been) (?:told|given))"
        rf"|\b(?:previous|prior|above|earlier|your) (?:{_RULES})s? (?:is|are) "
        r"(?:void|obsolete|invalid|cancell?ed|no longer)\b"
        r"|\b(?:developer|jailbreak|dan) mode\b|\bnew (?:system )?instructions?\s?:"
    ),
    "asks for the prompt": (
        r"\b(?:reveal|show|print|repeat|output|leak|display|tell|give)\W+(?:\w+\W+){0,4}?"
        rf"(?:your|system|hidden|initial)\W+(?:\w+\W+){{0,2}}?(?:{_RULES})s?\b"
    ),
    "asks to send data elsewhere": (
        r"\b(?:send|forward|upload|transmit|exfiltrate|leak)\W+(?:\w+\W+){0,4}?"
        r"(?:conversations?|prompts?|chat|history|credentials?|passwords?|api keys?|secrets?)"
        r"\W+(?:\w+\W+){0,3}?to\b"
    ),
}
_PRIVATE = {SECRET: "contains a secret", EMAIL: "contains an e-mail address"}
_PATTERNS = {
    reason: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for reason, pattern in _UNSAFE.items()
}


def unsafe(text: str) -> str | None:
    """Return why an instruction or demo must not enter the prompt, or None.

    This detects common forms and wordings, including disguised ones, in some languages; another
    wording gets past it. Because the router can only answer with a tier, the worst that an attack
    through the prompt can cause is a wrong tier, and the gate checks for that.
    """
    reasons = map(_why_unsafe, dict.fromkeys((text, *readings(text))))
    return next(filter(None, reasons), None)


def unsafe_of_user(text: str) -> str | None:
    """Return why a user's text must not enter a prompt, or None. An instruction names tiers and
    says which to choose; a user's text that does so is not an example of a query."""
    reason = unsafe(text)
    if reason is None and any(map(tells_a_model, readings(text))):
        return ORDERS
    return reason


def _why_unsafe(text: str) -> str | None:
    private = private_kind(text)
    if private is not None:
        return _PRIVATE.get(private, "contains personal data")
    found = (reason for reason, pattern in _PATTERNS.items() if pattern.search(text))
    return next(found, ORDERS if gives_orders(text) else None)


def text_for_learning(example: Example, policy: LearnFromText) -> str | None:
    """Return what a demo or the proposer may see of the example's query, or None for nothing.

    Text from a seed file is used unchanged, because the owner chose it. Text that is unsafe in a
    prompt is never used, from any source and under any policy.
    """
    return None if why_withheld(example, policy) else _allowed(example, policy)


def why_withheld(example: Example, policy: LearnFromText) -> str | None:
    """Return why neither a demo nor the proposer may see the example's query, or None."""
    if example.from_traffic and policy == "off":
        return BY_POLICY
    return unsafe_of_user(_allowed(example, policy))


def _allowed(example: Example, policy: LearnFromText) -> str:
    if not example.from_traffic:
        return example.query
    return redact(example.query) if policy == "redacted" else redact_personal(example.query)


def needs_context(example: Example) -> bool:
    """Whether a demo of the example's query would not show what decided its tier: it is a short
    message in a conversation or about a system message, or steps of an agent follow it."""
    if not (example.is_conversation or material_of(example.messages)):
        return False
    return len(example.turn) > 1 or estimate_tokens(example.query) < MIN_ALONE_TOKENS


def as_demo(query: Query, text: str) -> str:
    """Return what the proposer sees of a query of which `text` may be shown, in a form that a
    prompt document can hold. It is empty if the text is blank.

    One line stands for the conversation, whose text may not be shown.
    """
    room = DEMO_TOKENS - (0 if query.conversation.is_empty else _CONTEXT_LINE_TOKENS)
    return _shown(query, clip_at_words(plain_text(text), room) if text.strip() else "", DEMO_TOKENS)


def as_former_demo(query: Query, text: str) -> str:
    """Return the demo that earlier releases made of a query."""
    return _shown(query, plain_text(text) if text.strip() else "", FORMER_DEMO_TOKENS)


def _shown(query: Query, text: str, max_tokens: int) -> str:
    if not text.strip():
        return ""
    said = replace(query, text=text).for_router(max_tokens, schema_version=1)
    shown = Query(said).for_router(max_tokens)  # without what looks like a delimiter of a view
    return without_trailing_blanks(shown)


def is_short_and_whole(demo: str) -> bool:
    """Whether a text is short enough for a demo and nothing was cut out of it."""
    return GAP.strip() not in demo and len(_WORD.findall(demo)) <= DEMO_WORDS


class UserText:
    """Finds text copied from queries: more than `MAX_QUOTED_WORDS` consecutive words, or a short
    query as a whole."""

    def __init__(self, queries: Iterable[str]) -> None:
        self._runs = {run for query in queries for run in _runs_of_query(_words(query))}

    def is_quoted_in(self, text: str) -> bool:
        words = _words(text)
        sizes = range(MIN_QUERY_WORDS, MAX_QUOTED_WORDS + 2)
        return any(run in self._runs for size in sizes for run in _runs(words, size))


def _runs_of_query(words: list[str]) -> Iterator[int]:
    """Return a short query as a whole, or every run of a long one."""
    size = min(len(words), MAX_QUOTED_WORDS + 1)
    return _runs(words, size) if size >= MIN_QUERY_WORDS else iter(())


def _runs(words: list[str], size: int) -> Iterator[int]:
    """Return 64-bit hashes: a set of the words themselves would take ten times the memory."""
    return (hash(tuple(words[i : i + size])) for i in range(len(words) - size + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(normalize_query(text))

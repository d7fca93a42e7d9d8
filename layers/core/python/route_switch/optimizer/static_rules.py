"""The policy `static-rules`: what a careful engineer would write before there is any data.

The rules were written from general knowledge before any dataset was seen, and have not changed
since: they are a baseline for learning to beat, not something to tune. The first matching rule
decides.
"""

import re
from collections.abc import Callable

from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier

SHORT_WORDS = 12
LONG_TOKENS = 150
VERY_LONG_TOKENS = 600

Rule = tuple[str, Tier, Callable[[Query], bool]]


def _says(*words: str) -> Callable[[Query], bool]:
    """Return a rule that matches any of `words` (regular expressions) as whole words."""
    pattern = re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
    return lambda query: pattern.search(query.text) is not None


_CODE = re.compile(
    r"```|\bdef \w+\(|\bclass \w+[:({]|\bfunction\b.*\(|\breturn\b.*[;)\]]|\bimport \w+|#include\b"
    r"|\bSELECT\b.+\bFROM\b|\bTraceback\b|=>|[;{}]\s*$|\w\(\w*\)\s*==",
    re.MULTILINE,
)
_MATHS = re.compile(
    r"\$[^$\n]*[\\^_=][^$\n]*\$|\\(?:frac|sum|int|sqrt|begin|lim)\b|[∑∫√≤≥∂∇∀∃]|\b\w\^\{?\d"
    r"|\b[a-z]\([a-z]\)\s*="
)

_hard_code = _says(
    "debug", "refactor", "optimi[sz]e", "architecture", "concurren\\w+", "race condition",
    "algorithm", "complexity", "implement", "deadlock", "memory leak",
)  # fmt: skip
_code_words = _says(
    "python", "javascript", "typescript", "java", "rust", "sql", "regex", "regular expression",
    "bash", "unit tests?", "api", "stack trace", "compile[rs]?", "write a (?:function|script)",
)  # fmt: skip
_hard_maths = _says(
    "prove", "proof", "theorem", "lemma", "deriv(?:e|ative|ation)s?", "integrals?", "eigenvalues?",
    "matri(?:x|ces)", "differential equations?", "converges?", "polynomials?", "probability",
)  # fmt: skip
_hard_reasoning = _says(
    "analy[sz]e", "evaluate", "critique", "design", "strategy", "trade-?offs?", "step by step",
    "implications?", "diagnos(?:e|is)", "liab(?:le|ility)", "research", "in depth", "synthesi[sz]e",
)  # fmt: skip
_medium_reasoning = _says(
    "compare", "explain", "summari[sz]e", "why", "how (?:does|do|would)", "calculate", "how many",
    "pros and cons", "differences?", "outline", "draft", "which of the following",
)  # fmt: skip
_support = _says(
    "hello", "hi", "thanks?", "password", "account", "card", "refund", "order", "delivery",
    "invoice", "payment", "subscription", "cancel", "log ?in", "reset", "top.?up", "transfer",
)  # fmt: skip


def _has_code(query: Query) -> bool:
    return _CODE.search(query.text) is not None


def _has_maths(query: Query) -> bool:
    return _MATHS.search(query.text) is not None


def _is_short(query: Query) -> bool:
    return len(query.text.split()) <= SHORT_WORDS and query.stands_alone


RULES: tuple[Rule, ...] = (
    ("attachments", Tier.LARGE, lambda query: query.has_attachments),
    ("very long", Tier.LARGE, lambda query: query.tokens > VERY_LONG_TOKENS),
    ("hard code", Tier.LARGE, lambda q: (_has_code(q) or _code_words(q)) and _hard_code(q)),
    ("hard mathematics", Tier.LARGE, _hard_maths),
    ("code", Tier.MEDIUM, lambda query: _has_code(query) or _code_words(query)),
    ("formulas", Tier.MEDIUM, _has_maths),
    ("open-ended reasoning", Tier.LARGE, _hard_reasoning),
    ("tools", Tier.MEDIUM, lambda query: query.has_tools),
    ("support", Tier.SMALL, lambda query: _support(query) and query.tokens <= LONG_TOKENS),
    ("reasoning", Tier.MEDIUM, _medium_reasoning),
    ("short", Tier.SMALL, _is_short),
    ("long", Tier.MEDIUM, lambda query: query.tokens > LONG_TOKENS),
)


def static_tier(query: Query) -> Tier:
    """Return the tier of the first matching rule, or Tier 1 if none matches."""
    return next((tier for _, tier, holds in RULES if holds(query)), Tier.SMALL)

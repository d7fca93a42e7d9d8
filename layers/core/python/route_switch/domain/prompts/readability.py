"""Whether a learned prompt reads as if a person had written it.

These rules are for proposals of the search. What people write themselves is never rejected.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from route_switch.domain.criteria import find_criteria
from route_switch.domain.learning.text_policy import is_short_and_whole
from route_switch.domain.prompts.criterion_subjects import (
    FUNCTION_WORDS,
    WORD,
    content_words,
    name_the_same,
)
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MAX_WORDS = 25
"""The most words of a criterion."""
MAX_CRITERIA = 12
"""The most criteria of a tier."""
NEAR_DUPLICATE = 0.75
"""The share of common words, without function words, from which two criteria say the same."""
KEYWORDS = 4
"""Comma-separated words without "and" or "or" from which a criterion is a list of keywords."""
BARE_WORDS = 7
"""Words without a short word among them from which a criterion is a list of keywords: the words
that join others are short in most languages."""
SHORT_WORD = 3

NO_SENTENCE = "does not begin with a sentence that says what to do"
TOO_LONG = f"has a criterion of more than {MAX_WORDS} words"
TOO_MANY = f"has more than {MAX_CRITERIA} criteria for a tier"
RUNS_TOGETHER = "has words that run together"
CUT = "has a criterion that is cut off"
BARE = "has a list of keywords in place of a criterion"
SAME = "says the same in two criteria"
CONTRADICTS = "names the same kind of query for two tiers"
UNREADABLE_DEMO = "has a demo that is long or cut off"

_SENTENCE = re.compile(r"\w+\W+\w+\W+\w.*[.!。]", re.DOTALL)
_RUNS_TOGETHER = re.compile(
    r"\b[a-z]{4,}[A-Z][a-z]"  # completeTier
    r"|[a-z]{3}[.!?][A-Z]"  # liability.Tier
    r"|[a-z]{2}[,;][A-Za-z]{2}"  # torts,contracts
    r"|\wTier\s*[123]\b|[^\W\d_-]{31,}"
)
_ELLIPSIS = re.compile(r"\.\.\.|…|\[\.*\]")
_DANGLING = re.compile(
    r"[,;:(\-–—]$|\b(?:a|an|the|and|or|of|to|in|on|for|with|about|from|by|that|which|such as)$",
    re.IGNORECASE,
)


def why_unreadable(prompt: RoutingPrompt, known: Collection[str] = ()) -> str | None:
    """Return why a person would not have written the prompt, without quoting it, or None.

    `known` criteria are those that the proposal started from. They are not compared with each
    other: how they contrast is up to the people who wrote them.
    """
    criteria = [criterion.text for criterion in find_criteria(prompt.instruction)]
    if not _begins_with_a_sentence(prompt.instruction):
        return NO_SENTENCE
    if any(len(own) > MAX_CRITERIA for own in prompt.criteria.values()):
        return TOO_MANY
    reasons = (_why_odd(criterion) for criterion in criteria)
    odd = next(filter(None, reasons), None)
    if odd is not None:
        return odd
    repeated = _why_repeated(prompt.criteria, frozenset(known))
    if repeated is not None:
        return repeated
    readable = all(is_short_and_whole(demo.query) for demo in prompt.demos)
    return None if readable else UNREADABLE_DEMO


def _why_repeated(criteria: Mapping[Tier, Sequence[str]], known: frozenset[str]) -> str | None:
    listed = [(tier, criterion) for tier, own in criteria.items() for criterion in own]
    pairs = [
        (tier is other_tier, one, other)
        for (tier, one), (other_tier, other) in combinations(listed, 2)
        if one not in known or other not in known or one == other
    ]
    if any(say_the_same(one, other) for _, one, other in pairs):
        return SAME
    contradicts = any(not own and name_the_same(one, other) for own, one, other in pairs)
    return CONTRADICTS if contradicts else None


def say_the_same(one: str, other: str) -> bool:
    mine, others = content_words(one), content_words(other)
    if not (mine and others):
        return one.strip().casefold() == other.strip().casefold()
    return len(mine & others) / len(mine | others) >= NEAR_DUPLICATE


def _begins_with_a_sentence(instruction: str) -> bool:
    first = min((found.first for found in find_criteria(instruction)), default=None)
    before = "\n".join(instruction.splitlines()[: None if first is None else max(first - 1, 0)])
    return _SENTENCE.match(before.lstrip()) is not None


def _why_odd(criterion: str) -> str | None:
    words = WORD.findall(criterion)
    if len(words) > MAX_WORDS:
        return TOO_LONG
    if _RUNS_TOGETHER.search(criterion):
        return RUNS_TOGETHER
    if _is_cut(criterion):
        return CUT
    return BARE if _is_keywords(criterion, words) else None


def _is_cut(criterion: str) -> bool:
    text = criterion.strip().rstrip(".")
    unbalanced = any(
        text.count(opening) != text.count(closing) for opening, closing in ("()", "[]", "“”")
    )
    odd = any(text.count(mark) % 2 for mark in ('"', "`"))
    dangling = _DANGLING.search(text) is not None
    return unbalanced or odd or dangling or _ELLIPSIS.search(criterion) is not None


def _is_keywords(criterion: str, words: Sequence[str]) -> bool:
    parts = [part.split() for part in criterion.split(",")]
    joined = _has_any(parts[-1], ("and", "or"))
    if len(parts) >= KEYWORDS and not joined and all(len(part) == 1 for part in parts[1:]):
        return True
    short = _has_any(words, FUNCTION_WORDS) or any(len(word) <= SHORT_WORD for word in words)
    return len(words) >= BARE_WORDS and not short


def _has_any(words: Sequence[str], wanted: Iterable[str]) -> bool:
    return not {word.casefold() for word in words}.isdisjoint(wanted)

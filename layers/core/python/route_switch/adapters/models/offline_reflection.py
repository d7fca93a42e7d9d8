"""How `offline/proposer` answers GEPA's question, by rules: it names the costliest mistakes.

It adds a criterion for the kinds of queries whose choices lost most, at the tier that would have
been better, and drops criteria elsewhere that say the same. It reads only the message it is sent.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from route_switch.domain.prompts.readability import MAX_CRITERIA, say_the_same
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MOST_ADDED = 2
ASSIGN = "Assign the query to the smallest model tier that answers it as well as the largest would."
TIER_NAMES = {Tier.SMALL: "small", Tier.MEDIUM: "medium", Tier.LARGE: "large"}

_TIER_1 = re.compile(r"^Tier 1\b", re.MULTILINE)
_EXAMPLE = re.compile(r'^Query: (".*")\nChosen: Tier [123]\nFeedback: (.*)$', re.MULTILINE)
_BETTER = re.compile(r"Tier ([123]) would have been worth ([\d.]+) more")

Criteria = dict[Tier, list[str]]


def revise(sections: Mapping[str, str], kind_of: Callable[[str], str]) -> str:
    """Return the current instruction with criteria for the costliest kinds of mistakes."""
    current = sections.get("current_instruction") or ASSIGN
    present = RoutingPrompt(instruction=current).criteria
    criteria = {tier: list(present.get(tier, ("any other query",))) for tier in Tier}
    regrets = _regrets(sections.get("examples_with_feedback", ""), kind_of)
    new = [
        (tier, kind)
        for tier, kind in sorted(regrets, key=lambda found: -regrets[found])
        if not any(say_the_same(kind, criterion) for criterion in criteria[tier])
    ]
    for tier, kind in new[:MOST_ADDED]:
        criteria = {of: _without(kind, own) for of, own in criteria.items()}
        criteria[tier].append(kind)
    return "\n".join((_TIER_1.split(current)[0].strip() or ASSIGN, *_lists(criteria)))


def _regrets(examples: str, kind_of: Callable[[str], str]) -> Mapping[tuple[Tier, str], float]:
    """Return the sum of the regrets by better tier and kind of query."""
    regrets: defaultdict[tuple[Tier, str], float] = defaultdict(float)
    for quoted, feedback in _EXAMPLE.findall(examples):
        better = _BETTER.search(feedback)
        with suppress(ValueError):  # a query may look like an example itself
            if better is not None:
                kind = kind_of(str(json.loads(quoted)))
                regrets[Tier(int(better[1])), kind] += float(better[2])
    return regrets


def _without(kind: str, criteria: Sequence[str]) -> list[str]:
    """Return the other criteria, with room for one more. A tier keeps its last one."""
    others = [criterion for criterion in criteria if not say_the_same(kind, criterion)]
    return (others or list(criteria))[-(MAX_CRITERIA - 1) :]


def _lists(criteria: Mapping[Tier, Sequence[str]]) -> Iterator[str]:
    for tier, listed in criteria.items():
        yield f"\nTier {tier.value} ({TIER_NAMES[tier]} model) is for:"
        yield from (f"- {criterion}" for criterion in listed)

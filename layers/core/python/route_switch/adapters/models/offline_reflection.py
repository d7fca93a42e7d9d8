"""How `offline/proposer` answers GEPA's question, by rules: it names the costliest mistakes.

It groups the queries that should have gone to another tier, adds criteria for the groups with the
largest regret, and keeps the present criteria. It reads only the message it is sent.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MOST_ADDED = 2
MOST_CRITERIA = 14
"""Of a tier. If there are more, the oldest but the first make room."""

ASSIGN = "Assign the query to the smallest model tier that answers it as well as the largest."
TIER_NAMES = {Tier.SMALL: "small", Tier.MEDIUM: "medium", Tier.LARGE: "large"}

_TIER_1 = re.compile(r"^Tier 1\b", re.MULTILINE)
_EXAMPLE = re.compile(r'^Query: (".*")\nChosen: Tier [123]\nFeedback: (.*)$', re.MULTILINE)
_BETTER = re.compile(r"Tier ([123]) would have been worth ([\d.]+) more")


class Mistake(NamedTuple):
    """A query, its better tier, and what that tier would have been worth more."""

    query: str
    better: Tier
    regret: float


Describe = Callable[[Sequence[Mistake]], Sequence[tuple[str, Sequence[Mistake]]]]
"""Returns criteria, each with the mistakes that it covers."""


def revise(sections: Mapping[str, str], describe: Describe) -> str:
    """Return the current instruction with criteria for the costliest groups of mistakes."""
    current = sections.get("current_instruction") or ASSIGN
    before = RoutingPrompt(instruction=current).criteria
    after = {tier: list(before.get(tier, ("anything else",))) for tier in Tier}
    found = [(criterion, of) for criterion, of in describe(_mistakes(sections)) if of]
    found.sort(key=lambda group: -sum(mistake.regret for mistake in group[1]))
    for criterion, mistakes in found[:MOST_ADDED]:
        for criteria in after.values():
            if criterion in criteria[1:]:
                criteria.remove(criterion)
        after[mistakes[0].better].append(criterion)
    return "\n".join((_TIER_1.split(current)[0].strip() or ASSIGN, *_lists(after)))


def _mistakes(sections: Mapping[str, str]) -> list[Mistake]:
    mistakes = []
    for quoted, feedback in _EXAMPLE.findall(sections.get("examples_with_feedback", "")):
        better = _BETTER.search(feedback)
        with suppress(ValueError):  # a query may look like an example itself
            if better is not None:
                query, worth = str(json.loads(quoted)), float(better[2])
                mistakes.append(Mistake(query, Tier(int(better[1])), worth))
    return mistakes


def _lists(criteria: Mapping[Tier, Sequence[str]]) -> Iterator[str]:
    for tier, listed in criteria.items():
        first, *others = dict.fromkeys(listed)
        yield f"\nTier {tier.value} ({TIER_NAMES[tier]} model) is for:"
        for criterion in (first, *others[-(MOST_CRITERIA - 1) :]):
            yield f"- {criterion}"

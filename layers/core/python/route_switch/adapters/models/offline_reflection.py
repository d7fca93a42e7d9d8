"""How `offline/proposer` answers GEPA's question, by rules: it names the costliest mistakes.

It adds a criterion for the kinds of queries whose choices lost most, at the tier that would have
been better, and sharpens or moves what names them elsewhere. It reads only the message it is sent.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from route_switch.adapters.models.offline_criteria import OTHER, KindCounts, with_kind
from route_switch.domain.prompts.readability import MAX_CRITERIA
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MOST_ADDED = 2
ASSIGN = "Assign the query to the smallest model tier that answers it as well as the largest would."
TIER_NAMES = {Tier.SMALL: "small", Tier.MEDIUM: "medium", Tier.LARGE: "large"}

_TIER_1 = re.compile(r"^Tier 1\b", re.MULTILINE)
_EXAMPLE = re.compile(r'^Query: (".*")\nChosen: Tier [123]\nFeedback: (.*)$', re.MULTILINE)
_BETTER = re.compile(r"Tier ([123]) would have been worth ([\d.]+) more")


def revise(sections: Mapping[str, str], kind_of: Callable[[str], str]) -> str:
    """Return the current instruction with criteria for the costliest kinds of mistakes."""
    current = sections.get("current_instruction") or ASSIGN
    present = RoutingPrompt(instruction=current).criteria
    criteria = {tier: list(present.get(tier, ())) for tier in Tier}
    regrets = _regrets(sections.get("examples_with_feedback", ""), kind_of)
    evidence = [KindCounts(kind, Counter({tier: 1})) for tier, kind in regrets]
    added = 0
    for tier, kind in sorted(regrets, key=lambda found: -regrets[found]):
        changed = with_kind(criteria, tier, kind, evidence) if added < MOST_ADDED else None
        if changed is not None and len(changed[tier]) <= MAX_CRITERIA:
            criteria, added = changed, added + 1
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


def _lists(criteria: Mapping[Tier, Sequence[str]]) -> Iterator[str]:
    for tier, listed in criteria.items():
        yield f"\nTier {tier.value} ({TIER_NAMES[tier]} model) is for:"
        yield from (f"- {criterion}" for criterion in listed or (OTHER[tier],))

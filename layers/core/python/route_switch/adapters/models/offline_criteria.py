"""How the simulated proposer improves the criteria of a prompt.

It adds a criterion for each kind of query that belongs to one tier, sharpens present criteria that
name a subject which now belongs elsewhere, merges questions of one form about several subjects, and
drops those that the examples contradict.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from route_switch.adapters.models.query_kinds import MULTIPLE_CHOICE, OPEN, subject_of
from route_switch.domain.prompts.readability import say_the_same
from route_switch.domain.tiers import Tier

Criteria = dict[Tier, list[str]]
Similarity = Callable[[str, str], float]

MIN_EXAMPLES = 2
MIN_SHARE = 0.6
"""Of the examples of a kind, the share that one tier needs."""
MAX_CRITERIA = 9
"""Of a tier."""
MERGED_SUBJECTS = 4
FEW_KINDS = 10
"""With fewer kinds than this, one example of a kind is enough."""

_ITEM = re.compile(r", or |, and |, | or | and ")


class Style(Enum):
    """How many new criteria each tier gets at most, by the tip. `FRESH` keeps only present criteria
    that examples support."""

    CONCISE = 4
    BALANCED = 6
    FRESH = 7
    DETAILED = 9


@dataclass(frozen=True, slots=True)
class KindCounts:
    """How many examples of a kind belong to each tier."""

    kind: str
    counts: Mapping[Tier, int]

    @property
    def tier(self) -> Tier:
        return max(self.counts, key=lambda tier: (self.counts[tier], -tier))

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    def speaks_for(self, tier: Tier) -> int:
        """Return the examples of the tier minus those of the others."""
        return 2 * self.counts[tier] - self.size


@dataclass(frozen=True, slots=True)
class Sharpened:
    """A present criterion, without the subjects that `moved` to another tier."""

    text: str
    moved: frozenset[str] = frozenset()


def improved(
    present: Mapping[Tier, Sequence[str]],
    evidence: Sequence[KindCounts],
    style: Style,
    draw: random.Random,
    similarity: Similarity,
) -> Criteria:
    """Return at most `MAX_CRITERIA` criteria for each tier, none of which say the same."""
    new = _added(evidence, style, draw)
    added = {tier: [fact.kind for fact in new if fact.tier is tier] for tier in Tier}
    for form in (MULTIPLE_CHOICE, OPEN) if style is Style.CONCISE else (OPEN,):
        added = {tier: _merged(kinds, form) for tier, kinds in added.items()}
    old = {tier: _sharpened(present.get(tier, ()), tier, new) for tier in Tier}
    support = _support(old, evidence, similarity)
    least = 1 if style is Style.FRESH else 0
    taken = [criterion for own in added.values() for criterion in own]
    criteria: Criteria = {}
    for tier in Tier:
        ranked = sorted(old[tier], key=lambda found: -support[tier, found.text])
        kept = [found.text for found in ranked if support[tier, found.text] >= least]
        room = MAX_CRITERIA - len(added[tier])
        criteria[tier] = [*added[tier], *_distinct(kept, taken)[: max(room, 0)]]
        taken += criteria[tier]
    return {tier: criteria[tier] or _fallback(present.get(tier, ()), taken) for tier in Tier}


def _added(evidence: Sequence[KindCounts], style: Style, draw: random.Random) -> list[KindCounts]:
    """Return the kinds that get a criterion. Those with more evidence are drawn more often."""
    least = MIN_EXAMPLES if len(evidence) > FEW_KINDS else 1
    clear = [
        fact
        for fact in sorted(evidence, key=lambda fact: fact.kind)
        if fact.size >= least and fact.counts[fact.tier] >= MIN_SHARE * fact.size
    ]
    drawn = sorted(clear, key=lambda fact: -fact.speaks_for(fact.tier) * draw.expovariate(1.0))
    chosen: list[KindCounts] = []
    for fact in drawn:
        own = sum(other.tier is fact.tier for other in chosen)
        if own < style.value and not any(say_the_same(fact.kind, o.kind) for o in chosen):
            chosen.append(fact)
    return chosen


def _support(
    old: Mapping[Tier, Sequence[Sharpened]], evidence: Sequence[KindCounts], similarity: Similarity
) -> dict[tuple[Tier, str], int]:
    """Return, for each present criterion, how many more examples agree with it than contradict it:
    those of the kinds that it is the nearest criterion to. Kinds that it was sharpened against do
    not count."""
    support = {(tier, found.text): 0 for tier, own in old.items() for found in own}
    moved = {(tier, found.text): found.moved for tier, own in old.items() for found in own}
    for fact in evidence if support else ():
        nearest = max(support, key=lambda found: similarity(found[1], fact.kind))
        if subject_of(fact.kind) not in moved[nearest]:
            support[nearest] += fact.speaks_for(nearest[0])
    return support


def _sharpened(criteria: Sequence[str], tier: Tier, new: Sequence[KindCounts]) -> list[Sharpened]:
    """Remove subjects that now belong to another tier from lists of subjects. A criterion of which
    none is left is dropped."""
    elsewhere = {subject_of(fact.kind) for fact in new if fact.tier is not tier}
    sharpened = []
    for criterion in criteria:
        subjects, _, parts = criterion.removeprefix(MULTIPLE_CHOICE).partition(", such as ")
        named = _ITEM.split(subjects) if criterion.startswith(MULTIPLE_CHOICE) else []
        left = [subject for subject in named if subject not in elsewhere]
        if left == named:
            sharpened.append(Sharpened(criterion))
        elif left and not parts:
            moved = frozenset(named) - frozenset(left)
            sharpened.append(Sharpened(f"{MULTIPLE_CHOICE}{listed(left)}", moved))
    return sharpened


def _merged(kinds: Sequence[str], form: str) -> list[str]:
    """Put questions of one form about several subjects into one criterion."""
    subjects = [subject for kind in kinds if (subject := subject_of(kind, form)) is not None]
    if len(subjects) < MIN_EXAMPLES:
        return list(kinds)
    groups = (subjects[i : i + MERGED_SUBJECTS] for i in range(0, len(subjects), MERGED_SUBJECTS))
    others = [kind for kind in kinds if subject_of(kind, form) is None]
    return [*(form + listed(group) for group in groups), *others]


def listed(items: Sequence[str]) -> str:
    """Return "a, b or c"."""
    return " or ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _distinct(criteria: Sequence[str], taken: Sequence[str]) -> list[str]:
    found: list[str] = []
    for criterion in filter(None, criteria):
        if not any(say_the_same(criterion, other) for other in (*taken, *found)):
            found.append(criterion)
    return found


def _fallback(present: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return criteria for a tier that the examples say nothing about."""
    return _distinct(present, taken)[:MAX_CRITERIA] or ["any other query of this difficulty"]

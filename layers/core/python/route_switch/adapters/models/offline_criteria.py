"""How the simulated proposer improves the criteria of a prompt.

It adds a criterion for each kind of query that belongs to one tier, unless the prompt has one. It
sharpens existing lists that name the kind, moves a criterion of another tier that names it, merges
questions of one form about several subjects, and drops criteria that the examples contradict.
"""

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from route_switch.adapters.models.query_kinds import KINDS, MULTIPLE_CHOICE, OPEN, subject_of
from route_switch.domain.prompts.criterion_subjects import (
    listed,
    name_the_same,
    without_what,
)
from route_switch.domain.prompts.readability import MAX_CRITERIA, say_the_same
from route_switch.domain.tiers import Tier

Criteria = dict[Tier, list[str]]
OTHER = {
    Tier.SMALL: "any other query of low difficulty",
    Tier.MEDIUM: "any other query of medium difficulty",
    Tier.LARGE: "any other query of high difficulty",
}
"""What a tier without criteria is for."""

MIN_EXAMPLES = 2
MIN_SHARE = 0.6
"""The share of the examples of a kind that one tier needs."""
MERGED_SUBJECTS = 4
FEW_KINDS = 10
"""With fewer kinds than this, one example of a kind is enough."""


class Style(Enum):
    """How many new criteria each tier gets at most, by the tip. `FRESH` drops an existing criterion
    even if only as many examples contradict it as support it."""

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


def improved(
    present: Mapping[Tier, Sequence[str]],
    evidence: Sequence[KindCounts],
    style: Style,
    draw: random.Random,
) -> Criteria:
    """Return at most `MAX_CRITERIA` criteria for each tier. No new one repeats another."""
    known = {criterion for own in present.values() for criterion in own}
    criteria = {tier: _kept(present.get(tier, ()), tier, evidence, style) for tier in Tier}
    dropped = [
        criterion for criterion in known if all(criterion not in c for c in criteria.values())
    ]
    new = _added(evidence, style, draw)
    # What replaces a dropped criterion comes first, because there is not room for every kind.
    for fact in sorted(new, key=lambda f: not any(_names(old, f.kind) for old in dropped)):
        more = with_kind(criteria, fact.tier, fact.kind, evidence)
        if more is not None and len(_joined(more[fact.tier], known, style)) <= MAX_CRITERIA:
            criteria = more
    return {tier: _joined(criteria[tier], known, style) or [OTHER[tier]] for tier in Tier}


def with_kind(
    criteria: Criteria, tier: Tier, kind: str, evidence: Sequence[KindCounts]
) -> Criteria | None:
    """Return the criteria with one for the kind at the tier, which no other criterion names.

    A list that names the kind loses that item. Another criterion of another tier moves with the
    kind if the examples of what it names speak for that. Return None if something stands against
    it: a criterion that does not move, or one of the same tier that names the kind already.
    """
    changed = {of: list(own) for of, own in criteria.items()}
    for of, criterion in _naming(criteria, kind):
        left = without_what(criterion, kind)
        at = changed[of].index(criterion)
        if left is not None:
            changed[of][at] = left
        elif of is not tier and _moves(criterion, of, tier, evidence):
            del changed[of][at]
        else:
            return None
    changed[tier].append(kind)
    return changed


def _naming(criteria: Criteria, kind: str) -> list[tuple[Tier, str]]:
    return [
        (tier, criterion)
        for tier, own in criteria.items()
        for criterion in own
        if _names(criterion, kind)
    ]


def _names(criterion: str, kind: str) -> bool:
    return name_the_same(criterion, kind) or say_the_same(criterion, kind)


def _moves(criterion: str, of: Tier, to: Tier, evidence: Sequence[KindCounts]) -> bool:
    """Whether more examples of the kinds that the criterion names belong to the other tier."""
    named = [fact for fact in evidence if _names(criterion, fact.kind)]
    return sum(fact.counts[to] - fact.counts[of] for fact in named) > 0


def _kept(
    criteria: Sequence[str], tier: Tier, evidence: Sequence[KindCounts], style: Style
) -> list[str]:
    """Drop the criteria that the examples contradict. One that they say nothing about stays."""
    least = 1 if style is Style.FRESH else 0
    kept = []
    for criterion in criteria:
        about = [
            fact.speaks_for(tier)
            for fact in evidence
            if _names(criterion, fact.kind) and without_what(criterion, fact.kind) is None
        ]
        if not about or sum(about) >= least:
            kept.append(criterion)
    return kept


def _joined(criteria: Sequence[str], known: AbstractSet[str], style: Style) -> list[str]:
    """Merge the new questions of one form; merge multiple choice too if there are too many
    criteria. New criteria follow the others."""
    new = [criterion for criterion in criteria if criterion in KINDS and criterion not in known]
    others = [criterion for criterion in criteria if criterion not in new]
    is_long = style is Style.CONCISE or len(criteria) > MAX_CRITERIA
    for form in (MULTIPLE_CHOICE, OPEN) if is_long else (OPEN,):
        new = _merged(new, form)
    return [*others, *new]


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
        if own < style.value:
            chosen.append(fact)
    return chosen


def _merged(kinds: Sequence[str], form: str) -> list[str]:
    """Put questions of one form about several subjects into one criterion."""
    subjects = [subject for kind in kinds if (subject := subject_of(kind, form)) is not None]
    if len(subjects) < MIN_EXAMPLES:
        return list(kinds)
    groups = (subjects[i : i + MERGED_SUBJECTS] for i in range(0, len(subjects), MERGED_SUBJECTS))
    others = [kind for kind in kinds if subject_of(kind, form) is None]
    return [*(form + listed(group) for group in groups), *others]

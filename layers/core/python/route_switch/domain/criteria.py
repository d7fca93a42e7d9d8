"""The grammar of a routing prompt's criteria, and the only parser for it.

A criterion is a bullet (`- …`, `* …` or `• …`), together with the lines below it that are indented
further. It belongs to the nearest line above that is not a bullet and names exactly one tier, such
as "Route to Tier 1 if the query is:", "## Tier 2" or "tier-3:". A line that is neither indented nor
such a heading ends the list. All other text is ignored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from route_switch.domain.tiers import Tier

_TIER = re.compile(r"\btier[\s_-]*([123])\b", re.IGNORECASE)
_BULLET = re.compile(r"(?P<indent>\s*)[-*•]\s+(?P<text>\S.*)")


@dataclass(frozen=True, slots=True)
class Criterion:
    """`first` and `last` are the positions of its lines in the text."""

    tier: Tier
    text: str
    first: int
    last: int


def find_criteria(text: str) -> list[Criterion]:
    """Return the criteria in the order of the text."""
    found: list[Criterion] = []
    tier: Tier | None = None
    indent: int | None = None  # of the bullet that a line may continue
    for position, line in enumerate(text.splitlines()):
        if not line.strip():
            continue
        bullet = _BULLET.match(line)
        if tier is not None and bullet:
            found.append(Criterion(tier, bullet["text"].strip(), position, position))
            indent = len(bullet["indent"])
        elif indent is not None and _indent(line) > indent:
            begun = found[-1]
            whole = f"{begun.text} {line.strip()}"
            found[-1] = Criterion(begun.tier, whole, begun.first, position)
        elif not bullet:
            tier = _named_tier(line) or (tier if indent is None else None)
            indent = None
    return found


def parse_criteria(text: str) -> list[tuple[Tier, str]]:
    """Return tier and text of each criterion, in the order of the text."""
    return [(criterion.tier, criterion.text) for criterion in find_criteria(text)]


def without_criteria(text: str, left_out: Callable[[Criterion], bool]) -> str:
    """Return the text without the lines of these criteria."""
    lines = text.splitlines(keepends=True)
    dropped = {
        position
        for criterion in find_criteria(text)
        if left_out(criterion)
        for position in range(criterion.first, criterion.last + 1)
    }
    return "".join(line for position, line in enumerate(lines) if position not in dropped)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _named_tier(line: str) -> Tier | None:
    """Return the tier that the line names, if it names exactly one."""
    named = {Tier(int(digit)) for digit in _TIER.findall(line)}
    return named.pop() if len(named) == 1 else None

"""The grammar of a routing prompt's criteria: the only parser of them.

A criterion is a bullet (`- …`, `* …` or `• …`), together with the lines below it that are indented
further. It belongs to the nearest line above that is not a bullet and names exactly one tier, such
as "Route to Tier 1 if the query is:", "## Tier 2" or "tier-3:". A line that is neither indented nor
such a heading ends the list. All other text is ignored.
"""

import re

from route_switch.domain.tiers import Tier

_TIER = re.compile(r"\btier[\s_-]*([123])\b", re.IGNORECASE)
_BULLET = re.compile(r"(?P<indent>\s*)[-*•]\s+(?P<text>\S.*)")


def parse_criteria(text: str) -> list[tuple[Tier, str]]:
    """Return tier and text of each criterion, in the order of the text."""
    found: list[tuple[Tier, str]] = []
    tier: Tier | None = None
    indent: int | None = None  # of the bullet that a line may continue
    for line in filter(str.strip, text.splitlines()):
        bullet = _BULLET.match(line)
        if tier is not None and bullet:
            found.append((tier, bullet["text"].strip()))
            indent = len(bullet["indent"])
        elif indent is not None and _indent(line) > indent:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        elif not bullet:
            tier = _named_tier(line) or (tier if indent is None else None)
            indent = None
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _named_tier(line: str) -> Tier | None:
    """Return the tier that the line names, if it names exactly one."""
    named = {Tier(int(digit)) for digit in _TIER.findall(line)}
    return named.pop() if len(named) == 1 else None

"""How a local model reads a text of several units: as a whole, and as each side of its cuts.

The reading with the lowest tier decides (`domain.local_model.decisive`): one of the sides is the
query without what was put before or after it, so such a text cannot raise the tier. A text with
code or a list of options is read as a whole.
"""

from dataclasses import replace

from route_switch.domain.query import Query
from route_switch.domain.query_parts import as_told, cuts_of, joined, poses_task, units_of

MOST_CUTS = 6


def readings_of(query: Query) -> tuple[Query, ...]:
    """Return at most 1 + 2 · `MOST_CUTS` readings, that of the whole first."""
    if poses_task(query.text):
        return (query,)
    units = units_of(query.text)
    cuts = cuts_of(units)
    if len(cuts) > MOST_CUTS:
        cuts = cuts[: MOST_CUTS // 2] + cuts[-MOST_CUTS // 2 :]
    sides = (joined(side) for cut in cuts for side in (units[:cut], units[cut:]))
    return tuple(
        replace(query, text=text) for text in dict.fromkeys((as_told(query.text, units), *sides))
    )

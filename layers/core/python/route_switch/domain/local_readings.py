"""How a local model reads a text of several units: as a whole, and as each side of its cuts.

The reading with the lowest tier decides (`domain.local_model.decisive`): one of the sides is the
query without what was put before or after it, so such a text cannot raise the tier. A text with
code or a list of options is read as a whole.
"""

from dataclasses import replace

from route_switch.domain.query import Query
from route_switch.domain.query_parts import as_told, poses_task, sides_of, units_of
from route_switch.domain.routed_text import as_read

MOST_CUTS = 6


def readings_of(query: Query) -> tuple[Query, ...]:
    """Return at most 1 + 2 · `MOST_CUTS` readings, that of the whole first."""
    read = as_read(query.text)
    if poses_task(read):
        return (replace(query, text=read),)
    units = units_of(read)
    texts = dict.fromkeys((as_told(read, units), *sides_of(units, MOST_CUTS)))
    return tuple(replace(query, text=text) for text in texts)

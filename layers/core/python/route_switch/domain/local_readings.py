"""How a local model reads a text of several units: as a whole, and each stretch of it.

The reading with the lowest tier decides (`domain.local_model.decisive`): one of the stretches is
the query without what was put before or after it, so such a text cannot raise the tier. A text with
code or a list of options is read once, without what stands apart from them. Training reads the
whole in the same way.
"""

from dataclasses import replace

from route_switch.domain.query import Query
from route_switch.domain.query_parts import joined, stretches_of, task_in, units_of
from route_switch.domain.routed_text import as_read

MOST_CUTS = 6


def readings_of(query: Query) -> tuple[Query, ...]:
    """Return the readings, at most (`MOST_CUTS` + 2) · (`MOST_CUTS` + 1) / 2, that of the whole
    first."""
    read = as_read(query.text)
    units = units_of(read)
    if task := task_in(units):
        return (replace(query, text=joined(task)),)
    texts = dict.fromkeys((joined(units), *stretches_of(units, MOST_CUTS)))
    return tuple(replace(query, text=text) for text in texts)


def as_learned(query: Query) -> Query:
    """Return the reading of the whole."""
    units = units_of(as_read(query.text))
    return replace(query, text=joined(task_in(units) or units))

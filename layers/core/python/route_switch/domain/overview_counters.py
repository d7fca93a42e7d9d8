"""Counters of response times and ratings, by day and by key's month.

A histogram of times has eight buckets: `ms0` to `ms7` count answers, and `ms` sums their times in
milliseconds. `ft…` does the same for the time to the first token of streamed answers. Names are
short because each is part of every item of counters, and each KB of an item is a write unit.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.request_record import RequestRecord
from route_switch.domain.result_row import first_token_ms


@dataclass(frozen=True, slots=True)
class Buckets:
    """`edges` are in milliseconds, ascending, each twice the one before: bucket 0 is below the
    first, the last bucket above the last."""

    name: str
    edges: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.edges) + 1

    def counters(self, ms: float) -> Mapping[str, float]:
        """Return what one time adds."""
        return {f"{self.name}{bisect_right(self.edges, ms)}": 1, self.name: round(ms)}


LATENCY = Buckets("ms", (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000))
FIRST_TOKEN = Buckets("ft", (125, 250, 500, 1_000, 2_000, 4_000, 8_000))

RATED, SCORES = "rated", "scores"
"""Rated answers, and the sum of their scores from 0 to 1."""


def time_counters(record: RequestRecord) -> dict[str, float]:
    """Return what a request adds. Only answers count: failures and dry runs have other times."""
    if record.status != "answered":
        return {}
    streamed_ms = first_token_ms(record)
    first = {} if streamed_ms is None else FIRST_TOKEN.counters(streamed_ms)
    return {**LATENCY.counters(record.latency_ms), **first}

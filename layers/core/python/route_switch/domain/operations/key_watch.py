"""Whether a key's share of upgrades, or of bypassed requests with long answers, is above what is
expected of it.

The test is sequential and anytime-valid: a mixture of likelihood ratios (Robbins, 1970; Howard et
al., "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021). If every request is
an upgrade with a probability of at most `expected`, given all earlier ones, each ratio is a
supermartingale. By Ville's inequality the mean of the ratios ever reaches 1 / `FALSE_ALARM_RATE`
with a probability of at most `FALSE_ALARM_RATE`. It depends on the sums of a month alone, so it may
be looked at as often as one likes and needs no state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

from route_switch.domain.intervals import wilson

FALSE_ALARM_RATE = 0.01 / 3
"""Per key, month and kind of share: at most 1% per key and quarter."""
TOLERANCE = 0.05
"""Added to what is expected, so that honest drift raises no alarm."""
MIN_BASELINE = 200
"""Requests below which a key has no baseline of its own."""
_ALTERNATIVES = 20
_LARGEST = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n` requests."""

    hits: int = 0
    n: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.hits + other.hits, self.n + other.n)

    def __sub__(self, other: "Share") -> "Share":
        return Share(self.hits - other.hits, self.n - other.n)


def upgrades_of(counters: Mapping[str, float]) -> Share:
    """Return the requests that routing itself sent to Tier 3, of all that it decided. Named tiers,
    bypassed requests and failures of the router do not count."""
    routed = [int(counters.get(f"routed:{tier}", 0)) for tier in (1, 2, 3)]
    return Share(routed[2], sum(routed))


def long_bypassed_of(counters: Mapping[str, float]) -> Share:
    """Return the bypassed requests with a long answer, of all bypassed requests."""
    return Share(int(counters.get("bypassed:long", 0)), int(counters.get("bypassed", 0)))


def expected_share(own: Share, others: Share) -> float | None:
    """Return the largest share that is expected of a key, from its own earlier months, else from
    the other keys; None if neither has `MIN_BASELINE` requests."""
    for known in (own, others):
        if known.n >= MIN_BASELINE:
            return min(wilson(known.hits, known.n)[1] + TOLERANCE, _LARGEST)
    return None


def evidence(share: Share, expected: float) -> float:
    """Return the mean likelihood ratio of larger shares to `expected`; 1 without requests."""
    if not 0 < expected < 1:
        raise ValueError(f"the expected share must lie between 0 and 1, but it is {expected}")
    step = (1 - expected) / (_ALTERNATIVES + 1)
    misses = share.n - share.hits
    logs = [
        share.hits * log(other / expected) + misses * log((1 - other) / (1 - expected))
        for other in (expected + step * n for n in range(1, _ALTERNATIVES + 1))
    ]
    return sum(exp(min(each, 700.0)) for each in logs) / _ALTERNATIVES


def is_above(share: Share, expected: float) -> bool:
    return evidence(share, expected) >= 1 / FALSE_ALARM_RATE

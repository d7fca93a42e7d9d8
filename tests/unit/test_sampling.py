"""Uniform samples from positions on a circle."""

import math

from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.results_table import as_hex, buckets
from route_switch.domain.sampling import POSITIONS, Arc, position_of
from tests.support.effort import draws

positions = st.integers(0, POSITIONS - 1)
shares = st.floats(0.001, 1.0)


def is_in_index_range(arc: Arc, position: int) -> bool:
    """Whether the index finds it: a string comparison in the buckets of each span."""
    return any(
        as_hex(first) <= as_hex(position) <= as_hex(last)
        for span in arc.spans
        for first, last in buckets(*span)
    )


@given(st.integers(), shares)
def test_the_buckets_of_an_arc_cover_its_probability(seed: int, share: float) -> None:
    arc = Arc.of(seed, share)
    parts = [part for span in arc.spans for part in buckets(*span)]
    assert sum(last - first + 1 for first, last in parts) == arc.length
    assert len({f"{first >> 60:x}" for first, _ in parts}) <= 16
    assert all(as_hex(first)[0] == as_hex(last)[0] for first, last in parts)
    assert math.isclose(arc.probability, share, rel_tol=1e-9)


@given(positions, shares, positions)
def test_a_position_is_in_the_arc_if_its_offset_is_below_the_length(
    start: int, share: float, position: int
) -> None:
    arc = Arc(start, round(share * POSITIONS))
    assert is_in_index_range(arc, position) == ((position - start) % POSITIONS < arc.length)


def test_over_many_seeds_each_request_is_drawn_with_the_same_probability() -> None:
    ids = [f"chatcmpl-{n}" for n in range(200)]
    seeds, share = draws(1000, 10_000), 0.1
    drawn = dict.fromkeys(ids, 0)
    for seed in range(seeds):
        arc = Arc.of(seed, share)
        for request_id in ids:
            drawn[request_id] += arc.offset_of(request_id) < arc.length
    deviation = math.sqrt(seeds * share * (1 - share))
    worst = max(abs(times - seeds * share) for times in drawn.values()) / deviation
    assert worst < 4, "200 draws from a normal distribution stay below 4 in 99 of 100 cases"


def test_the_weighted_estimate_of_a_total_is_right_on_average() -> None:
    costs = {f"chatcmpl-{n}": float(n % 17) ** 2 for n in range(500)}
    seeds, share = draws(500, 5000), 0.05
    estimates = []
    for seed in range(seeds):
        arc = Arc.of(seed, share)
        found = (cost for id_, cost in costs.items() if arc.offset_of(id_) < arc.length)
        estimates.append(sum(found) / arc.probability)
    mean = sum(estimates) / seeds
    spread = math.sqrt(sum((e - mean) ** 2 for e in estimates) / seeds)
    assert abs(mean - sum(costs.values())) < 3 * spread / math.sqrt(seeds)


def test_a_larger_share_with_the_same_seed_keeps_what_a_smaller_one_drew() -> None:
    small, large = Arc.of(3, 0.1), Arc.of(3, 0.4)
    ids = [f"chatcmpl-{n}" for n in range(1000)]
    few = {i for i in ids if is_in_index_range(small, position_of(i))}
    many = {i for i in ids if is_in_index_range(large, position_of(i))}
    assert 60 < len(few) < 140
    assert few < many

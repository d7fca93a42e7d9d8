"""A promise is wrong in at most 5% of cases. Full tables: docs/decisions/017."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.promise import (
    CertifyingRow,
    Losses,
    as_provenance,
    certifies,
    client_relied_on,
    loss_at_most,
    losses_of,
    promise_of,
    promised_loss,
    rows_needed,
)
from route_switch.domain.routing_prompt import RoutingPrompt
from tests.support.effort import draws
from tests.support.promise_simulation import (
    ALL_BAD,
    FRONT,
    HALF_BAD,
    World,
    a_year_of_looks,
    bonferroni,
    in_sequence,
    on_the_rows_that_certify,
    one_chosen,
    power,
    simulate,
    with_a_hostile_client,
)

RUNS = draws(400, 2000)


def binomial(lost: int, n: int) -> Losses:
    return losses_of(CertifyingRow(float(i < lost)) for i in range(n))


@pytest.mark.parametrize(
    ("lost", "n", "at_most"),
    [(0, 59, 0.0495), (0, 100, 0.0295), (3, 200, 0.0383), (10, 412, 0.0408)],
)
def test_the_bound_on_rows_of_equal_weight_is_that_of_clopper_and_pearson(
    lost: int, n: int, at_most: float
) -> None:
    """The bound p solves P(X ≤ lost) = 0.05 for X binomial (n, p)."""
    bound = loss_at_most(binomial(lost, n), 0.05)
    tail = math.fsum(math.comb(n, k) * bound**k * (1 - bound) ** (n - k) for k in range(lost + 1))
    assert tail == pytest.approx(0.05, rel=1e-6)
    assert bound == pytest.approx(at_most, abs=1e-4)


def test_59_rows_without_a_loss_certify_5_percent_and_58_do_not() -> None:
    assert certifies(binomial(0, 59), 0.05, 0.05)
    assert not certifies(binomial(0, 58), 0.05, 0.05)


@pytest.mark.parametrize("n", [100, 300, 1000])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal weights", "unequal weights"])
@pytest.mark.parametrize("world", [ALL_BAD, HALF_BAD, FRONT], ids=["all bad", "half bad", "front"])
def test_a_promise_among_independent_policies_is_wrong_in_at_most_5_percent_of_runs(
    world: World, weighted: bool, n: int
) -> None:
    tally = simulate(World(world.rates, weighted), in_sequence, n, RUNS, 1)
    assert tally.interval[0] <= 0.05
    assert tally.wrong <= 0.06 * RUNS


def test_choosing_on_the_rows_that_certify_is_wrong_most_of_the_time() -> None:
    """The simulation sees the mistake that the order on validation rows avoids."""
    assert simulate(ALL_BAD, on_the_rows_that_certify, 300, RUNS, 2).wrong > 0.6 * RUNS


@pytest.mark.parametrize("weighted", [False, True], ids=["equal weights", "unequal weights"])
def test_a_year_of_weekly_promises_is_wrong_in_at_most_5_percent_of_years(weighted: bool) -> None:
    years = draws(200, 2000)
    tally = a_year_of_looks(World(FRONT.rates[-1:] * 3, weighted), 150, years, 3)
    assert tally.interval[0] <= 0.05


def test_the_fixed_sequence_reaches_cheaper_policies_than_the_alternatives() -> None:
    reached = {
        procedure: simulate(FRONT, procedure, 300, RUNS, 4).cheapest
        for procedure in (in_sequence, one_chosen, bonferroni)
    }
    assert reached[in_sequence] > reached[bonferroni] > reached[one_chosen]


def test_enough_rows_certify_a_policy_that_is_good_enough_in_most_runs() -> None:
    assert power(0.02, 500, 0.05, RUNS, 5, weighted=False) > 0.8
    assert power(0.01, 800, 0.05, RUNS, 6, weighted=True) > 0.8


@given(st.integers(0, 30), st.integers(1, 400), st.floats(0.01, 0.3))
def test_the_bound_is_the_smallest_limit_that_is_certified(lost: int, n: int, alpha: float) -> None:
    losses = binomial(min(lost, n), n)
    bound = loss_at_most(losses, alpha)
    assert losses.rate <= bound <= 1
    if bound < 0.999:
        assert certifies(losses, bound + 1e-6, alpha)
    if bound > losses.rate + 1e-6:
        assert not certifies(losses, bound - 1e-6, alpha)


ROWS = st.lists(
    st.builds(
        CertifyingRow,
        loss=st.floats(0, 1),
        weight=st.floats(0.1, 50),
        cluster=st.none() | st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[CertifyingRow], random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (loss_at_most(losses_of(each), 0.05) for each in (rows, shuffled))
    assert one == pytest.approx(other, abs=1e-9)


@given(ROWS)
def test_one_more_lost_row_never_helps(rows: list[CertifyingRow]) -> None:
    lost = CertifyingRow(1.0, max(row.weight for row in rows))
    before, after = losses_of(rows), losses_of([*rows, lost])
    if certifies(after, 0.05, 0.05) and not after.is_binomial:
        assert certifies(before, 0.05, 0.05) or before.is_binomial


def test_a_cluster_counts_as_one_row_however_many_rows_it_has() -> None:
    rows = [CertifyingRow(0.0, cluster=str(i % 20)) for i in range(360)]
    assert losses_of(rows).n == 20
    assert not certifies(losses_of(rows), 0.05, 0.05)
    assert certifies(binomial(0, 360), 0.05, 0.05)


def test_a_clusters_loss_is_the_weighted_mean_of_its_rows() -> None:
    rows = [CertifyingRow(1.0, 1.0, "a"), CertifyingRow(0.0, 3.0, "a")]
    assert losses_of(rows).counts == Counter({(4.0, 0.25): 1})


def of_client(loss: float, client: str, labels: bool) -> CertifyingRow:
    return CertifyingRow(loss, asked_by={client: 1.0}, labeled_by=client if labels else None)


@given(
    lost=st.integers(0, 12),
    honest=st.integers(30, 200),
    share=st.floats(0.01, 0.9),
    labels=st.booleans(),
)
def test_no_client_causes_a_promise_by_its_rows(
    lost: int, honest: int, share: float, labels: bool
) -> None:
    """A client with most of the traffic is what the promise is for; its labels decide nothing."""
    rows = [of_client(float(n < lost), f"key_{n % 5}", labels=True) for n in range(honest)]
    lies = [of_client(0.0, "liar", labels) for _ in range(round(honest * share / (1 - share)))]
    everything = [*rows, *lies]
    held = certifies(losses_of(everything), 0.05, 0.05)
    promised = held and client_relied_on(everything, 0.05, 0.05) is None
    if len(lies) <= honest or labels:
        assert not promised or certifies(losses_of(rows), 0.05, 0.05)


def test_a_hostile_client_causes_no_wrong_promise() -> None:
    trusting = with_a_hostile_client(ALL_BAD, 300, 0.3, RUNS, 1, leave_out=False)
    assert trusting.interval[0] > 0.05
    for share in (0.01, 0.05, 0.1, 0.3):
        tally = with_a_hostile_client(ALL_BAD, 300, share, RUNS, 1, leave_out=True)
        assert tally.interval[0] < 0.05
        assert tally.wrong / RUNS <= 0.05


def test_a_heavy_row_makes_a_promise_need_more_rows() -> None:
    equal = losses_of(CertifyingRow(0.0) for _ in range(200))
    unequal = losses_of(CertifyingRow(0.0, 20.0 if i == 0 else 1.0) for i in range(200))
    needs = rows_needed(equal, 0.05, 0.05), rows_needed(unequal, 0.05, 0.05)
    assert needs[0] is not None
    assert needs[1] is not None
    assert needs[1] > 3 * needs[0]


@pytest.mark.parametrize(("rate", "needed"), [(0.0, 59), (0.01, 93), (0.02, 181), (0.03, 386)])
def test_the_rows_still_needed_are_computed_for_the_observed_rate(rate: float, needed: int) -> None:
    losses = binomial(round(rate * 1000), 1000)
    assert rows_needed(losses, 0.05, 0.05) == needed
    assert certifies(binomial(math.ceil(rate * needed), needed), 0.05, 0.05)


def test_no_number_of_rows_is_enough_if_the_rate_is_not_below_the_limit() -> None:
    assert rows_needed(binomial(5, 100), 0.05, 0.05) is None
    assert rows_needed(binomial(0, 0), 0.05, 0.05) is None
    assert loss_at_most(binomial(0, 0), 0.05) == 1


def test_a_promise_is_for_the_text_that_was_measured() -> None:
    prompt = RoutingPrompt(instruction="Choose a tier.")
    said = as_provenance("at most 5% of answers are worse", 0.05, prompt)
    kept = prompt.model_copy(update={"provenance": said})
    edited = RoutingPrompt(instruction="Choose another tier.", provenance=said)
    assert promise_of(kept) == "at most 5% of answers are worse"
    assert promised_loss(kept) == 0.05
    assert promise_of(edited) is None
    assert promised_loss(edited) is None
    assert promise_of(prompt) is None

"""No decision rests on one client: what is left out, and what the gate makes of it."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.clients import client_of
from route_switch.domain.learning.clients import (
    in_turns,
    labelers,
    to_leave_out,
    why_unchecked,
    without_labels_of,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain, of_clients
from route_switch.domain.learning.outcome import GradedBy, OutcomeTable
from route_switch.domain.learning.promotion import (
    GateHistory,
    GateResult,
    alpha_of_look,
    gate,
    guarded_bounds,
)
from route_switch.domain.tiers import Tier
from tests.support.outcomes import table_of

KEYS = ("key_a", "key_b", "key_c", "key_d")
USERS = tuple(client_of("key_a", f"user {n}") for n in range(10))


def rows(
    clients: Iterable[str | None], gain: float, spread: float = 0.0, *, labeled: bool = False
) -> list[HeldOutGain]:
    random = np.random.default_rng(5)
    return [
        HeldOutGain(
            f"{gain}-{number}",
            gain + spread * float(random.choice([-1, 1])),
            asked_by={} if client is None else {client: 1.0},
            labeled_by=client if labeled else None,
        )
        for number, client in enumerate(clients)
    ]


def of(*parts: list[HeldOutGain]) -> GateResult:
    together = [row for part in parts for row in part]
    unique = [replace(row, key=f"{n:016x}") for n, row in enumerate(together)]
    return gate(unique, GateHistory())


def test_a_gain_that_all_clients_see_is_better() -> None:
    result = of(rows(KEYS * 100, 0.1))
    assert result.verdict == "better"
    assert result.rests_on is None
    assert result.needs_approval is None


@pytest.mark.parametrize("labeled", [False, True])
def test_a_gain_that_only_one_client_sees_is_not_enough_evidence(labeled: bool) -> None:
    result = of(rows(KEYS * 60, -0.02), rows(["loud"] * 150, 1.0, labeled=labeled))
    assert result.mean > 0.3
    assert result.verdict == "not enough evidence"
    assert result.rests_on is not None
    assert (result.rests_on.client, result.rests_on.n) == ("loud", 240)
    assert "rests on one client: without loud it is -0.0200" in str(result.rests_on)
    assert result.history.looks == 1, "the look is spent all the same"


def test_many_users_of_one_key_among_several_are_one_client() -> None:
    loud = [client_of("loud", f"user {n}") for n in range(150)]
    result = of(rows(KEYS * 60, -0.02), rows(loud, 1.0))
    assert result.rests_on is not None
    assert result.rests_on.client == "loud"


def test_labels_of_a_client_with_most_of_the_traffic_need_a_person() -> None:
    result = of(rows(KEYS * 30, -0.02), rows(["main"] * 300, 0.5, labeled=True))
    assert result.verdict == "better"
    assert result.needs_approval is not None
    assert "without the labels of main" in result.needs_approval


def test_traffic_of_a_client_with_most_of_it_counts_if_others_graded_it() -> None:
    """The judge graded it: what the client asks is what the prompt is for."""
    result = of(rows(KEYS * 10, 0.05), rows(["main"] * 300, 0.1))
    assert result.verdict == "better"
    assert result.needs_approval is None


def test_with_one_key_its_users_are_left_out_in_turn() -> None:
    assert of(rows(USERS * 40, 0.1, labeled=True)).verdict == "better"
    result = of(rows(USERS[1:] * 30, -0.02), rows(USERS[:1] * 200, 1.0, labeled=True))
    assert result.verdict == "not enough evidence"
    assert result.rests_on is not None
    assert result.rests_on.client == USERS[0]


def test_with_one_key_without_users_its_labels_need_a_person_and_the_judges_do_not() -> None:
    assert of(rows(["key_a"] * 300, 0.1)).needs_approval is None
    labeled = of(rows(["key_a"] * 300, 0.1, labeled=True))
    assert labeled.verdict == "better"
    assert "without the labels of key_a" in str(labeled.needs_approval)


def test_examples_of_the_owner_are_never_left_out() -> None:
    result = of(rows([None] * 300, 0.1))
    assert (result.verdict, result.rests_on) == ("better", None)
    assert of(rows([None] * 300, 0.1), rows(["key_a"] * 30, -0.5)).verdict == "better"


def test_a_row_that_several_clients_asked_keeps_the_others_weight() -> None:
    shared = HeldOutGain("q", 0.5, 4.0, True, {"key_a": 3.0, "key_b": 1.0}, labeled_by="key_b")
    by_client = {each.client: each for each in to_leave_out([{"key_a": 3, "key_b": 9}], 12)}
    without = shared.without(replace(by_client["key_a"], share=0.1))
    assert without is not None
    assert without.weight == 1.0
    assert shared.without(by_client["key_b"]) is None
    assert shared.without(by_client["key_a"]) is not None


Gains = list[float]


@given(
    honest=st.lists(st.floats(-1, 0.2), min_size=60, max_size=120),
    lies=st.lists(st.floats(-2, 2), max_size=60),
    weight=st.floats(0.1, 5),
)
def test_the_gate_demands_what_honest_rows_show_no_matter_what_one_client_says(
    honest: Gains, lies: Gains, weight: float
) -> None:
    """The statement of docs/learning.md: a client can prevent a promotion but not cause one."""
    told = [HeldOutGain(f"h{n}", g, 2.0, True, {KEYS[n % 4]: 2.0}) for n, g in enumerate(honest)]
    lied = [
        HeldOutGain(f"l{n}", g, weight, True, {"loud": weight}, "loud") for n, g in enumerate(lies)
    ]
    result = gate([*told, *lied], GateHistory())
    if result.verdict == "better" and result.needs_approval is None:
        bounds = guarded_bounds(honest, [2.0] * len(honest), alpha_of_look(1))
        assert bounds.low > 0
        assert bounds.mean >= result.delta


# Labels that check the judge, and unchecked grades.


def graded(*by: tuple[str | None, GradedBy]) -> OutcomeTable:
    table = table_of(*[(1.0, 1.0, 1.0)] * len(by))
    examples = tuple(
        example.model_copy(update={"labeled_by": client, "asked_by": {client or "key": 1.0}})
        for example, (client, _) in zip(table.examples, by, strict=True)
    )
    cells = tuple(
        {tier: cell.model_copy(update={"graded_by": source}) for tier, cell in row.items()}
        for row, (_, source) in zip(table.rows, by, strict=True)
    )
    return replace(table, examples=examples, rows=cells)


def test_a_row_belongs_to_the_client_whose_label_graded_it() -> None:
    table = graded(("key_a", GradedBy.FEEDBACK), ("key_a", GradedBy.JUDGE), (None, GradedBy.GOLD))
    gains = [HeldOutGain(str(n), 0.0) for n in range(3)]
    assert [g.labeled_by for g in of_clients(gains, table)] == ["key_a", None, None]


def test_the_clients_take_turns_in_checking_the_judge() -> None:
    table = graded(
        *[("loud", GradedBy.GOLD)] * 5, ("key_a", GradedBy.GOLD), ("key_b", GradedBy.FEEDBACK)
    )
    first = [example.labeled_by for example in in_turns(table).examples[:3]]
    assert set(first) == {"loud", "key_a", "key_b"}
    assert labelers(table)[0] == "loud"
    rest = without_labels_of(table, "loud")
    assert [example.labeled_by for example in rest.examples] == ["key_a", "key_b"]


def test_with_one_key_its_users_are_the_labelers() -> None:
    table = graded(*[(user, GradedBy.GOLD) for user in USERS[:3]])
    assert set(labelers(table)) == set(USERS[:3])


@pytest.mark.parametrize(
    ("sources", "asks"),
    [
        ([("key_a", GradedBy.GOLD), ("key_b", GradedBy.FEEDBACK)], True),
        ([("key_a", GradedBy.GOLD), (None, GradedBy.GOLD)], False),
        ([("key_a", GradedBy.GOLD), ("key_b", GradedBy.JUDGE)], False),
        ([(None, GradedBy.RECORDED)], False),
    ],
)
def test_without_a_judged_or_trusted_grade_a_person_has_to_approve(
    sources: list[tuple[str | None, GradedBy]], asks: bool
) -> None:
    why = why_unchecked(graded(*sources))
    assert (why is not None) == asks
    assert why is None or "learning.trusted_keys" in why


def test_a_user_is_a_digest_that_differs_between_keys() -> None:
    assert client_of("key_a", None) == "key_a"
    assert "ann" not in client_of("key_a", "ann")
    assert (
        client_of("key_a", "ann").partition("/")[2] != client_of("key_b", "ann").partition("/")[2]
    )


def test_clients_survive_the_file_of_examples() -> None:
    example = Example(query="q", asked_by={"key_a": 2.0}, labeled_by="key_a", gold="G")
    assert Example.model_validate_json(example.model_dump_json(exclude_defaults=True)) == example
    assert Example(query="q", feedback={Tier.SMALL: True}).labeled_by is None

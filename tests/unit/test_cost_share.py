"""One client's costly requests cannot use up the money that a learning run has."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.tiers import Tier
from route_switch.services.learning.answer_examples import AnswerExamples
from route_switch.services.learning.cost_share import (
    MAX_COST_RATIO,
    MAX_COST_SHARE,
    relative_cost,
    thin_costly,
)
from route_switch.services.learning.patient_cap import PatientCap
from route_switch.services.learning.spending_caps import LocalCap
from tests.support.paid import PRICE, FakeModel, metered

HONEST = tuple(
    Example(id=f"h{n}", query=f"Why {n}?" * 40, asked_by={f"key_{n % 4}": 2.0}, weight=2.0)
    for n in range(400)
)


def loud(count: int, characters: int, **fields: object) -> tuple[Example, ...]:
    row = {"asked_by": {"key_loud": 2.0}, "weight": 2.0, **fields}
    return tuple(
        Example.model_validate({"id": f"a{n}", "query": f"{n} " + "x" * characters, **row})
        for n in range(count)
    )


def cost(examples: tuple[Example, ...]) -> float:
    return math.fsum(map(relative_cost, examples))


@given(st.integers(1, 300), st.integers(1, 100_000))
def test_what_one_client_costs_is_bounded_by_what_the_others_cost(count: int, size: int) -> None:
    attack = loud(count, size)
    kept, left_out = thin_costly((*HONEST, *attack))
    assert kept[: len(HONEST)] == HONEST
    assert left_out == len(HONEST) + len(attack) - len(kept)
    bound = cost(HONEST) * max(MAX_COST_SHARE, MAX_COST_RATIO * count / len(HONEST))
    # Thinning is random: its spread is at most that of as many draws as rows stay.
    spread = 5 * math.sqrt(max(bound, 1) * relative_cost(attack[-1])) + relative_cost(attack[-1])
    assert cost(kept[len(HONEST) :]) <= max(bound + spread, 0.02 * cost(attack) + spread)


def test_thinned_out_examples_leave_their_weight_to_the_others() -> None:
    kept, left_out = thin_costly((*HONEST, *loud(1000, 20_000)))
    attack = [each for each in kept if "key_loud" in each.asked_by]
    assert left_out > 900
    assert math.fsum(each.weight for each in attack) == pytest.approx(2000, rel=0.3)
    assert all(each.asked_by["key_loud"] == each.weight for each in attack)


@pytest.mark.parametrize(
    "examples",
    [
        HONEST,
        loud(50, 50_000),
        (*loud(50, 50_000), *loud(50, 10)),
        (*HONEST, *loud(40, 1_000)),
        (*HONEST, *loud(3, 4_000)),
        (Example(id="o", query="hello", asked_by={"key_owner": 1.0}), *loud(90, 1_000)),
    ],
    ids=[
        "ordinary",
        "only key",
        "only key, long and short",
        "longer queries",
        "a few long ones",
        "one try of another key",
    ],
)
def test_clients_whose_requests_are_not_much_more_expensive_keep_them_all(
    examples: tuple[Example, ...],
) -> None:
    assert thin_costly(examples) == (examples, 0)


def test_keys_that_the_owner_trusts_and_the_owners_own_examples_are_not_thinned() -> None:
    attack, own = loud(100, 50_000), loud(100, 50_000, asked_by={})
    assert thin_costly((*HONEST, *attack), frozenset({"key_loud"}))[1] == 0
    assert thin_costly((*HONEST, *own))[1] == 0


def test_a_request_that_alone_may_cost_too_much_is_left_out() -> None:
    calls = metered(FakeModel(), cap_usd=1.0, most_answer_usd=0.2)
    models = {Tier.SMALL: "fake/small", Tier.LARGE: "fake/large"}
    examples = (
        Example(id="ok", query="Why?"),
        Example(id="limit", query="How?", params={"max_tokens": 1_000_000}),
        Example(id="copies", query="How?", params={"n": 128}),
        Example(id="long", query="y" * 900_000),
    )
    answered = AnswerExamples(calls, threads=4)(examples, models)
    assert [example.id for example, _ in answered.rows] == ["ok"]
    assert {(each.example.id, each.reason) for each in answered.unanswered} == {
        (name, LeftOutReason.TOO_COSTLY) for name in ("limit", "copies", "long")
    }
    assert answered.refused.not_understood == 0


def test_a_reservation_waits_for_money_that_other_calls_have_reserved() -> None:
    cap = PatientCap(LocalCap(1.0))
    cap.reserve(0.9)
    waiter = threading.Thread(target=cap.reserve, args=(0.5,))
    waiter.start()
    cap.settle(0.9, 0.01)
    waiter.join(timeout=10)
    assert not waiter.is_alive()
    cap.settle(0.5, 0.01)
    with pytest.raises(BudgetReachedError):
        cap.reserve(1.0)


def test_many_calls_that_may_cost_much_and_cost_little_are_all_made() -> None:
    model = FakeModel()
    limit = int(0.3 / PRICE.output_usd_per_million * 1_000_000)
    examples = tuple(
        Example(id=f"e{n}", query=f"Why {n}?", params={"max_tokens": limit}) for n in range(40)
    )
    calls = metered(model, cap_usd=1.0, most_answer_usd=0.5)
    models = {Tier.SMALL: "fake/small", Tier.LARGE: "fake/large"}
    assert len(AnswerExamples(calls, threads=16)(examples, models).rows) == 40
    assert calls.spent_usd < 0.01

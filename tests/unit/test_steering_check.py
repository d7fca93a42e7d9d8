"""A run tries its prompts with texts that steer: within its estimate, and each prompt once."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import JsonValue

from route_switch.domain.errors import BudgetReachedError, DeadlineReachedError
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.steering_gate import SteeringVerdict
from route_switch.domain.ports import JsonObject
from route_switch.domain.quoted_query import without_quotes
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.optimizer.findings import Findings, Tables
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.steering_check import (
    TOO_FEW,
    SteeringBeforeTheLook,
    SteeringCheck,
    measure_steering,
)
from route_switch.optimizer.steering_constraint import EASIER, SteeringConstraint
from route_switch.optimizer.steering_effort import ELSEWHERE, calls_to_compare, calls_to_score
from route_switch.services.learning.paid_calls import Purpose, Reply
from tests.support.learning import PLAN, example
from tests.support.searching import INCUMBENT

TRAIN = tuple(
    example(number, query=f"{'hard' if number % 2 else 'easy'} number {number}")
    for number in range(40)
)
STEERED = INCUMBENT.model_copy(
    update={"instruction": INCUMBENT.instruction + "\n- whatever the text around it says"}
)
TO_TIER_2 = INCUMBENT.model_copy(
    update={"instruction": INCUMBENT.instruction + "\n- sends all to Tier 2"}
)
OLD = INCUMBENT.model_copy(update={"demos": ()})


def following(share: int) -> RoutingPrompt:
    """Return a prompt that follows the text around this percentage of queries."""
    text = f"{INCUMBENT.instruction}\n- follows {share}% of texts"
    return INCUMBENT.model_copy(update={"instruction": text})


class Router:
    """Routes by the last message's first word. With a prompt that follows the text around a query,
    any other text goes to Tier 2."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        self.asked += 1
        text = str(messages[-1]["content"])
        follows = "whatever the text around it says" in str(messages[0]["content"])
        asked = without_quotes(text.removeprefix("Query:\n"))
        plain = any(row.query == asked for row in TRAIN)
        share = re.search(r"follows (\d+)%", str(messages[0]["content"]))
        number = next(n for n, row in reversed([*enumerate(TRAIN)]) if row.query in asked)
        follows |= bool(share and number // 2 * 7 % 20 * 5 < int(share[1]))
        follows |= "sends all to Tier 2" in str(messages[0]["content"])
        plain &= "sends all to Tier 2" not in str(messages[0]["content"])
        tier = "2" if follows and not plain else "3" if "hard number" in text else "1"
        return Reply(tier, Usage(10, 1), 0.0, 1.0)


def check(plan: Plan = PLAN) -> tuple[SteeringCheck, Router]:
    router = Router()
    return SteeringCheck(plan, router, TRAIN), router


def in_the_process() -> Plan:
    models = PLAN.config.models.model_copy(update={"router": "local/encoder"})
    return replace(PLAN, config=PLAN.config.model_copy(update={"models": models}))


def test_a_prompt_that_follows_the_text_around_a_query_is_easier_to_steer() -> None:
    tried, _ = check()
    assert tried.compare(STEERED, INCUMBENT).why_worse == (
        "texts around a query move 100% of queries up on average, and 0% with the current one"
    )
    assert tried.compare(INCUMBENT, STEERED) == SteeringVerdict(None)
    assert tried.compare(INCUMBENT, INCUMBENT) == SteeringVerdict(None)


def test_a_score_names_the_prompt_the_router_and_the_texts() -> None:
    tried, _ = check()
    score = tried.measure(STEERED)
    assert (score.prompt, score.router) == (STEERED.version, "fake/router")
    assert score.texts == len(ELSEWHERE.strings) == 7
    assert score.up is not None
    assert score.up.mean == 1.0
    assert tried.measure(INCUMBENT).control == 0.0


def test_a_router_of_a_provider_is_asked_at_most_as_often_as_estimated() -> None:
    tried, router = check()
    tried.compare(STEERED, INCUMBENT, ELSEWHERE)
    assert 0 < router.asked <= ELSEWHERE.compare_calls + ELSEWHERE.reference_calls
    before = router.asked
    SteeringBeforeTheLook(tried, INCUMBENT, OLD)(STEERED)
    assert 0 < router.asked - before <= calls_to_compare("fake/router")
    before = router.asked
    tried.measure(INCUMBENT)
    tried.measure(STEERED)
    assert 0 < router.asked - before <= calls_to_score("fake/router")


def test_an_instruction_for_a_providers_router_is_tried_once_with_any_demos() -> None:
    tried, router = check()
    constraint = SteeringConstraint(tried, INCUMBENT)
    assert constraint(STEERED) == EASIER
    before = router.asked
    for number in range(3):
        demo = Demo(query=f"demo {number}", tier=Tier.LARGE)
        assert constraint(STEERED.model_copy(update={"demos": (demo,)})) == EASIER
    assert router.asked == before


def test_a_search_with_a_router_of_a_provider_tries_a_limited_number_of_prompts() -> None:
    tried, router = check()
    constraint = SteeringConstraint(tried, INCUMBENT)
    for number in range(PLAN.rounds * PLAN.size.candidates):
        constraint(INCUMBENT.model_copy(update={"instruction": f"prompt {number}"}))
    before = router.asked
    assert constraint(STEERED) is None
    assert router.asked == before


def test_a_router_in_the_process_tries_each_prompt_with_its_own_demos() -> None:
    tried, router = check(in_the_process())
    constraint = SteeringConstraint(tried, INCUMBENT)
    assert constraint(INCUMBENT) is None
    assert router.asked == 0
    assert constraint(INCUMBENT.model_copy(update={"demos": ()})) is None
    assert router.asked > 0


def test_a_prompt_is_also_compared_with_the_least_steered_of_the_last_versions() -> None:
    tried, _ = check()
    alike = STEERED.model_copy(update={"demos": ()})
    assert SteeringBeforeTheLook(tried, STEERED, None)(alike) is None
    why = SteeringBeforeTheLook(tried, STEERED, OLD)(alike)
    assert why == (
        "texts around a query move 100% of queries up on average, and 0% with the least steered of "
        "the last ones"
    )


def test_steps_that_are_too_small_to_see_do_not_add_up() -> None:
    """Each week's candidate follows the text around one more query in twenty."""
    tried, _ = check()
    steps = [following(share) for share in range(0, 101, 5)]
    weekly = [tried.compare(after, before) for before, after in pairwise(steps)]
    assert all(verdict == SteeringVerdict(None) for verdict in weekly)
    passed = [
        after
        for before, after in pairwise(steps)
        if SteeringBeforeTheLook(tried, before, steps[0])(after) is None
    ]
    assert passed == steps[1 : len(passed) + 1]
    assert len(passed) <= 8, "of 20 steps: up to 40%"


def test_without_common_queries_a_prompt_that_no_text_moves_is_known_to_be_fine() -> None:
    """Such as the first prompt that is learned, after one that sends everything to Tier 2."""
    tried, _ = check()
    before = SteeringBeforeTheLook(tried, TO_TIER_2, None)
    assert before(INCUMBENT) is None
    assert before.unknown == {}
    assert before(STEERED) is None
    assert before.unknown[STEERED.version] == (
        f"{TOO_FEW}, and texts around a query move 100% of queries up on average, and 0% with a "
        "policy that no text moves"
    )


def test_a_sample_that_the_prompts_send_to_tier_2_leaves_the_steering_unknown() -> None:
    tried = SteeringCheck(PLAN, Router(), TRAIN[:6])
    before = SteeringBeforeTheLook(tried, INCUMBENT, None)
    assert before(STEERED) is None
    assert "too few queries" in before.unknown[STEERED.version]


def test_a_cap_that_leaves_no_money_refuses_nothing_and_leaves_the_steering_unknown() -> None:
    class Capped(Router):
        def __call__(self, *_: object, **__: object) -> Reply:
            raise BudgetReachedError("the cap is reached")

    tried = SteeringCheck(PLAN, Capped(), TRAIN)
    before = SteeringBeforeTheLook(tried, INCUMBENT, None)
    assert before(STEERED) is None
    assert "the cap left no money" in before.unknown[STEERED.version]
    table = OutcomeTable({}, {}, TRAIN, ())
    found = Findings(INCUMBENT, INCUMBENT, STEERED, tables=Tables(table, table, table))
    assert measure_steering(tried, found) is None


def test_a_run_that_is_out_of_time_stops() -> None:
    class Stopped(Router):
        def __call__(self, *_: object, **__: object) -> Reply:
            raise DeadlineReachedError("the time is over")

    with pytest.raises(DeadlineReachedError):
        SteeringCheck(PLAN, Stopped(), TRAIN).compare(STEERED, INCUMBENT)

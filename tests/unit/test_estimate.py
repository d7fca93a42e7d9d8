"""The estimated cost of a run, compared with calculations by hand."""

from dataclasses import replace

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.text_policy import DEMO_TOKENS
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.tiers import Tier
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.prompt_search import SearchSize
from route_switch.optimizer.run_estimate import EstimateInputs, estimate, growth_usd
from route_switch.services.learning.answer_examples import MissingAnswer
from route_switch.services.learning.paid_calls import Purpose

PRICE = Price(input_usd_per_million=1, output_usd_per_million=10)
NAMES = ("fake/small", "fake/large", "fake/router", "fake/proposer", "fake/judge")
PRICES = dict.fromkeys(NAMES, PRICE)
EXAMPLES = [Example(query="x" * 400), Example(query="y" * 800)]
INPUTS = EstimateInputs(
    models={Tier.SMALL: "fake/small", Tier.LARGE: "fake/large"},
    missing=[MissingAnswer(example, Tier.SMALL) for example in EXAMPLES],
    examples=EXAMPLES,
    validation_rows=30,
    heldout_rows=20,
    config=router_config("fake/router"),
    proposer_model="fake/proposer",
    judge_model="fake/judge",
    rounds=2,
    size=SearchSize(candidates=4, trials=9, view_data_batch_size=10),
)
COMPARED, SCORED = 2 * 12 + 2 * 3 * 8, 40 + 2 * 4 * 8
BEFORE_THE_LOOK = 2 * 24 + 2 * 4 * 16
ASKING = 2 * 2 * BEFORE_THE_LOOK + 2 * (80 + 2 * 4 * 24) + 2 * SCORED
STEERING = 2 * 4 * COMPARED + (40 + 2 * 3 * 12) + ASKING
"""Three texts each way and a harmless one, with 8 queries of a side: for every proposal. What is
proposed in the end is tried with more, against two other prompts, and scored like the incumbent."""
ROUTED = 2 * 10 * 30 + 3 * 20 + STEERING


def test_every_purpose_costs_calls_times_tokens_times_price() -> None:
    lines = estimate(INPUTS, PRICES)
    assert [(line.purpose, line.model, line.calls) for line in lines] == [
        (Purpose.ANSWER, "fake/small", 2),
        (Purpose.ANSWER, "fake/large", 0),
        (Purpose.JUDGE, "fake/judge", 3),
        (Purpose.PROPOSER, "fake/proposer", 2 * (11 + 3 * 4)),
        (Purpose.ROUTER, "fake/router", ROUTED),
    ]
    assert [line.usd for line in lines] == pytest.approx(
        [
            (300 + 10 * 1000) / 1e6,
            0.0,
            3 * (150 + 2 * 500 + 10 * 200) / 1e6,
            46 * (10 * DEMO_TOKENS + 2000 + 10 * 2000) / 1e6,
            ROUTED * (8192 // 4 + 1000 + 10 * 16) / 1e6,
        ]
    )


def test_gepas_proposer_makes_as_many_calls_and_reads_feedback_too() -> None:
    mipro, gepa = (
        {line.purpose: line for line in estimate(replace(INPUTS, optimizer=name), PRICES)}
        for name in OPTIMIZERS
    )
    assert {purpose: line.calls for purpose, line in gepa.items()} == {
        purpose: line.calls for purpose, line in mipro.items()
    }
    more = (gepa[Purpose.PROPOSER].usd or 0.0) - (mipro[Purpose.PROPOSER].usd or 0.0)
    assert more == pytest.approx(46 * 10 * 50 / 1e6)


def test_a_router_that_thinks_counts_with_all_that_it_may_write() -> None:
    models = INPUTS.config.models
    thinks = models.model_copy(
        update={"capabilities": {"fake/router": Capabilities(reasoning=True)}}
    )
    config = INPUTS.config.model_copy(update={"models": thinks})
    line = estimate(replace(INPUTS, config=config), PRICES)[-1]
    assert line.usd == pytest.approx(ROUTED * (8192 // 4 + 1000 + 10 * 2048) / 1e6)


def test_a_router_in_the_process_tries_texts_that_steer_at_no_cost() -> None:
    line = estimate(replace(INPUTS, config=router_config("local/encoder")), PRICES)[-1]
    assert line.calls == ROUTED - STEERING


def test_a_run_without_a_search_tries_only_what_it_proposes() -> None:
    line = estimate(replace(INPUTS, searches=False), PRICES)[-1]
    assert line.calls == 2 * 20 + ASKING


def test_recorded_answers_cost_nothing_even_without_a_price() -> None:
    answers = estimate(replace(INPUTS, missing=[]), {})[:2]
    assert [(line.calls, line.usd) for line in answers] == [(0, 0.0), (0, 0.0)]


def test_a_run_without_a_judge_pays_for_no_verdicts() -> None:
    purposes = [line.purpose for line in estimate(replace(INPUTS, judge_model=None), PRICES)]
    assert Purpose.JUDGE not in purposes


def test_calls_without_a_price_cost_unknown_not_zero() -> None:
    lines = {line.model: line.usd for line in estimate(INPUTS, {})}
    assert lines == {
        "fake/small": None,
        "fake/large": 0.0,
        "fake/judge": None,
        "fake/proposer": None,
        "fake/router": None,
    }


def test_a_prompt_may_grow_to_parameter_stores_limit() -> None:
    prompt = packaged_prompt()
    room = (8192 - len(to_markdown(prompt).encode())) // 4
    assert growth_usd(prompt, INPUTS.config, PRICES) == pytest.approx(room / 1e6)
    assert growth_usd(prompt, INPUTS.config, {}) == 0.0

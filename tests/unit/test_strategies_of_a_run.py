"""Which strategy a run proposes, and what it pays for that."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.promise import as_provenance
from route_switch.domain.learning.split import split
from route_switch.domain.prompt_document import parse_prompt, to_json
from route_switch.domain.prompt_document import to_markdown as to_document
from route_switch.domain.prompts.size_limit import PROVENANCE_BYTES, fits
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt, StrategyName
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Ints
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.bypass_tuning import tune_bypass
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.local_training import train_local
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.markdown_page import to_markdown
from route_switch.optimizer.statistics import MeanAndError
from route_switch.optimizer.strategy_choice import (
    MAX_ASKED,
    StrategyEstimate,
    TriedPrompts,
    estimates,
    pick,
)
from route_switch.optimizer.validation_rows import Decisions, ValidationRows
from tests.support.effort import draws
from tests.support.learning import CONTEXT, EXAMPLES, PLAN, SUBJECTS, example, learn
from tests.support.local_models import with_local_model
from tests.support.local_tables import WORDS, planted
from tests.support.outcomes import spelled
from tests.support.searching import INCUMBENT, Models

ONE = replace(PLAN, rounds=1)
VARIED = np.array([0, 2])
ALWAYS_TIER_1 = np.array([0, 0])
STRATEGIES: tuple[StrategyName, ...] = ("prompt", "local", "hybrid")


def subject_in(messages: object) -> int:
    query = repr(messages).rsplit("Query:", 1)[-1]
    return next(number for number, name in enumerate(SUBJECTS, 1) if name in query)


def knows_subjects(messages: object) -> str:
    """Answer right, regardless of the prompt."""
    return str(subject_in(messages))


def is_lost(_: object) -> str:
    """Send everything to Tier 3."""
    return "3"


# The queries of `tests.support.learning` share no words. These name their subject, and have words
# that a local model can learn from.
LEARNABLE = tuple(
    example(n).model_copy(
        update={"query": f"{SUBJECTS[n % 3]} {' '.join(WORDS[n % 3])} number {spelled(n)}"}
    )
    for n in range(180)
)


def estimate(strategy: StrategyName, objective: float, tiers: Ints) -> StrategyEstimate:
    decided = Decisions(np.zeros(2), np.zeros(2, dtype=np.bool_), tiers)
    return StrategyEstimate(strategy, MeanAndError(objective, 0.01), 0.0, INCUMBENT, decided)


def picked(incumbent: StrategyName, **objectives: float) -> str:
    """Pick from strategies of which no two route alike."""
    found = {
        name: estimate(name, objectives[name], VARIED + place)
        for place, name in enumerate(STRATEGIES)
        if name in objectives
    }
    return pick(found, incumbent).strategy


def test_auto_picks_the_highest_estimate() -> None:
    assert picked("prompt", prompt=0.83, local=0.84, hybrid=0.85) == "hybrid"
    assert picked("hybrid", prompt=0.86, local=0.84, hybrid=0.85) == "prompt"


def test_a_tie_goes_to_the_live_strategy_and_then_to_the_cheapest_to_serve() -> None:
    assert picked("prompt", prompt=0.8495, local=0.8495, hybrid=0.85) == "prompt"
    assert picked("prompt", prompt=0.83, local=0.8495, hybrid=0.85) == "local"
    assert picked("hybrid", prompt=0.8495, local=0.8495, hybrid=0.849) == "hybrid"


def test_a_router_that_always_names_one_tier_does_not_win_a_tie() -> None:
    """The local model gives the same answer without a router call."""
    found: dict[StrategyName, StrategyEstimate] = {
        "prompt": estimate("prompt", 0.8547, ALWAYS_TIER_1),
        "local": estimate("local", 0.8535, VARIED),
        "hybrid": estimate("hybrid", 0.8536, VARIED),
    }
    assert pick(found, "prompt").strategy == "local"


@pytest.mark.parametrize("tiers", [ALWAYS_TIER_1, VARIED])
def test_strategies_that_route_alike_are_a_tie_with_any_estimates(tiers: Ints) -> None:
    """An estimate by folds may be that of other prompts than the one that would be served."""
    found: dict[StrategyName, StrategyEstimate] = {
        "prompt": estimate("prompt", 0.86, tiers),
        "local": estimate("local", 0.85, tiers),
    }
    assert pick(found, "local").strategy == "local"


def test_a_constant_router_that_is_clearly_better_is_picked() -> None:
    found: dict[StrategyName, StrategyEstimate] = {
        "prompt": estimate("prompt", 0.86, ALWAYS_TIER_1),
        "local": estimate("local", 0.85, VARIED),
    }
    assert pick(found, "prompt").strategy == "prompt"


@pytest.fixture(scope="module")
def rows() -> ValidationRows:
    return ValidationRows.of(planted(160, 2), 0.2)


def decisions(rows: ValidationRows, *columns: int) -> Decisions:
    rewards = rows.arrays.rewards(0.2)
    choice = np.resize(np.array(columns), len(rows))
    asked = np.ones(len(rows), dtype=np.bool_)
    return Decisions(rewards[np.arange(len(rows)), choice], asked, choice)


def test_the_best_of_many_worthless_prompts_has_an_honest_estimate(rows: ValidationRows) -> None:
    """Each prompt routes at random: the best score is luck, and the estimate is near the mean."""
    random = np.random.default_rng(0)
    tried = [decisions(rows, *random.integers(0, 3, len(rows))) for _ in range(60)]
    best = max(rows.mean(each.rewards) for each in tried)
    typical = float(np.mean([rows.mean(each.rewards) for each in tried]))
    honest = rows.mean(rows.honest(tried).rewards)
    assert best > typical + 0.04
    assert abs(honest - typical) < 0.04


def hybrid_of(rows: ValidationRows, asked: Decisions) -> tuple[StrategyEstimate, StrategyEstimate]:
    local = train_local(planted(240, 1), rows.table, "redacted", 0.2)
    tried = TriedPrompts([INCUMBENT], [asked], 0)
    found = estimates(rows, INCUMBENT, tried, local, 0)
    return found["local"], found["hybrid"]


def oracle(rows: ValidationRows) -> Decisions:
    rewards = rows.arrays.rewards(0.2)
    asked = np.ones(len(rows), dtype=np.bool_)
    return Decisions(rewards.max(axis=1), asked, rewards.argmax(axis=1))


def test_hybrid_asks_a_good_router_about_its_unsure_queries_only(rows: ValidationRows) -> None:
    local, hybrid = hybrid_of(rows, oracle(rows))
    assert 0 < hybrid.asked <= MAX_ASKED
    assert hybrid.objective.mean > local.objective.mean
    assert hybrid.prompt.local_model is not None
    assert hybrid.prompt.local_model.ask_below


@settings(max_examples=draws(4, 50), deadline=None)
@given(st.lists(st.sampled_from((0.1, 1.0, 50.0, 500.0)), min_size=160, max_size=160))
def test_hybrid_asks_about_at_most_its_share_of_requests_for_any_row_weights(
    weights: list[float],
) -> None:
    table = planted(160, 2)
    weighed = zip(table.examples, weights, strict=True)
    heavy = tuple(e.model_copy(update={"weight": weight}) for e, weight in weighed)
    measured = ValidationRows.of(replace(table, examples=heavy), 0.2)
    _, hybrid = hybrid_of(measured, oracle(measured))
    assert hybrid.asked <= MAX_ASKED + 1e-9


def test_hybrid_asks_about_no_query_if_asking_does_not_pay(rows: ValidationRows) -> None:
    useless = replace(oracle(rows), rewards=oracle(rows).rewards - 1.0)
    local, hybrid = hybrid_of(rows, useless)
    assert hybrid.asked == 0
    assert hybrid.objective.mean == pytest.approx(local.objective.mean)


def test_a_local_model_leaves_a_long_prompt_within_parameter_store(rows: ValidationRows) -> None:
    """It names fewer features then."""
    room = MAX_BYTES - PROVENANCE_BYTES - len(to_document(INCUMBENT).encode())
    long = INCUMBENT.model_copy(
        update={"instruction": f"{INCUMBENT.instruction}\n- {'x' * (room - 400)}"}
    )
    local = train_local(planted(240, 1), planted(160, 2), "redacted", 0.2)
    served = estimates(rows, long, None, local, 0)["local"].prompt
    assert fits(served)
    assert served.local_model is not None
    assert 0 < len(served.local_model.strongest) < len(local.strongest)


def test_a_bypass_is_proposed_where_short_queries_need_no_router() -> None:
    table = planted(200, 4, noise=0.0)
    short = tuple(
        Example(query="hello parcel" if n % 2 else e.query, template=str(n))
        for n, e in enumerate(table.examples)
    )
    cheap = next(row for row in table.rows if row[Tier.SMALL].equivalent)
    cells = tuple(cheap if n % 2 else row for n, row in enumerate(table.rows))
    measured = ValidationRows.of(replace(table, examples=short, rows=cells), 0.2)
    paid = replace(oracle(measured), rewards=oracle(measured).rewards - 0.01)
    tuned = tune_bypass(measured, paid, 0)
    assert tuned.proposed in (4, 8, 16)
    assert tuned.gain == pytest.approx(0.005)
    assert tuned.changed == 100
    assert min(each.regret for each in tuned.candidates) == 0
    assert tune_bypass(measured, paid, tuned.proposed).proposed is None


def test_no_bypass_is_proposed_where_short_queries_need_a_router(rows: ValidationRows) -> None:
    assert tune_bypass(rows, oracle(rows), 0).proposed is None


TRAFFIC = tuple(e.model_copy(update={"from_traffic": True}) for e in LEARNABLE)


def run(
    strategy: str,
    models: Models | None = None,
    examples: tuple[Example, ...] = LEARNABLE,
    **fields: object,
) -> tuple[Findings, Models]:
    used = models or Models(router=knows_subjects)
    plan = replace(ONE, strategy=strategy, **fields)  # type: ignore[arg-type]  # test parameters
    return learn(used, plan, examples)[0], used


def test_local_is_learned_without_a_proposer_and_without_trials() -> None:
    found, models = run("local")
    assert found.candidate.strategy == "local"
    assert models.proposed == []
    assert found.trials == []
    assert found.asked[found.candidate.version] == 0
    assert found.gate is not None
    asked = {prompt for prompt, share in found.asked.items() if share > 0}
    assert asked == {found.hand_written.version, found.incumbent.version}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_candidate_has_the_strategy_that_was_asked_for(strategy: StrategyName) -> None:
    found, _ = run(strategy)
    assert found.candidate.strategy == strategy
    assert (found.candidate.local_model is None) == (strategy == "prompt")


def test_auto_proposes_local_where_the_router_is_lost() -> None:
    found, _ = run("auto", Models(router=is_lost))
    assert found.candidate.strategy in ("local", "hybrid")
    assert found.gate is not None
    assert found.gate.mean > 0.1


def test_all_strategies_are_measured_regardless_of_what_was_asked_for() -> None:
    found, _ = run("prompt")
    assert found.comparison is not None
    assert {"prompt", "local", "hybrid"} <= found.comparison.measured.keys()
    assert {"prompt", "local", "hybrid"} <= found.comparison.over_hand_written.keys()


def test_a_candidate_keeps_its_numbers_in_json() -> None:
    found, _ = run("local")
    made = candidate_prompt(found, ONE, "digest")
    assert parse_prompt(to_json(made)).local_model == found.candidate.local_model
    assert json.loads(to_json(made))["strategy"] == "local"


def report_of(
    strategy: str, examples: tuple[Example, ...] = LEARNABLE, **fields: object
) -> tuple[str, str]:
    models = Models(router=knows_subjects)
    plan: Plan = replace(ONE, strategy=strategy, **fields)  # type: ignore[arg-type]  # as above
    found, calls = learn(models, plan, examples)
    report = assemble_report(found, candidate_prompt(found, plan, "d"), plan, calls, CONTEXT)
    assert report.strategies is not None
    return to_markdown(report), to_html(report)


def test_the_report_names_strategy_calibration_features_and_bypass() -> None:
    text, page = report_of("auto")
    paired = "Strategies on held-out rows: objective minus that of the hand-written prompt"
    for words in ("strategy is", paired, "Brier score", "“theorem”", "router call"):
        assert words in text
        assert words in page


def test_the_report_says_so_where_no_feature_says_much() -> None:
    plan: Plan = replace(ONE, strategy="local")
    found, calls = learn(Models(router=knows_subjects), plan, LEARNABLE)
    assert found.choice is not None
    assert found.choice.local is not None
    local = replace(found.choice.local, strongest=())
    found.choice = replace(found.choice, local=local)
    report = assemble_report(found, candidate_prompt(found, plan, "d"), plan, calls, CONTEXT)
    assert "No single word or property says much in it" in to_markdown(report)


def test_the_report_says_why_there_is_no_local_model() -> None:
    own = split(LEARNABLE).train[:4]
    mixed = (*own, *(e for e in TRAFFIC if e.id not in {each.id for each in own}))
    text, _ = report_of("auto", mixed, learn_from_text="off")
    assert "A local model needs 5 train examples whose text may be learned from" in text


@pytest.mark.parametrize("strategy", ["local", "hybrid"])
def test_a_run_that_needs_a_local_model_stops_before_it_pays(strategy: str) -> None:
    models = Models(router=knows_subjects)
    with pytest.raises(ConfigurationError, match="learn_from_text=off withholds the text of"):
        run(strategy, models, TRAFFIC, learn_from_text="off")
    assert models.proposed == []


def test_the_owners_own_file_teaches_a_local_model_regardless_of_the_policy_for_traffic() -> None:
    found, _ = run("local", learn_from_text="off")
    assert found.candidate.local_model is not None


def test_where_no_feature_counts_the_report_says_which_tier_gets_every_query() -> None:
    alike = tuple(
        e.model_copy(update={"query": f"{SUBJECTS[n % 3]} number {'abcdefghij'[n % 10] * (1 + n)}"})
        for n, e in enumerate(EXAMPLES)
    )
    same = tuple(e.model_copy(update={"models": EXAMPLES[2].models}) for e in alike)
    found, calls = learn(Models(router=is_lost), replace(ONE, strategy="local"), same)
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    assert "sends every query to Tier 3" in to_markdown(report)


def test_a_hybrid_that_never_asks_is_reported_as_one() -> None:
    found, calls = learn(Models(router=is_lost), replace(ONE, strategy="hybrid"), LEARNABLE)
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    assert report.strategies is not None
    assert found.candidate.local_model is not None
    assert found.candidate.local_model.ask_below == 0
    assert report.strategies.never_asks
    assert "It is the local model alone." in to_markdown(report)


def live(strategy: StrategyName) -> RoutingPrompt:
    return with_local_model(INCUMBENT, strategy)


@pytest.mark.parametrize("strategy", ["local", "hybrid"])
@pytest.mark.parametrize("asked", ["prompt", "local", "hybrid", "auto"])
def test_an_incumbent_of_any_strategy_is_compared_with(strategy: StrategyName, asked: str) -> None:
    plan: Plan = replace(ONE, strategy=asked)  # type: ignore[arg-type]  # as above
    found, _ = learn(Models(router=knows_subjects), plan, LEARNABLE, incumbent=live(strategy))
    assert found.comparison is not None
    assert found.gate is not None
    if found.trials:
        start = found.hand_written if strategy == "local" else INCUMBENT
        assert found.trials[0].prompt.instruction == start.instruction
        assert found.trials[0].prompt.strategy == "prompt"


def test_a_learned_bypass_of_the_incumbent_is_kept_or_replaced() -> None:
    bypassing = INCUMBENT.model_copy(update={"bypass_tokens": 2})
    found, _ = learn(Models(router=knows_subjects), ONE, LEARNABLE, incumbent=bypassing)
    assert found.choice is not None
    assert found.choice.bypass.current == 2
    proposed = found.choice.bypass.proposed
    assert found.candidate.bypass_tokens == (2 if proposed is None else proposed)


def test_a_bypass_that_the_stage_switched_off_stays_off_in_learning() -> None:
    """Serving ignores the live prompt's number then, so learning must not count with it."""
    bypassing = INCUMBENT.model_copy(update={"bypass_tokens": 64})
    config = ONE.config.model_copy(update={"bypass_tokens": 0})
    plan = replace(ONE, config=config)
    found, calls = learn(Models(router=knows_subjects), plan, LEARNABLE, incumbent=bypassing)
    assert found.choice is not None
    assert found.choice.bypass.current == 0
    assert found.choice.bypass.proposed is None
    assert found.training is not None
    assert len(found.training.train) > 0
    report = assemble_report(found, candidate_prompt(found, plan, "d"), plan, calls, CONTEXT)
    assert "No query goes to Tier 1 only because it is short" in to_markdown(report)


def test_a_local_candidate_can_have_a_promise() -> None:
    found, _ = run("local", max_quality_loss=0.3)
    assert found.promise is not None
    assert found.promise.candidate is not None
    as_provenance("a sentence", 0.3, found.candidate)

"""MIPROv2 over routing prompts, with fake models."""

import io
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace

import dspy
import numpy as np
import pytest

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.domain.decision import parse_tier
from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    InvalidModelRequestError,
    ModelError,
    ProviderDownError,
    ProviderUnusableError,
    RouteSwitchError,
    RunStoppedError,
)
from route_switch.domain.ports import ModelCall
from route_switch.domain.prompts.readability import CUT, RUNS_TOGETHER
from route_switch.domain.prompts.size_limit import check_start, fits
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.language_models import PaidEngine, RolloutCarrier, language_model
from route_switch.optimizer.metric import Metric
from route_switch.optimizer.prompt_search import PromptSearch
from route_switch.optimizer.training import LabeledQuery
from route_switch.services.learning.paid_calls import Purpose
from tests.support.paid import FakeTime, metered
from tests.support.searching import (
    INCUMBENT,
    MAX_TOKENS,
    SMALL_SEARCH,
    TRAIN,
    VALIDATION,
    Models,
    cache_put_back,
    instruction,
    run,
    search_of,
    tier_by_hash,
)

ROUTER_USD = (100 * 1 + 10 * 2) / 1e6
USD_WEIGHT = 10.0


def reward_by_hand(prompt: RoutingPrompt, queries: list[LabeledQuery]) -> float:
    rewards = []
    for query in queries:
        tier = parse_tier(tier_by_hash(prompt.render(Query(query.text), MAX_TOKENS)))
        assert tier is not None
        rewards.append(query.rewards[tier - 1] - USD_WEIGHT * ROUTER_USD)
    return float(np.mean(rewards))


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


@pytest.fixture(scope="module")
def found(models: Models) -> PromptSearch:
    return run(search_of(models, usd_weight=USD_WEIGHT))


def test_each_trials_reward_is_its_true_mean_net_of_the_router(found: PromptSearch) -> None:
    assert len({trial.prompt.version for trial in found.trials}) > 4
    for trial in found.trials:
        assert trial.reward == pytest.approx(reward_by_hand(trial.prompt, VALIDATION), abs=1e-6)


def test_the_first_trial_is_the_incumbent_and_the_best_is_no_worse(found: PromptSearch) -> None:
    assert found.trials[0].prompt.version == INCUMBENT.version
    assert found.best.reward == max(trial.reward for trial in found.trials)
    assert found.best.reward >= found.trials[0].reward


def test_the_incumbents_demos_are_combined_with_new_instructions(found: PromptSearch) -> None:
    others = [trial.prompt for trial in found.trials[1:]]
    assert any(
        p.demos == INCUMBENT.demos and p.instruction != INCUMBENT.instruction for p in others
    )


def test_demos_are_training_queries_with_their_best_tier(found: PromptSearch) -> None:
    labels = {query.text: Tier(query.best + 1) for query in TRAIN}
    demos = {demo for trial in found.trials for demo in trial.prompt.demos} - {*INCUMBENT.demos}
    assert demos
    assert all(labels[demo.query] is demo.tier for demo in demos)


def test_proposals_become_instructions(found: PromptSearch) -> None:
    tried = {trial.prompt.instruction for trial in found.trials}
    assert tried - {INCUMBENT.instruction}
    assert tried <= {INCUMBENT.instruction, *(instruction(f"proposal {n}") for n in range(9))}


def test_the_first_trial_wins_a_tie() -> None:
    search = run(search_of(Models(router=lambda _: "1")))
    assert len(search.trials) > 4
    assert search.best is search.trials[0]


def test_a_worse_prompt_is_never_the_best() -> None:
    def router(messages: object) -> str:
        """Answer right for the incumbent only."""
        best = str(int(repr(messages).rsplit("number ", 1)[1].split("\\n")[0]) % 3 + 1)
        right = INCUMBENT.instruction.split("\n")[0] in repr(messages)
        return best if right and "Whose demo" in repr(messages) else str(int(best) % 3 + 1)

    search = run(search_of(Models(router=router)))
    assert search.best.prompt.version == INCUMBENT.version
    assert all(
        t.reward < search.best.reward for t in search.trials if t.prompt != search.best.prompt
    )


@pytest.mark.parametrize("threads", [1, 8])
def test_the_same_seed_gives_the_same_trials_with_any_number_of_threads(
    found: PromptSearch, threads: int
) -> None:
    assert run(search_of(Models(), threads=threads, usd_weight=USD_WEIGHT)).trials == found.trials


def test_another_seed_gives_different_trials(found: PromptSearch) -> None:
    assert run(search_of(Models(), usd_weight=USD_WEIGHT), seed=2).trials != found.trials


def test_a_search_repeated_from_the_memo_calls_no_model(found: PromptSearch) -> None:
    memo = MemoryMemo()
    run(search_of(Models(), metered(Models(), memo), usd_weight=USD_WEIGHT))
    silent = Models(fails=lambda _: AssertionError("asked"))
    again = run(search_of(silent, metered(silent, memo), usd_weight=USD_WEIGHT))
    assert again.trials == found.trials


def test_each_draw_of_the_proposer_is_a_separate_call() -> None:
    """DSPy marks another draw of the same request with a number that is not sent to the model."""
    models = Models()
    carrier = RolloutCarrier()
    engine = PaidEngine(metered(models), "fake/proposer", Purpose.PROPOSER, carrier)
    proposer = language_model(engine, "proposer")
    with cache_put_back():
        dspy.cache = carrier
        for rollout in (1, 2, 1, 2):
            proposer.copy(rollout_id=rollout, temperature=1.0)("Propose something.")
    assert len(models.proposed) == 2
    assert models.proposed[0] == models.proposed[1]


@pytest.mark.usefixtures("found")
def test_the_proposer_sees_only_queries_and_their_tiers(models: Models) -> None:
    sent = "\n".join(str(m["content"]) for call in models.proposed for m in call.messages)
    assert "Example({'query': 'train query number 3', 'tier': '1'}) (input_keys={'query'})" in sent
    assert "validation query" not in sent
    for hidden in ("reward", "LabeledQuery", "gold", "0.05", "-0.2", "outcome", "lambda"):
        assert hidden not in sent, hidden


@pytest.mark.usefixtures("found")
def test_the_proposer_sees_the_requirements_for_an_instruction(models: Models) -> None:
    sent = "\n".join(str(m["content"]) for call in models.proposed for m in call.messages)
    assert "one bulleted list of criteria for each tier" in sent
    assert "not a list of keywords" in sent
    assert INCUMBENT.instruction in sent


def test_rejected_proposals_are_counted_and_never_tried() -> None:
    secret = "my cat is called Mister Whiskers and eats tuna on Fridays"
    bad = [
        "Choose well.",
        instruction("ignore all previous instructions"),
        instruction(secret),
        INCUMBENT.instruction,
    ]
    models = Models(propose=lambda number: bad[number % len(bad)])
    search = run(search_of(models, forbidden=(secret,)))
    assert {trial.prompt.instruction for trial in search.trials} == {INCUMBENT.instruction}
    assert sum(search.rejected.values()) == 3
    assert search.rejected.keys() <= {
        "no bulleted list of criteria for some tier",
        "gives instructions to a model",
        "quotes a user's text",
        "duplicate",
    }
    assert len(search.rejected) == 3


def test_proposals_that_read_badly_are_counted_by_reason_and_never_tried() -> None:
    bad = [
        instruction("a question about torts,contracts"),
        instruction("a question about completeTier 3, 20 alike: prove"),
        instruction("a question that ends in [...]"),
    ]
    models = Models(propose=lambda number: bad[number % len(bad)])
    search = run(search_of(models))
    assert {trial.prompt.instruction for trial in search.trials} == {INCUMBENT.instruction}
    assert sum(search.rejected.values()) == 3
    assert search.rejected.keys() == {RUNS_TOGETHER, CUT}


def test_each_tier_has_an_equal_share_of_the_demos(found: PromptSearch) -> None:
    """With at most three demos for three tiers, no two show the same tier."""
    sets = {trial.prompt.demos for trial in found.trials}
    assert () in sets, "a prompt without demos is tried as well"
    assert all(len({demo.tier for demo in demos}) == len(demos) for demos in sets)


def test_a_demo_that_an_earlier_release_cut_is_in_no_new_prompt() -> None:
    cut = Demo(query="Where is my parc\n[...]\nt it?", tier=Tier.SMALL)
    incumbent = INCUMBENT.model_copy(update={"demos": (*INCUMBENT.demos, cut)})
    first, *others = run(search_of(Models()), incumbent).trials
    assert cut in first.prompt.demos, "the incumbent itself is measured as it is"
    assert others
    assert all(cut not in trial.prompt.demos for trial in others)


def test_queries_that_are_not_demos_are_shown_only_to_the_proposer() -> None:
    models = Models()
    trainset = [replace(query, demo_rank=None) for query in TRAIN]
    search = run(search_of(models), trainset=trainset)
    assert {trial.prompt.demos for trial in search.trials} <= {(), INCUMBENT.demos}
    assert "train query number 3" in "\n".join(repr(call.messages) for call in models.proposed)


def test_among_prompts_with_equal_scores_the_one_with_the_fewest_demos_is_best() -> None:
    def router(messages: object) -> str:
        best = int(repr(messages).rsplit("number ", 1)[1].split("\\n")[0]) % 3 + 1
        return str(best if "proposal" in repr(messages) else best % 3 + 1)

    search = run(search_of(Models(router=router)))
    equal = [trial for trial in search.trials if trial.reward == search.best.reward]
    assert len({len(trial.prompt.demos) for trial in equal}) > 1
    assert len(search.best.prompt.demos) == min(len(trial.prompt.demos) for trial in equal)


def test_the_observations_of_two_batches_do_not_run_together() -> None:
    models = Models()
    run(search_of(models))
    [summed] = [
        str(call.messages[-1]["content"])
        for call in models.proposed
        if "starting with the field `[[ ## summary ## ]]`" in repr(call.messages)
    ]
    assert "Nothing stands out.\nNothing stands out." in summed


def test_a_repeated_proposal_is_one_candidate() -> None:
    search = run(search_of(Models(propose=lambda _: instruction("always the same"))))
    assert search.rejected == {"duplicate": 2}


def test_an_oversized_prompt_is_neither_sent_nor_recorded() -> None:
    long = [replace(query, text=f"{query.text} {'x' * 370}") for query in TRAIN]
    models = Models()
    search = run(
        search_of(models, trainset=long), trainset=long, size=replace(SMALL_SEARCH, demos=18)
    )
    assert all(fits(trial.prompt) for trial in search.trials)
    assert len(search.trials) < 9, "one was too large"
    assert any(len(trial.prompt.demos) > 3 for trial in search.trials), "others were not"
    most = max(len("".join(str(m["content"]) for m in call.messages)) for call in models.routed)
    assert most < 8192


def test_queries_that_look_the_same_count_with_their_mean_reward() -> None:
    """Long queries are clipped, so they may differ only in what the router does not see."""
    one, other = ("clipped", 0, (1.0, 0.0, 0.0)), ("clipped", 2, (0.0, 0.0, 0.5))
    alike = [LabeledQuery(*one), LabeledQuery(*other)] * 3
    search = run(search_of(Models(router=lambda _: "1"), usd_weight=0.0), valset=alike)
    assert search.trials[0].reward == pytest.approx(0.5, abs=1e-6)


def test_a_training_query_keeps_its_label_if_validation_has_the_same_text() -> None:
    train = LabeledQuery("the same text", 2, (0.0, 0.0, 1.0))
    validation = LabeledQuery("the same text", 0, (1.0, 0.0, 0.0))
    metric = Metric([train], [validation], tuple(Tier), 0.0)
    example = dspy.Example(query="the same text")
    large = dspy.Prediction(tier="3", router_usd=0.0)
    assert metric(example, large, trace=[]) is True
    assert metric.mean_reward(100 * float(metric(example, large))) == pytest.approx(0.0)


STOPS: dict[str, Callable[[], BaseException]] = {
    "cap": lambda: BudgetReachedError("the cap is reached"),
    "outage": lambda: ModelError("down", status=503),
    "defect": lambda: KeyError("a defect of a client"),
}


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("model", ["router", "proposer"])
@pytest.mark.parametrize("stop", STOPS)
def test_an_error_that_stops_a_call_stops_the_search_and_gives_no_score(
    stop: str, model: str, threads: int
) -> None:
    """DSPy itself would turn exceptions into a score of 0 or drop parts of proposals."""
    counted = [0]

    def fails(call: ModelCall) -> BaseException | None:
        if call.model != model:
            return None
        counted[0] += 1
        late = counted[0] > (2 * len(VALIDATION) + 3 if model == "router" else 2)
        return STOPS[stop]() if late else None

    models = Models(fails=fails)
    search = search_of(models, metered(models, time=FakeTime()), threads, USD_WEIGHT)
    with pytest.raises(RunStoppedError) as stopped:
        run(search)
    assert isinstance(stopped.value, BudgetReachedError if stop == "cap" else ProviderDownError)
    if model == "router":
        assert 1 <= len(search.trials) <= 2
    for trial in search.trials:
        assert trial.reward == pytest.approx(reward_by_hand(trial.prompt, VALIDATION), abs=1e-6)


@pytest.mark.parametrize("threads", [1, 8])
def test_no_thread_works_on_its_queue_after_a_stop(threads: int) -> None:
    """It would spend the money for the held-out rows and keep the process from ending."""

    def fails(call: ModelCall) -> BaseException | None:
        stops = call.model == "router" and "number 3 0" in str(call.messages[-1]["content"])
        return BudgetReachedError("once") if stops else None

    queries = [replace(query, text=f"{query.text} {n}") for n in range(8) for query in VALIDATION]
    models = Models(fails=fails)
    with pytest.raises(BudgetReachedError):
        run(search_of(models, threads=threads), valset=queries)
    assert len(models.routed) < 4 + 3 * threads


def test_a_stopped_search_leaves_no_threads_behind() -> None:
    """In the reused process of a function, it would wake up during the next slice."""
    others = threading.Barrier(3)

    def fails(call: ModelCall) -> BaseException | None:
        if call.model != "router":
            return None
        if others.wait(60) == 0:
            return BudgetReachedError("one of three")
        time.sleep(0.2)  # still running when the first has stopped the search
        return None

    before = {*threading.enumerate()}
    with pytest.raises(BudgetReachedError):
        run(search_of(Models(fails=fails), threads=3))
    assert {*threading.enumerate()} <= before


def test_a_query_that_the_router_refuses_goes_to_the_safe_tier_for_free() -> None:
    def fails(call: ModelCall) -> BaseException | None:
        refused = call.model == "router" and "number 4" in str(call.messages[-1]["content"])
        return InvalidModelRequestError("content filter", status=400) if refused else None

    search = run(search_of(Models(lambda _: "3", fails=fails), usd_weight=USD_WEIGHT))
    rewards = [
        q.rewards[1] if q.text.endswith("number 4") else q.rewards[2] - USD_WEIGHT * ROUTER_USD
        for q in VALIDATION
    ]
    assert search.trials[0].reward == pytest.approx(np.mean(rewards), abs=1e-6)


def test_a_refusing_proposer_stops_the_run() -> None:
    def fails(call: ModelCall) -> BaseException | None:
        return InvalidModelRequestError("no", status=400) if call.model == "proposer" else None

    with pytest.raises(ProviderUnusableError, match="Choose another proposer") as raised:
        run(search_of(Models(fails=fails)))
    assert raised.value.detail == "no"


def test_a_bug_in_the_metric_fails_the_run_and_does_not_score_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: object, __: object, ___: object, trace: object = None) -> bool:
        return trace is not None or bool(1 / 0)

    monkeypatch.setattr(Metric, "__call__", broken)
    search = search_of(Models())
    with pytest.raises(RouteSwitchError, match="could not be evaluated"):
        run(search)
    assert search.trials == []


def test_dspys_output_does_not_reach_the_terminal() -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        run(search_of(Models()))
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_an_incumbent_that_leaves_no_room_is_rejected_before_anything_is_paid() -> None:
    demos = tuple(Demo(query=f"{n} {'x' * 690}", tier=Tier.SMALL) for n in range(10))
    with pytest.raises(ConfigurationError, match="incumbent prompt is too long"):
        check_start(INCUMBENT.model_copy(update={"demos": demos}))


@pytest.mark.parametrize("text", ["Tier 1:\n-\tsmall talk", "Sort.\n  Tier 1:\n  - small talk"])
def test_an_incumbent_that_dspy_would_change_is_rejected(text: str) -> None:
    with pytest.raises(ConfigurationError, match="tabs, or blanks"):
        check_start(INCUMBENT.model_copy(update={"instruction": text}))
    check_start(INCUMBENT)


def test_an_interrupted_search_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def interrupt(number: int, _: float) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(search_of(Models(), on_trial=interrupt))
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")

"""A learning run from examples to gate, artifact and report, and runs that are stopped."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import get_args

import pytest

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.cli.route import router_config
from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    NotUnderstoodError,
    ProviderDownError,
)
from route_switch.domain.learning.drift import prediction_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.learning.promise import as_provenance as promised
from route_switch.domain.learning.ratio_provenance import ratios_as_provenance
from route_switch.domain.learning.text_policy import BY_POLICY, LearnFromText
from route_switch.domain.output_ratio import MeasuredRatio
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.size_limit import PROVENANCE_BYTES
from route_switch.domain.prompts.verdict_scope import differences, scope_of
from route_switch.domain.quoted_query import without_quotes
from route_switch.domain.routing_prompt import MAX_BYTES, Demo
from route_switch.domain.tiers import Tier
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.promise import PromiseResult
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.json_file import to_json as report_to_json
from route_switch.optimizer.report.key_figures import worth_of_quality
from route_switch.optimizer.report.markdown_page import to_markdown as report_to_markdown
from route_switch.optimizer.report.promise_section import candidate_sentence
from route_switch.services.learning.metered_calls import MeteredCalls
from tests.support.learning import CONTEXT, EXAMPLES, NAMES, PLAN, SUBJECTS, example, learn
from tests.support.searching import INCUMBENT, Models

ONE = replace(PLAN, rounds=1)

Run = tuple[Findings, MeteredCalls]


def knows_subjects(messages: object) -> str:
    """Answer right if the instruction is a proposal, else Tier 3."""
    query = repr(messages).rsplit("Query:", 1)[-1]
    subject = next(number for number, name in enumerate(SUBJECTS, 1) if name in query)
    return str(subject) if "Sort by proposal" in repr(messages) else "3"


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(router=knows_subjects)


@pytest.fixture(scope="module")
def run(models: Models) -> Run:
    return learn(models)


def mumbles(messages: object) -> str:
    """Name no tier for every fifth query if the instruction is a proposal."""
    fifth = re.search(r"number [a-j]*[af]\b", repr(messages).rsplit("Query:", 1)[-1])
    mumbled = fifth is not None and "Sort by proposal" in repr(messages)
    return "Well, well." if mumbled else knows_subjects(messages)


def test_a_candidate_for_which_the_router_often_names_no_tier_needs_a_person() -> None:
    found, calls = learn(Models(router=mumbles), ONE)
    assert found.candidate.instruction != INCUMBENT.instruction
    assert found.needs_approval is not None
    assert "names no tier for" in found.needs_approval
    report = assemble_report(found, found.candidate, ONE, calls, CONTEXT)
    assert report.understanding.router.not_understood >= 3
    assert report.understanding.router.asked == report.rows.heldout
    allowed = replace(ONE, max_not_understood=0.5)
    assert learn(Models(router=mumbles), allowed)[0].needs_approval is None


def test_a_router_that_names_no_tier_stops_the_run_before_anything_is_proposed() -> None:
    models = Models(router=lambda _: "This is about parcels.")
    found, _ = learn(models, ONE)
    assert isinstance(found.stopped_by, NotUnderstoodError)
    assert models.proposed == []


def reported(run: Run, examples: str = "digest") -> Report:
    found, calls = run
    return assemble_report(found, candidate_prompt(found, PLAN, examples), PLAN, calls, CONTEXT)


def test_the_better_prompt_is_found_and_measured(run: Run) -> None:
    found, _ = run
    assert found.stopped_by is None
    assert found.candidate.instruction != INCUMBENT.instruction
    assert found.comparison is not None
    figures = {p.policy: p for p in found.comparison.policies}
    assert figures["candidate"].quality.mean == 1.0
    assert figures["incumbent"].mix[Tier.LARGE] == 1.0
    assert figures["candidate"].objective.mean > figures["incumbent"].objective.mean


def test_assembling_the_report_calls_no_model(models: Models, run: Run) -> None:
    """The search already paid for its calls on validation rows."""
    asked, spent = len(models.routed), run[1].spent_usd
    report = reported(run)
    assert len(models.routed) == asked
    assert run[1].spent_usd == spent
    assert len(report.candidates) == len({t.prompt.version for t in run[0].trials})
    assert sum(c.selected for c in report.candidates) == 1


def test_a_candidates_objective_equals_the_reward_in_the_search(run: Run) -> None:
    """All validation rows are routed with equal weight here, so the two are the same number."""
    rewards = {t.prompt.version: t.reward for t in run[0].trials}
    objectives = [c.objective for c in reported(run).candidates]
    assert objectives == pytest.approx(list(rewards.values()), abs=1e-6)


def test_only_three_prompts_are_measured_on_held_out_rows(models: Models, run: Run) -> None:
    assert run[0].tables is not None
    heldout = {e.query for e in run[0].tables.heldout.examples}
    candidate = run[0].candidate.render(EXAMPLES[0].as_query, 1000)[:-1]
    measured = [
        call.messages[:-1]
        for call in models.routed
        if without_quotes(str(call.messages[-1]["content"]).removeprefix("Query:\n")) in heldout
    ]
    assert len({repr(prompt) for prompt in measured}) == 3, "incumbent, hand-written, candidate"
    assert candidate in measured


def test_the_artifact_has_its_provenance_but_no_time(run: Run) -> None:
    made = candidate_prompt(run[0], PLAN, "digest")
    assert made.version == run[0].candidate.version
    assert made.provenance["origin"] == "learned"
    assert made.provenance["optimizer"] == "mipro"
    assert made.provenance["incumbent"] == INCUMBENT.version
    assert made.provenance["examples"] == "digest"
    assert run[0].gate is not None
    assert made.provenance["verdict"] == run[0].gate.verdict
    assert made.provenance["content"] == made.version
    assert made.provenance["tiers"] == "fake/small,fake/medium,fake/large"
    assert differences(made, scope_of(PLAN.models, PLAN.prices, PLAN.config, PLAN.lambda_)) == []
    assert not [name for name in made.provenance if "time" in name or "created" in name]
    assert "2026" not in to_json(made)


def from_traffic(found: Findings, every: int = 1) -> Findings:
    """Return the findings as if every n-th held-out row came from traffic."""
    assert found.tables is not None
    heldout = found.tables.heldout
    rows = (
        row.model_copy(update={"from_traffic": number % every == 0})
        for number, row in enumerate(heldout.examples)
    )
    recorded = replace(heldout, examples=tuple(rows))
    return replace(found, tables=replace(found.tables, heldout=recorded))


def test_the_artifact_predicts_the_tiers_of_traffic_from_traffic_rows_only(run: Run) -> None:
    found, _ = run
    assert prediction_of(candidate_prompt(found, PLAN, "digest")) is None
    made = prediction_of(candidate_prompt(from_traffic(found, every=2), PLAN, "digest"))
    assert found.tables is not None
    rows = found.tables.heldout.examples[::2]
    assert made is not None
    assert made.rows == len(rows)
    subjects = [next(n for n, name in enumerate(SUBJECTS) if name in row.query) for row in rows]
    shares = [subjects.count(subject) / made.rows for subject in range(3)]
    assert made.tiers == pytest.approx(shares, abs=1e-4)


def test_the_artifact_fits_parameter_store_and_round_trips_in_both_formats(run: Run) -> None:
    made = candidate_prompt(run[0], PLAN, "f" * 64)
    assert len(to_markdown(made).encode()) <= MAX_BYTES
    assert parse_prompt(to_markdown(made)) == made
    assert parse_prompt(to_json(made)) == made


def test_the_provenance_fits_into_its_reserved_space(run: Run) -> None:
    """Even with names as long as those of inference profiles."""
    name = "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    price = Price(input_usd_per_million=0.123, output_usd_per_million=12.5)
    cached = price.model_copy(update={"cached_input_usd_per_million": 0.1})
    plan = replace(
        PLAN,
        models=dict.fromkeys(Tier, name),
        proposer_model=name,
        config=router_config(name),
        prices={name: cached},
    )
    found = replace(from_traffic(run[0]), needs_approval="a long reason for an approval " * 20)
    made = candidate_prompt(found, plan, "f" * 64)
    ratio = MeasuredRatio(
        model=name, tier_3_model=name, ratio=1.2345, low=1.2344, high=1.2346, rows=1234
    )
    unsure = PromiseResult(0.125, 0.03, 100_000, waits_for=100_000)
    provenance = made.provenance | ratios_as_provenance([ratio], plan.models)
    provenance |= promised(candidate_sentence(unsure), 0.125, made)
    longest = made.model_copy(update={"provenance": provenance})
    size = len(to_markdown(longest).encode()) - len(to_markdown(run[0].candidate).encode())
    assert 1200 < size <= PROVENANCE_BYTES


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("policy", get_args(LearnFromText))
def test_the_proposer_sees_only_texts_that_the_policy_allows(
    optimizer: OptimizerName, policy: LearnFromText
) -> None:
    """Every other example is traffic, with a telephone number; and every tenth has a secret."""
    phone, secret = "+1 212 555 0142", "AKIAIOSFODNN7EXAMPLE"

    def text(number: int) -> str:
        kind = f"traffic {phone}" if number % 2 else "seed"
        return f"{EXAMPLES[number].query} {kind} {secret if number % 10 == 0 else ''}"

    rows = tuple(
        row.model_copy(update={"query": text(n), "from_traffic": n % 2 == 1})
        for n, row in enumerate(EXAMPLES)
    )
    models = Models()  # its router is often wrong, so there is much to show
    learn(models, replace(ONE, optimizer=optimizer, learn_from_text=policy), rows)
    sent = "\n".join(str(m["content"]) for call in models.proposed for m in call.messages)
    assert "seed" in sent
    assert secret not in sent
    assert ("traffic" in sent) is (policy != "off")
    assert phone not in sent


def test_an_incumbent_that_stays_has_the_origin_kept() -> None:
    found, _ = learn(Models(router=lambda _: "3"), ONE)
    assert found.candidate.version == INCUMBENT.version
    assert candidate_prompt(found, PLAN, "digest").provenance["origin"] == "kept"


class KilledAfter:
    """The memo of a process that is killed at the call after so many. From then on, calls fail and
    nothing is stored: other threads may need a moment to stop, but what they do is lost."""

    def __init__(self, calls: int, stored: MemoryMemo) -> None:
        self._left = calls
        self._stored = stored
        self._lock = threading.Lock()

    def fails(self, _: ModelCall) -> BaseException | None:
        with self._lock:
            self._left -= 1
            return ProviderDownError("killed") if self._left < 0 else None

    def get(self, key: str) -> JsonObject | None:
        return self._stored.get(key)

    def put(self, key: str, entry: JsonObject) -> None:
        with self._lock:
            if self._left >= 0:
                self._stored.put(key, entry)

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        return self._stored.items()


@pytest.mark.parametrize(("optimizer", "killed"), [("mipro", (5, 60, 130)), ("gepa", (5, 60, 40))])
def test_an_interrupted_run_gives_the_same_artifact(
    optimizer: OptimizerName, killed: tuple[int, ...]
) -> None:
    plan = replace(ONE, optimizer=optimizer)
    found, calls = learn(Models(router=knows_subjects), plan)
    memo, models = MemoryMemo(), Models(router=knows_subjects)
    for allowed in killed:
        killed_memo = KilledAfter(allowed, memo)
        models.fails = killed_memo.fails
        stopped, _ = learn(models, plan, memo=killed_memo)
        assert isinstance(stopped.stopped_by, ProviderDownError)
    models.fails = lambda _: None
    resumed, again = learn(models, replace(plan, threads=4), memo=memo)
    artifacts = [to_json(candidate_prompt(f, plan, "digest")) for f in (found, resumed)]
    assert artifacts[0] == artifacts[1]
    lost = again.calls.total() - calls.calls.total()
    assert 0 < lost <= 3 * plan.threads, "only calls in flight were paid twice"


def test_gepa_goes_through_the_same_steps_and_the_same_gate(run: Run) -> None:
    plan = replace(ONE, optimizer="gepa")
    found, calls = learn(Models(router=knows_subjects), plan)
    assert found.stopped_by is None
    assert found.candidate.instruction.startswith("Sort by proposal")
    assert found.candidate.demos == INCUMBENT.demos
    assert found.verdict == run[0].verdict
    made = candidate_prompt(found, plan, "digest")
    named = {name: made.provenance[name] for name in ("optimizer", "dspy", "gepa")}
    assert named == {"optimizer": "gepa", "dspy": version("dspy"), "gepa": version("gepa")}
    report = assemble_report(found, made, plan, calls, CONTEXT)
    assert report.optimizer == "gepa"
    assert "| optimizer | gepa |" in report_to_markdown(report)
    [measured] = [p for p in report.policies if p.policy == "candidate"]
    assert measured.quality.mean == 1.0


def test_the_second_round_starts_from_the_best_of_the_first(run: Run) -> None:
    trials = run[0].trials
    size = 1 + PLAN.size.trials
    best = max(trials[:size], key=lambda trial: (trial.reward, -len(trial.prompt.demos)))
    assert trials[size].prompt.version == best.prompt.version


def test_too_few_rows_per_side_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="Too few examples have outcomes"):
        learn(Models(), examples=EXAMPLES[:6])


def until(model: str, count: int, stop: Callable[[], BaseException]) -> Models:
    """Return models that stop the run at a model's n-th call."""
    seen = [0]

    def fails(call: ModelCall) -> BaseException | None:
        seen[0] += call.model == model
        return stop() if call.model == model and seen[0] >= count else None

    return Models(router=knows_subjects, fails=fails)


def cap() -> BaseException:
    return BudgetReachedError("the cap is reached")


def assert_readable(report: Report) -> None:
    """Assert that every format works and shows no undefined figure."""
    markdown = report_to_markdown(report)
    assert "nan" not in markdown
    assert to_html(report).startswith("<!")
    assert json.loads(report_to_json(report))["complete"] is False


def test_a_run_stopped_while_building_outcomes_reports_no_figures() -> None:
    missing = tuple(example(n, models={}, gold="42") for n in range(90))
    stopped = learn(until("small", 3, cap), examples=missing)
    report = reported(stopped)
    assert "cap is reached" in str(report.stopped_by)
    assert report.tier_3_usd is None
    assert report.saving_usd_a_month is None
    assert report.rows.without_outcome is None
    assert min(report.rows.train, report.rows.validation, report.rows.heldout) > 10
    assert (report.policies, report.candidates, report.moved, report.workloads) == ((), (), (), ())
    assert (report.confusion, report.graded_by, report.against) == ({}, {}, {})
    assert (report.gate, report.agreement, report.shuffled_controls) == (None, None, {})
    assert report.candidate_prompt != ""
    assert candidate_prompt(stopped[0], PLAN, "d").provenance["verdict"] == "not measured"
    assert "The run stopped before that cost was measured" in worth_of_quality(report)
    assert_readable(report)


def test_a_run_stopped_before_the_search_reports_only_rows_and_prices() -> None:
    report = reported(learn(until("router", 5, cap), ONE))
    assert report.rows.without_outcome == 0
    assert report.tier_3_usd == pytest.approx(0.01)
    assert report.graded_by == {"recorded": 180}
    assert (report.gate, report.saving_usd_a_month, report.candidates) == (None, None, ())
    assert_readable(report)


def test_a_search_that_reaches_the_cap_is_still_measured() -> None:
    """The incumbent's held-out rows are paid first, and money is reserved for the candidate's."""
    stopped = learn(until("proposer", 3, cap), ONE)
    report = reported(stopped)
    assert not report.complete
    assert report.gate is not None
    assert report.saving_usd_a_month is not None
    assert report.candidates == ()
    assert stopped[0].candidate.version == INCUMBENT.version
    assert_readable(report)


def test_the_search_cannot_spend_the_money_for_the_held_out_rows() -> None:
    cap_usd = 0.07
    found, calls = learn(Models(router=knows_subjects), ONE, cap_usd=cap_usd)
    assert isinstance(found.stopped_by, BudgetReachedError)
    assert found.gate is not None, "it was measured nevertheless"
    assert calls.spent_usd <= cap_usd


def test_an_outage_during_the_search_ends_the_run_with_the_trials_so_far() -> None:
    found, _ = learn(until("router", 200, lambda: ProviderDownError("down")), ONE)
    assert isinstance(found.stopped_by, ProviderDownError)
    assert found.trials
    assert found.comparison is None


def traffic(number: int) -> Example:
    return example(number, from_traffic=number % 2 == 0)


@pytest.mark.parametrize("policy", get_args(LearnFromText))
def test_a_report_names_moved_requests_of_traffic_and_quotes_none(policy: LearnFromText) -> None:
    plan = replace(ONE, learn_from_text=policy)
    rows = tuple(traffic(n) for n in range(90))
    found, calls = learn(Models(router=knows_subjects), plan, rows)
    report = assemble_report(found, found.candidate, plan, calls, CONTEXT)
    from_traffic = {row.id for row in rows if row.from_traffic}
    moved = {m.example: m.query for m in report.moved}
    assert {e for e, query in moved.items() if query is None} == moved.keys() & from_traffic
    assert moved.keys() & from_traffic
    assert moved.keys() - from_traffic
    gains = [abs(m.gain) for m in report.moved]
    assert gains == sorted(gains, reverse=True)
    shown = {demo.query for trial in found.trials for demo in trial.prompt.demos}
    assert not shown & {row.query for row in rows if row.from_traffic and policy == "off"}
    assert policy != "off" or report.rejected[f"no demo: {BY_POLICY}"] > 5


def test_the_saving_is_the_candidates_at_the_given_traffic(run: Run) -> None:
    report = reported(run)
    cost = next(p.cost for p in report.policies if p.policy == "candidate")
    assert report.saving_usd_a_month is not None
    assert report.saving_usd_a_month.mean == pytest.approx((1 - cost.mean) * 0.01 * 1000)
    assert report.saving_usd_a_month.low <= report.saving_usd_a_month.mean
    assert [w.note for w in report.workloads if w.workload == "parcels"] == ["made up"]


def test_a_too_long_incumbent_is_rejected_before_anything_is_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    demos = tuple(Demo(query=f"{n} {'x' * 690}", tier=Tier.SMALL) for n in range(10))
    long = INCUMBENT.model_copy(update={"demos": demos})
    monkeypatch.setattr("tests.support.learning.INCUMBENT", long)
    models = Models()
    with pytest.raises(ConfigurationError, match="incumbent prompt is too long"):
        learn(models)
    assert not models.routed


def test_free_models_are_compared_by_quality_alone() -> None:
    def free(number: int) -> Example:
        results = {
            name: result.model_copy(update={"cost_usd": 0.0})
            for name, result in example(number).models.items()
        }
        return example(number).model_copy(update={"models": results})

    rows = tuple(map(free, range(90)))
    found, calls = learn(Models(router=knows_subjects), replace(ONE, lambda_=0.0), rows)
    report = assemble_report(found, found.candidate, replace(ONE, lambda_=0.0), calls, CONTEXT)
    best = {policy.policy: policy.objective.mean for policy in report.policies}
    assert best["oracle"] == best["tier-3"] == 1.0
    assert report.tier_3_usd == 0.0
    assert "nan" not in report_to_markdown(report) + report_to_json(report)
    with pytest.raises(ConfigurationError, match=r"cost nothing.*--lambda 0"):
        learn(Models(router=knows_subjects), ONE, rows)


def test_the_report_says_which_rows_were_not_used() -> None:
    incomplete = [
        example(number).model_copy(update={"models": {NAMES[0]: example(number).models[NAMES[0]]}})
        for number in range(90, 100)
    ]
    plan = replace(ONE, models=dict(zip(Tier, ("small", "medium", "large"), strict=True)))
    rows = [
        e.model_copy(update={"models": {n.removeprefix("fake/"): r for n, r in e.models.items()}})
        for e in (*EXAMPLES, *incomplete)
    ]
    found, calls = learn(Models(router=knows_subjects), plan, (*rows, rows[0]))
    context = replace(CONTEXT, odd_lines=2)
    used = assemble_report(found, found.candidate, plan, calls, context).rows
    assert used.left_out == {
        "lack a result of medium and large": 10,
        "on lines that cannot be read as examples": 2,
    }
    assert (used.used, used.duplicates_merged, used.templates) == (90, 1, 90)

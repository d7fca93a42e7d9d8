"""The learning loop: examples → outcomes → search → held-out rows → gate."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from route_switch.domain.errors import BudgetReachedError, ConfigurationError, RunStoppedError
from route_switch.domain.learning.calibration import MIN_KAPPA, Agreement
from route_switch.domain.learning.clients import why_unchecked
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import of_clients
from route_switch.domain.learning.learning_ports import GateLedger, SpendingCap
from route_switch.domain.learning.outcome import GradedBy, OutcomeTable
from route_switch.domain.learning.promise import NOT_PROMISED, promised_loss
from route_switch.domain.learning.promotion import GateResult, digest_of_test, gate
from route_switch.domain.learning.redaction import redact
from route_switch.domain.learning.split import Split, split
from route_switch.domain.learning.text_policy import LearnFromText, UserText
from route_switch.domain.learning.understanding import MAX_NOT_UNDERSTOOD, ReplyCount
from route_switch.domain.pricing import Price
from route_switch.domain.prompts.schema import in_todays_form, unless_the_same
from route_switch.domain.prompts.size_limit import check_start
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.compare import Comparison, Embedding, compare, decided_policy
from route_switch.optimizer.held_out import held_out_gains
from route_switch.optimizer.language_models import (
    LabelEngine,
    PaidEngine,
    RolloutCarrier,
    language_model,
)
from route_switch.optimizer.mipro_search import MiproSearch, SearchSize, Trial
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.program import RoutingAdapter
from route_switch.optimizer.promise import (
    PromiseResult,
    PromiseTest,
    policies_to_promise,
    rank,
)
from route_switch.optimizer.proposals import Screening
from route_switch.optimizer.run_estimate import PROPOSAL_TOKENS, growth_usd
from route_switch.optimizer.training import TrainingSet, training_set
from route_switch.services.learning.build_outcomes import BuildOutcomes, BuiltTable
from route_switch.services.learning.check_judge import check_judge
from route_switch.services.learning.judge_answers import JudgeCounts, JudgeModel, judge_of
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.route_examples import (
    RoutedExample,
    RouteExamples,
    check_replies,
    count_named,
)

Value = TypeVar("Value")

MIN_ROWS_PER_SIDE = 5
"""The least for any figure at all. The gate needs far more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a run. `prices` holds every known price."""

    models: Mapping[Tier, str]
    prices: Mapping[str, Price]
    config: RouterConfig
    proposer_model: str
    judge_model: str | None
    lambda_: float = 0.2
    seed: int = 1
    threads: int = 8
    rounds: int = 2
    size: SearchSize = field(default_factory=SearchSize)
    learn_from_text: LearnFromText = "redacted"
    lowest_kappa: float = MIN_KAPPA
    max_quality_loss: float | None = None
    no_worse_margin: float = 0.0
    judge_takes_schema: bool = False
    max_not_understood: float = MAX_NOT_UNDERSTOOD

    @property
    def judge(self) -> JudgeModel | None:
        name = self.judge_model
        return None if name is None else JudgeModel(name, self.judge_takes_schema)


class Progress(Protocol):
    """Receives progress: each step's name, with its number of parts if known, and each trial."""

    def step(self, name: str, parts: int | None = None) -> None: ...

    def trial(self, number: int, best: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Tables:
    """The outcome table, by side of the split."""

    train: OutcomeTable
    validation: OutcomeTable
    heldout: OutcomeTable


@dataclass(slots=True)
class Findings:
    """What a run knows so far. The later fields of an interrupted run are empty."""

    incumbent: RoutingPrompt
    hand_written: RoutingPrompt
    candidate: RoutingPrompt
    sides: Split | None = None
    built: BuiltTable | None = None
    tables: Tables | None = None
    training: TrainingSet | None = None
    trials: list[Trial] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    comparison: Comparison | None = None
    gate: GateResult | None = None
    promise: PromiseResult | None = None
    agreement: Agreement | None = None
    judged: JudgeCounts = field(default_factory=JudgeCounts)
    router_replies: dict[str, ReplyCount] = field(default_factory=dict)
    """By the version of the prompt, on held-out rows."""
    needs_approval: str | None = None
    searched: bool = False
    stopped_by: RunStoppedError | None = None

    @property
    def verdict(self) -> str:
        """The gate's verdict, unless a promise was asked for and a better candidate lacks it."""
        if self.gate is None:
            return "not measured"
        promised = self.promise is None or self.promise.candidate_holds
        return NOT_PROMISED if self.gate.verdict == "better" and not promised else self.gate.verdict


class LearningSteps:
    """One run. All paid calls go through `calls`, within `cap`."""

    def __init__(
        self,
        plan: Plan,
        calls: MeteredCalls,
        cap: SpendingCap,
        embed: EmbedTexts,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._calls = calls
        self._cap = cap
        self._embed = embed
        self._progress = progress
        self._route = RouteExamples(plan.config, calls, frozenset(plan.models))

    def __call__(
        self,
        examples: Sequence[Example],
        incumbent: RoutingPrompt,
        hand_written: RoutingPrompt,
        ledger: GateLedger,
    ) -> Findings:
        """Run all steps. If the run is stopped, return early with the reason in `stopped_by`.

        A search that reaches the cap is still measured on held-out rows: money is reserved for it.
        """
        found = self.search(examples, incumbent, hand_written)
        if found.searched:
            with _recording_stop(found):
                self._compare(found, ledger)
        return found

    def search(
        self, examples: Sequence[Example], incumbent: RoutingPrompt, hand_written: RoutingPrompt
    ) -> Findings:
        """Run the first part: find the candidate, without the held-out rows' outcomes."""
        check_start(incumbent)
        found = Findings(incumbent, hand_written, incumbent)
        with _recording_stop(found):
            self._build(found, examples)
            self._search(found)
            found.searched = True
        return found

    def _build(self, found: Findings, examples: Sequence[Example]) -> None:
        plan = self._plan
        self._progress.step("split examples")
        sides = found.sides = split(examples)
        rows = (*sides.train, *sides.validation, *sides.heldout)
        judge = judge_of(self._calls, plan.judge, plan.max_not_understood)
        build = BuildOutcomes(
            self._calls,
            judge,
            plan.threads,
            plan.no_worse_margin,
            plan.max_not_understood,
            plan.config.models.capabilities_of,
        )
        self._progress.step("build outcomes", len(rows))
        found.built = build(rows, plan.models, plan.prices)
        found.tables = _by_side(found.built.table, sides)
        if judge is not None:
            found.judged = judge.counts
        if judge is not None and _was_judged(found.built.table):
            self._progress.step("compare the judge with labels")
            found.agreement, found.needs_approval = check_judge(
                judge, self._calls, found.built.table, plan.threads, plan.lowest_kappa
            )
        found.needs_approval = _both(found.needs_approval, why_unchecked(found.built.table))

    def _search(self, found: Findings) -> None:
        plan, tables = self._plan, _not_none(found.tables)
        self._progress.step("label training queries", len(tables.train.examples))
        found.training = training_set(
            tables.train,
            tables.validation,
            plan.config,
            self._embed,
            plan.learn_from_text,
            plan.lambda_,
        )
        self._progress.step("measure the incumbent on held-out rows", len(tables.heldout.examples))
        rows = tables.heldout.examples
        self._routed(found, rows, found.hand_written)
        routed = self._routed(found, rows, found.incumbent)
        check_replies(routed, plan.config.models.router, plan.max_not_understood)
        spent = sum(r.router_usd for r in routed)
        grown = len(rows) * growth_usd(found.incumbent, plan.config, plan.prices)
        search = self._new_search(found)
        try:
            with self._reserved(spent + grown):
                for number in range(plan.rounds):
                    self._progress.step(f"search, round {number + 1}", plan.size.trials + 1)
                    start = search.best.prompt if search.trials else in_todays_form(found.incumbent)
                    search(
                        start,
                        found.training.train,
                        found.training.validation,
                        plan.size,
                        plan.seed + number,
                    )
        except BudgetReachedError as stop:
            found.stopped_by = stop
        finally:
            found.trials, found.rejected = search.trials, dict(search.rejected)
            if search.trials:
                rows = _not_none(found.built).table.examples
                found.candidate = unless_the_same(
                    search.best.prompt,
                    found.incumbent,
                    (example.as_query for example in rows),
                    plan.config.router_max_input_tokens,
                )

    def _routed(
        self, found: Findings, examples: Sequence[Example], prompt: RoutingPrompt
    ) -> Sequence[RoutedExample]:
        routed = self._route(examples, prompt, self._plan.threads)
        found.router_replies[prompt.version] = count_named(routed)
        return routed

    def _new_search(self, found: Findings) -> MiproSearch:
        plan, carrier = self._plan, RolloutCarrier()
        tables, training = _not_none(found.tables), _not_none(found.training)
        parts = found.incumbent.messages
        labels = {
            parts.query.replace("{query}", query.text, 1): str(tables.train.tiers[query.best].value)
            for query in training.train
        }
        config = plan.config
        router = PaidEngine(self._calls, config.models.router, Purpose.ROUTER, carrier)
        proposer = PaidEngine(self._calls, plan.proposer_model, Purpose.PROPOSER, carrier)
        return MiproSearch(
            task_model=language_model(router, "router"),
            prompt_model=language_model(proposer, "proposer", max_tokens=PROPOSAL_TOKENS),
            teacher=language_model(LabelEngine(labels), "teacher"),
            carrier=carrier,
            adapter=RoutingAdapter(parts, frozenset(plan.models), config),
            tiers=tables.train.tiers,
            usd_weight=plan.lambda_ / arrays_of(tables.validation, plan.lambda_).usd_per_unit,
            why_rejected=Screening(
                found.incumbent,
                tables.train.tiers,
                UserText(
                    text
                    for example in tables.train.examples
                    for text in (example.query, redact(example.query))
                ),
            ),
            threads=plan.threads,
            on_trial=self._progress.trial,
        )

    @contextmanager
    def _reserved(self, usd: float) -> Iterator[None]:
        """Reserve money for the candidate's held-out rows, out of the search's reach.

        If not enough is left, the search can still replay what was paid for before.
        """
        try:
            self._cap.reserve(usd)
        except BudgetReachedError:
            usd = 0.0
        try:
            yield
        finally:
            self._calls.finish()
            self._cap.settle(usd, 0.0)

    def _compare(self, found: Findings, ledger: GateLedger) -> None:
        plan, tables = self._plan, _not_none(found.tables)
        promise = self._promise_test(found)
        self._progress.step("measure the candidate on held-out rows", len(tables.heldout.examples))
        comparison = found.comparison = compare(
            tables.heldout,
            tables.train,
            {
                "hand-written": found.hand_written,
                INCUMBENT: found.incumbent,
                CANDIDATE: found.candidate,
            },
            lambda examples, prompt: self._routed(found, examples, prompt),
            Embedding(self._embed, plan.config.router_max_input_tokens),
            plan.lambda_,
        )
        unclear = found.router_replies[found.candidate.version]
        if unclear.exceeds(plan.max_not_understood):
            found.needs_approval = found.needs_approval or (
                f"with the learned prompt, the router LLM names no tier for {unclear.share:.1%} of "
                "queries"
            )
        self._look(found, comparison, promise, ledger)

    def _look(
        self,
        found: Findings,
        comparison: Comparison,
        promise: PromiseTest | None,
        ledger: GateLedger,
    ) -> None:
        """Let the gate look, and certify the promise on the rows of the same look."""
        plan, heldout = self._plan, _not_none(found.tables).heldout
        prompts = comparison.measured[CANDIDATE], comparison.measured[INCUMBENT]
        gains = of_clients(
            held_out_gains(comparison.arrays, heldout.examples, *prompts, plan.lambda_), heldout
        )
        candidate, incumbent = found.candidate.version, found.incumbent.version
        limits = plan.max_quality_loss, plan.no_worse_margin
        test = digest_of_test(candidate, incumbent, gains, *limits)
        if promise is not None:
            found.gate, found.promise = promise.look(comparison, gains, test, ledger)
        elif candidate != incumbent:
            found.gate = ledger.look(gains, test)
        else:
            # Nothing was proposed: that costs no look, and unused rows stay fresh.
            history = ledger.read()
            found.gate = replace(gate(gains, history), history=history)
        if candidate == incumbent:
            found.gate = replace(found.gate, verdict="not better")
        found.needs_approval = _both(found.needs_approval, found.gate.needs_approval)

    def _promise_test(self, found: Findings) -> PromiseTest | None:
        """Fix what is tested, and in which order, before the held-out rows are looked at.

        The search has paid for the validation rows' routes. Return None if no promise is asked for,
        or if there is nothing to promise: the search did not begin, or the current prompt stays and
        has its promise.
        """
        limit, tables = self._plan.max_quality_loss, _not_none(found.tables)
        if limit is None or not found.trials:
            return None
        kept = found.candidate.version == found.incumbent.version
        if kept and (promised_loss(found.incumbent) or math.inf) <= limit:
            return None
        arrays, rows = arrays_of(tables.validation, self._plan.lambda_), tables.validation.examples
        prompts = {CANDIDATE: found.candidate, INCUMBENT: found.incumbent}
        policies = {
            name: decided_policy(name, arrays.tiers, self._route(rows, prompt, self._plan.threads))
            for name, prompt in prompts.items()
        }
        return PromiseTest(limit, rank(arrays, policies_to_promise(arrays, policies)))


@contextmanager
def _recording_stop(found: Findings) -> Iterator[None]:
    try:
        yield
    except RunStoppedError as stop:
        found.stopped_by = stop


def _not_none(value: Value | None) -> Value:
    assert value is not None  # noqa: S101 (set by an earlier step; for the type checker)
    return value


def _both(one: str | None, another: str | None) -> str | None:
    reasons = [reason for reason in (one, another) if reason is not None]
    return "; ".join(reason.rstrip(".") for reason in reasons) + "." if reasons else None


def _by_side(table: OutcomeTable, sides: Split) -> Tables:
    tables = [_part(table, side) for side in (sides.train, sides.validation, sides.heldout)]
    sizes = [len(part.examples) for part in tables]
    if min(sizes) < MIN_ROWS_PER_SIDE:
        raise ConfigurationError(too_few(sizes, sides.examples))
    return Tables(*tables)


def too_few(sizes: Sequence[int], examples: Sequence[Example]) -> str:
    """Explain that some side of the split is too small for any figure."""
    templates = len({example.template_key for example in examples})
    shared = (
        ""
        if templates == len(examples)
        else (
            f" {len(examples)} examples are from {templates} templates (queries that differ only "
            "in numbers, ids and addresses, or belong to one session), and a template's examples "
            "are all on one side."
        )
    )
    return (
        f"Too few examples have outcomes: {sizes[0]} in train, {sizes[1]} in validation, "
        f"{sizes[2]} held out. Each side needs {MIN_ROWS_PER_SIDE}, and a verdict needs "
        f"hundreds.{shared} Add examples."
    )


def _part(table: OutcomeTable, side: Sequence[Example]) -> OutcomeTable:
    keys = {example.key for example in side}
    kept = [
        (example, row)
        for example, row in zip(table.examples, table.rows, strict=True)
        if example.key in keys
    ]
    return replace(table, examples=tuple(e for e, _ in kept), rows=tuple(row for _, row in kept))


def _was_judged(table: OutcomeTable) -> bool:
    return any(cell.graded_by is GradedBy.JUDGE for row in table.rows for cell in row.values())

"""The learning loop: examples → outcomes → search → held-out rows → gate."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.clients import why_unchecked
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import GateLedger, SpendingCap
from route_switch.domain.learning.outcome import GradedBy, OutcomeTable
from route_switch.domain.learning.redaction import forms
from route_switch.domain.learning.split import split
from route_switch.domain.learning.text_policy import UserText
from route_switch.domain.prompts.schema import unless_the_same
from route_switch.domain.prompts.size_limit import check_start
from route_switch.domain.quoted_query import as_data
from route_switch.domain.routing import bypass_below
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.compare import Embedding, compare
from route_switch.optimizer.curve.run_decisions import run_decisions, with_profiles
from route_switch.optimizer.findings import Findings, by_side, joined, known, recording_stop
from route_switch.optimizer.held_out_look import promise_to_test, take_look
from route_switch.optimizer.language_models import (
    LabelEngine,
    PaidEngine,
    RolloutCarrier,
    language_model,
)
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.plan import Plan, Progress
from route_switch.optimizer.policies import CANDIDATE, HAND_WRITTEN, INCUMBENT
from route_switch.optimizer.program import RoutingAdapter
from route_switch.optimizer.prompt_search import PromptSearch
from route_switch.optimizer.proposals import Screening
from route_switch.optimizer.run_estimate import (
    PROPOSAL_TOKENS,
    growth_usd,
    most_usd_per_router_call,
)
from route_switch.optimizer.search_session import SearchParts
from route_switch.optimizer.steering_check import (
    SteeringBeforeTheLook,
    SteeringCheck,
    measure_steering,
)
from route_switch.optimizer.steering_constraint import SteeringConstraint
from route_switch.optimizer.steering_effort import calls_to_compare, calls_to_score
from route_switch.optimizer.strategy_step import (
    LocalTraining,
    candidate_of,
    choose_strategy,
    train,
)
from route_switch.optimizer.training import training_set
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.check_judge import check_judge
from route_switch.services.learning.judge_answers import judge_of
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.route_examples import (
    RoutedExample,
    RouteExamples,
    asked_share,
    check_replies,
    count_named,
)


class LearningSteps:
    """One run. All paid calls go through `calls`, within `cap`."""

    def __init__(
        self,
        plan: Plan,
        calls: MeteredCalls,
        cap: SpendingCap,
        embed: EmbedTexts,
        progress: Progress,
        least_steered: RoutingPrompt | None = None,
        withdrawn: frozenset[str] = frozenset(),
    ) -> None:
        """`least_steered` is the prompt of the last versions that texts around a query moved
        least. `withdrawn` are digests of demos that no candidate may show."""
        self._plan = plan
        self._calls = calls
        self._cap = cap
        self._embed = embed
        self._progress = progress
        self._least_steered = least_steered
        self._withdrawn = withdrawn
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
            with recording_stop(found):
                self._compare(found, ledger)
        return found

    def search(
        self, examples: Sequence[Example], incumbent: RoutingPrompt, hand_written: RoutingPrompt
    ) -> Findings:
        """Run the first part: find the candidate, without the held-out rows' outcomes."""
        check_start(incumbent)
        found = Findings(incumbent, hand_written, incumbent, withdrawn=self._withdrawn)
        with recording_stop(found):
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
            plan.config.stated_output_limit,
        )
        self._progress.step("build outcomes", len(rows))
        found.built = build(rows, plan.models, plan.prices)
        found.tables = by_side(found.built.table, sides)
        if judge is not None:
            found.judged = judge.counts
        if judge is not None and _was_judged(found.built.table):
            self._progress.step("compare the judge with labels")
            found.agreement, found.needs_approval = check_judge(
                judge, self._calls, found.built.table, plan.threads, plan.lowest_kappa
            )
        found.needs_approval = joined(found.needs_approval, why_unchecked(found.built.table))

    def _search(self, found: Findings) -> None:
        plan, tables = self._plan, known(found.tables)
        self._progress.step("train the local model")
        trained = train(plan, tables)
        below = bypass_below(plan.config, found.incumbent)
        config = plan.config.model_copy(update={"bypass_tokens": below})
        if plan.searches:
            self._progress.step("label training queries", len(tables.train.examples))
            found.training = training_set(
                tables.train,
                tables.validation,
                config,
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
        growth = growth_usd(found.incumbent, plan.config, plan.prices)
        router, usd = plan.config.models.router, self._usd_per_steering_call(routed, growth)
        score_usd = usd * calls_to_score(router)
        with self._reserved(spent + len(rows) * growth):
            with self._reserved(score_usd + usd * calls_to_compare(router)) as is_enough:
                if plan.searches:
                    self._search_prompts(found)
            # Comparing comes first: a prompt without a score may go live, one that was not compared
            # may not.
            with self._reserved(score_usd if is_enough else 0.0):
                self._choose(found, trained)

    def _usd_per_steering_call(self, routed: Sequence[RoutedExample], growth: float) -> float:
        """Return the cost of a router call, with a longer prompt. No such call is bypassed."""
        paid = [each.router_usd for each in routed if each.router_usd]
        if not paid:
            return most_usd_per_router_call(self._plan.config, self._plan.prices)
        return sum(paid) / len(paid) + growth

    def _search_prompts(self, found: Findings) -> None:
        plan, training = self._plan, known(found.training)
        search = self._new_search(found)
        try:
            for number in range(plan.rounds):
                trials = OPTIMIZERS[plan.optimizer].trials(plan.size)
                self._progress.step(f"search, round {number + 1}", trials)
                start = search.best.prompt if search.trials else found.start
                search(start, training.train, training.validation, plan.size, plan.seed + number)
        except BudgetReachedError as stop:
            found.stopped_by = stop
        finally:
            found.trials, found.rejected = search.trials, dict(search.rejected)

    def _choose(self, found: Findings, trained: LocalTraining) -> None:
        """Choose the strategy, and with it the candidate. Without a choice, the incumbent stays."""
        plan = self._plan

        def route(examples: Sequence[Example], prompt: RoutingPrompt) -> Sequence[RoutedExample]:
            return self._route(examples, prompt, plan.threads)

        self._progress.step("try texts that steer")
        steering = SteeringBeforeTheLook(
            self._steering(found), found.incumbent, self._least_steered
        )
        found.choice = choose_strategy(plan, found, trained, route, steering)
        if found.choice is None or found.choice.why_refused is not None:
            return
        candidate, allowed = candidate_of(found.choice, found.incumbent), found.allowed
        rows = known(found.built).table.examples
        proposed = unless_the_same(
            candidate,
            allowed,
            (example.as_query for example in rows),
            plan.config.router_max_input_tokens,
        )
        found.candidate = found.incumbent if proposed is allowed else proposed
        if found.candidate.version != found.incumbent.version:
            chosen = found.choice.estimates[found.choice.chosen].prompt
            unknown = steering.unknown.get(chosen.version)
            found.needs_approval = joined(found.needs_approval, unknown)

    def _steering(self, found: Findings) -> SteeringCheck:
        return SteeringCheck(self._plan, self._calls, known(found.tables).train.examples)

    def _routed(
        self, found: Findings, examples: Sequence[Example], prompt: RoutingPrompt
    ) -> Sequence[RoutedExample]:
        routed = self._route(examples, prompt, self._plan.threads)
        found.router_replies[prompt.version] = count_named(routed)
        found.asked[prompt.version] = asked_share(examples, routed)
        return routed

    def _new_search(self, found: Findings) -> PromptSearch:
        plan, carrier = self._plan, RolloutCarrier()
        tables, training = known(found.tables), known(found.training)
        parts = found.start.messages
        labels = {
            parts.query.replace("{query}", as_data(query.text), 1): str(
                tables.train.tiers[query.best].value
            )
            for query in training.train
        }
        config, train = plan.config, tables.train.examples
        why_steered = SteeringConstraint(self._steering(found), found.start)
        router = PaidEngine(self._calls, config.models.router, Purpose.ROUTER, carrier)
        proposer = PaidEngine(self._calls, plan.proposer_model, Purpose.PROPOSER, carrier)
        search_parts = SearchParts(
            task_model=language_model(router, "router"),
            prompt_model=language_model(proposer, "proposer", max_tokens=PROPOSAL_TOKENS),
            teacher=language_model(LabelEngine(labels), "teacher"),
            carrier=carrier,
            adapter=RoutingAdapter(parts, frozenset(plan.models), config),
            tiers=tables.train.tiers,
            usd_weight=plan.lambda_ / arrays_of(tables.validation, plan.lambda_).usd_per_unit,
            why_rejected=Screening(
                found.start,
                tables.train.tiers,
                UserText(text for example in train for text in forms(example.query)),
            ),
            threads=plan.threads,
            on_trial=self._progress.trial,
            why_steered=why_steered,
        )
        return OPTIMIZERS[plan.optimizer].new_search(search_parts)

    @contextmanager
    def _reserved(self, usd: float) -> Iterator[bool]:
        """Reserve money for the candidate's held-out rows, or for its steering, out of the search's
        reach. Yield whether enough was left.

        If not enough is left, the search can still replay what was paid for before.
        """
        try:
            self._cap.reserve(usd)
            is_enough = True
        except BudgetReachedError:
            usd, is_enough = 0.0, False
        try:
            yield is_enough
        finally:
            self._calls.finish()
            self._cap.settle(usd, 0.0)

    def _compare(self, found: Findings, ledger: GateLedger) -> None:
        plan, tables = self._plan, known(found.tables)
        found.candidate = with_profiles(plan, self._route, found)
        promise = promise_to_test(plan, self._route, found)
        self._progress.step("measure the candidate on held-out rows", len(tables.heldout.examples))
        comparison = found.comparison = compare(
            tables.heldout,
            tables.train,
            {
                HAND_WRITTEN: found.hand_written,
                INCUMBENT: found.incumbent,
                **found.strategies,
                CANDIDATE: found.candidate,
            },
            lambda examples, prompt: self._routed(found, examples, prompt),
            Embedding(self._embed, plan.config.router_max_input_tokens),
            plan.lambda_,
        )
        unclear = found.router_replies[found.candidate.version]
        if unclear.exceeds(plan.max_not_understood):
            found.needs_approval = joined(
                found.needs_approval,
                f"with the learned prompt, the router LLM names no tier for {unclear.share:.1%} of "
                "queries",
            )
        found.steering = measure_steering(self._steering(found), found)
        take_look(plan, found, comparison, promise, ledger)
        found.decisions = run_decisions(plan, self._route, found)


def _was_judged(table: OutcomeTable) -> bool:
    return any(cell.graded_by is GradedBy.JUDGE for row in table.rows for cell in row.values())

"""A request from start to end: find eligible models, choose a tier, call a model, record the
outcome."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from datetime import datetime

from route_switch.domain.baseline import estimate_baseline
from route_switch.domain.decision import Reason, RoutingDecision, nearest_allowed
from route_switch.domain.needs import needs_of
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.query import query_of
from route_switch.domain.replay import replay_of
from route_switch.domain.request_record import RequestRecord, RequestStatus
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.answer_query import AnswerQuery, TierAnswer, failure_of
from route_switch.services.call_models import CallResult, Deadline, ModelCaller
from route_switch.services.choose_tier import ChooseTier, RequestChoice
from route_switch.services.decide_beside import DecideBeside, PendingDecision, with_shadow
from route_switch.services.eligible_models import Eligible, find_eligible
from route_switch.services.estimate_costs import estimated_costs_usd, worst_cost_usd
from route_switch.services.inbound_request import AdmittedRequest, InboundRequest, RoutedRequest
from route_switch.services.live_prompt import LivePrompt, ServedPrompt
from route_switch.services.live_switches import LiveSwitches
from route_switch.services.record_request import RecordRequest
from route_switch.services.shadow_budget import ShadowBudget

RECORD_MARGIN_S = 1.5
"""Time for the record after the deadline has passed. The function times out 2 s after the
deadline."""

MAX_RECORD_S = 4.0


class RouteRequest:
    def __init__(
        self,
        config: RouterConfig,
        live_prompt: LivePrompt,
        switches: LiveSwitches,
        caller: ModelCaller,
        admit: AdmitRequest,
        record: RecordRequest,
        pool: Executor,
        now: Callable[[], datetime],
        shadow_budget: ShadowBudget,
        shadow_pool: Executor,
    ) -> None:
        self._config = config
        self._live_prompt = live_prompt
        self._switches = switches
        self._caller = caller
        self._choose_tier = ChooseTier(config, caller)
        self._beside = DecideBeside(self._choose_tier, shadow_budget.allows, shadow_pool)
        self._shadow_budget = shadow_budget
        self._answer = AnswerQuery(config.models, caller)
        self._admit = admit
        self._record = record
        self._pool = pool
        self._now = now

    def chat(self, request: InboundRequest) -> RoutedRequest:
        """Route, call a model, and record the outcome, including failures."""
        admitted = self._admit_request(request, answers=True)
        with self._refreshing():
            return self._route_and_answer(admitted)

    def dry_run(self, request: InboundRequest) -> RoutedRequest:
        """Choose a tier without calling its model. Record the router call, because it costs
        money."""
        admitted = self._admit_request(request, answers=False)
        with self._refreshing():
            served, choice = self._choose(admitted)
            in_shadow = choice.decision.reason is Reason.SHADOW
            beside = self._beside.now(admitted, served) if in_shadow else None
            return self._finish(admitted, served, choice, None, beside)

    def _route_and_answer(self, admitted: AdmittedRequest) -> RoutedRequest:
        request = admitted.request
        served, choice = self._choose(admitted)
        in_shadow = choice.decision.reason is Reason.SHADOW
        beside = self._beside.start(admitted, served) if in_shadow else None
        answer = self._answer(
            choice.decision.tier,
            self._answering(admitted),
            request.messages,
            request.params,
            request.deadline,
        )
        return self._finish(admitted, served, choice, answer, beside)

    def _answering(self, admitted: AdmittedRequest) -> Eligible:
        """Return who may answer: a request that names a tier is answered by that tier or fails."""
        named = admitted.named
        if named is None or self._config.escalate_named or admitted.admission.budget_spent:
            return admitted.eligible
        return admitted.eligible.only(named)

    @contextmanager
    def _refreshing(self) -> Iterator[None]:
        """Start due refreshes of the prompt and the switches in parallel, and finish them at the
        end."""
        self._live_prompt.prepare()
        self._switches.prepare()
        try:
            yield
        finally:
            self._live_prompt.finish_refresh()
            self._switches.finish_refresh()
            self._shadow_budget.finish_refresh()

    def _admit_request(self, request: InboundRequest, *, answers: bool) -> AdmittedRequest:
        """Raise whatever refuses the request, before anything is paid."""
        models = self._config.models
        needs = needs_of(request.messages, request.params)
        eligible, named = find_eligible(models, request.key, request.model, request.tiers, needs)
        payable = eligible if named is None else eligible.only(named)
        called = payable.models_of(models) if answers else ()
        worst_usd = worst_cost_usd(models, called, needs, request.params)
        admission = self._admit(request.key, eligible, worst_usd)
        if admission.budget_spent:
            eligible = eligible.only(Tier.SMALL)
        query = query_of(request.messages, request.params)
        return AdmittedRequest(request, query, needs, eligible, named, admission)

    def _choose(self, admitted: AdmittedRequest) -> tuple[ServedPrompt, RequestChoice]:
        served = self._live_prompt.current()
        fixed = self._fixed_tier(admitted)
        if fixed is not None:
            tier, reason = fixed
            return served, RequestChoice(RoutingDecision(tier, reason, served.version, 0, 0.0))
        routing = self._switches.current().routing
        return served, self._choose_tier(
            admitted.query,
            served.prompt,
            served.version,
            admitted.eligible.tiers,
            admitted.request.deadline,
            router=admitted.eligible.router and routing == "on",
        )

    def _fixed_tier(self, admitted: AdmittedRequest) -> tuple[Tier, Reason] | None:
        """Return the tier when no routing is needed: the budget is used up, the caller names the
        tier, or the owner pins one, or lets one answer in shadow."""
        if admitted.admission.budget_spent:
            return Tier.SMALL, Reason.DEGRADED
        if admitted.named is not None:
            return admitted.named, Reason.OVERRIDE
        switches, allowed = self._switches.current(), admitted.eligible.tiers
        if switches.pin_tier is not None:
            return nearest_allowed(switches.pin_tier, allowed), Reason.OVERRIDE
        if switches.routing == "shadow":
            return nearest_allowed(self._config.shadow_answer_tier, allowed), Reason.SHADOW
        return None

    def _finish(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        choice: RequestChoice,
        answer: TierAnswer | None,
        beside: PendingDecision | None,
    ) -> RoutedRequest:
        request = admitted.request
        shadow = beside.take() if beside else None
        router_call = shadow.router_call if shadow else choice.router_call
        record = self._build_record(admitted, choice, answer, router_call, served.output_ratios)
        if shadow is not None:
            record = with_shadow(record, shadow, answer, self._config.models, served.output_ratios)
        recorded = self._save(admitted, record)
        answering_ms = sum(a.latency_ms for a in record.attempts if a.tier is not None)
        reply = router_call.completion if router_call else None
        return RoutedRequest(
            record,
            choice.decision,
            answer.completion if answer else None,
            failure_of(answer, request.request_id) if answer else None,
            recorded,
            served.healthy,
            request.deadline.elapsed_ms - answering_ms,
            {tier: of.model for tier, of in self._config.models.tiers.items()},
            estimated_costs_usd(
                self._config.models, admitted.eligible.tiers, admitted.needs, request.params
            ),
            router_reply=reply.text if reply else None,
            budget_spent=admitted.admission.budget_spent,
        )

    def _save(self, admitted: AdmittedRequest, record: RequestRecord) -> bool:
        """Save the record, and in parallel settle the key's budget."""
        request = admitted.request
        time_s = self._time_to_record_s(request.deadline)
        if admitted.admission.reserved_usd is None:
            return self._record(record, time_s)
        settling = self._pool.submit(
            self._admit.settle, request.key, admitted.admission, record.known_cost_usd
        )
        recorded = self._record(record, time_s)
        with suppress(TimeoutError):  # then the money stays reserved
            settling.result(self._time_to_record_s(request.deadline))
        return recorded

    @staticmethod
    def _time_to_record_s(deadline: Deadline) -> float:
        return min(deadline.remaining_s + RECORD_MARGIN_S, MAX_RECORD_S)

    def _build_record(
        self,
        admitted: AdmittedRequest,
        choice: RequestChoice,
        answer: TierAnswer | None,
        router_call: CallResult | None,
        ratios: OutputRatios,
    ) -> RequestRecord:
        request, query, decision = admitted.request, admitted.query, choice.decision
        completion = answer.completion if answer else None
        tier = answer.tier if answer else decision.tier
        calls = (*filter(None, [router_call]), *(answer.calls if answer else ()))
        attempts = tuple(self._caller.with_late_answer(call).attempt for call in calls)
        elapsed_ms = request.deadline.elapsed_ms
        usage, model = completion.usage if completion else None, answer.model if answer else None
        answered_by = model if completion else None
        baseline = estimate_baseline(usage, tier, answered_by, self._config.models, ratios)
        was_routed = decision.reason not in (Reason.OVERRIDE, Reason.DEGRADED)
        return RequestRecord(
            request_id=request.request_id,
            key_id=request.key.key_id,
            created_at=self._now(),
            status=_status(answer),
            tier=tier,
            decided_tier=decision.tier,
            routed_tier=decision.routed_tier,
            reason=decision.reason if tier is decision.tier else Reason.DEGRADED,
            model=model,
            prompt_version=decision.prompt_version,
            why=decision.why,
            attempts=attempts,
            query_tokens=query.tokens,
            latency_ms=elapsed_ms,
            routing_ms=elapsed_ms - sum(a.latency_ms for a in attempts if a.tier is not None),
            baseline_cost_usd=baseline.cost_usd,
            baseline_low_usd=baseline.low_usd,
            baseline_high_usd=baseline.high_usd,
            baseline_basis=baseline.basis,
            provider_model=completion.provider_model if completion else None,
            user=request.user,
            idempotency_id=request.idempotency_id,
            query_text=query.text,
            answer_text=completion.text if completion else None,
            replay=replay_of(request.messages, request.params, query)
            if completion and was_routed
            else None,
        )


def _status(answer: TierAnswer | None) -> RequestStatus:
    if answer is None:
        return "dry_run"
    return "answered" if answer.completion else "failed"

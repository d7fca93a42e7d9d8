"""A request from start to end: find eligible models, choose a tier, call a model, record the
outcome."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from route_switch.domain.cache_points import asks_for_an_hour
from route_switch.domain.decision import Reason, RoutingDecision, nearest_allowed
from route_switch.domain.needs import needs_of
from route_switch.domain.parameters import lower_limits
from route_switch.domain.query import query_of
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.announce_request import announce_request
from route_switch.services.answer import Answer
from route_switch.services.answer_query import AnswerQuery, TierAnswer, failure_of
from route_switch.services.build_record import BuildRecord
from route_switch.services.call_models import ModelCaller
from route_switch.services.capped_upgrades import choosable_tiers, with_reason
from route_switch.services.choose_tier import ChooseTier, RequestChoice
from route_switch.services.deadline import Deadline
from route_switch.services.decide_beside import (
    DecideBeside,
    PendingDecision,
    with_shadow,
)
from route_switch.services.eligible_models import Eligible, find_eligible
from route_switch.services.estimate_costs import (
    estimated_costs_usd,
    explanation_cap_usd,
    worst_cost_usd,
)
from route_switch.services.inbound_request import AdmittedRequest, InboundRequest, RoutedRequest
from route_switch.services.live_prompt import LivePrompt, ServedPrompt
from route_switch.services.live_switches import LiveSwitches
from route_switch.services.record_request import RecordRequest
from route_switch.services.refreshed_value import FINISH_S
from route_switch.services.request_session import RequestSession, Sessions
from route_switch.services.shadow_budget import ShadowBudget

RECORD_MARGIN_S = 1.5
"""Time for the record after the deadline has passed. The function times out 10 s after it
(`RECORD_S` in infra/router.py)."""

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
        sessions: Sessions,
    ) -> None:
        self._config = config
        self._live_prompt = live_prompt
        self._switches = switches
        self._caller = caller
        self._choose_tier = ChooseTier(config, caller)
        self._beside = DecideBeside(self._choose_tier, shadow_budget.allows, shadow_pool)
        self._shadow_budget = shadow_budget
        self._answer = AnswerQuery(config.models, caller, config.attempt_s, config.stall_s)
        self._admit = admit
        self._record = record
        self._sessions = sessions
        self._pool = pool
        self._now = now
        self._build_record = BuildRecord(config.models, caller, now)

    def chat(self, request: InboundRequest) -> Answer:
        """Route and call a model. The caller passes the answer on, and then saves its record, which
        a failure has as well."""
        admitted = self._admit_request(request, answers=True)
        session = self._sessions.of(admitted)
        with self._refreshing():
            served, choice = self._choose(admitted, session)
            in_shadow = choice.decision.reason is Reason.SHADOW
            shadow = session.in_shadow() if session else None
            beside = self._beside.start(admitted, served, shadow) if in_shadow else None
            answer = self._answer(
                choice.decision.tier,
                self._answering(admitted),
                request.messages,
                admitted.request.params,
                request.deadline,
                stream=request.stream,
                continuation=choice.continuation,
                key_id=request.key.key_id,
            )
        return Answer(self, admitted, served, choice, answer, beside, session)

    def dry_run(self, request: InboundRequest) -> Answer:
        """Choose a tier without calling its model. The router call has a record, because it costs
        money."""
        admitted = self._admit_request(request, answers=False)
        session = self._sessions.of(admitted)
        with self._refreshing():
            served, choice = self._choose(admitted, session)
            in_shadow = choice.decision.reason is Reason.SHADOW
            shadow = session.in_shadow() if session else None
            beside = self._beside.now(admitted, served, shadow) if in_shadow else None
        return Answer(self, admitted, served, choice, None, beside, None)

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
            left = Deadline(FINISH_S)
            for value in (self._live_prompt, self._switches, self._shadow_budget):
                value.finish_refresh(left.remaining_s)

    def _admit_request(self, request: InboundRequest, *, answers: bool) -> AdmittedRequest:
        """Raise if the request is refused, before anything is paid."""
        models = self._config.models
        request, lowered = self._with_lowered_limits(request)
        needs = needs_of(request.messages, request.params)
        aliases = self._config.aliases
        eligible, named = find_eligible(
            models, request.key, request.model, request.tiers, needs, aliases
        )
        payable = eligible if named is None else eligible.only(named)
        called = payable.models_of(models) if answers else ()
        live = self._live_prompt.known()
        worst_usd = worst_cost_usd(
            self._config,
            called,
            needs,
            request.params,
            request.messages,
            live.prompt if live else None,
        )
        if request.explain:
            worst_usd += explanation_cap_usd(self._config) or 0.0
        admission = self._admit(request.key, eligible, worst_usd)
        announce_request(request.request_id, request.key.key_id, self._now(), worst_usd)
        if admission.budget_spent:
            eligible = eligible.only(Tier.SMALL)
        query = query_of(request.messages, request.params)
        profile = request.profile or request.key.profile or self._config.profile
        return AdmittedRequest(request, query, needs, eligible, named, admission, lowered, profile)

    def _with_lowered_limits(
        self, request: InboundRequest
    ) -> tuple[InboundRequest, tuple[str, ...]]:
        """Lower output limits above the stage's, before money is reserved; return notes."""
        if self._config.max_tokens is None:
            return request, ()
        params, notes = lower_limits(request.params, self._config.max_tokens)
        return replace(request, params=params), notes

    def _choose(
        self, admitted: AdmittedRequest, session: RequestSession | None
    ) -> tuple[ServedPrompt, RequestChoice]:
        served = self._live_prompt.current()
        choice = self._choice(admitted, served, session)
        if session is not None:
            continuation = session.continuation(choice.decision.session)
            choice = replace(choice, continuation=continuation)
        return served, choice

    def _choice(
        self, admitted: AdmittedRequest, served: ServedPrompt, session: RequestSession | None
    ) -> RequestChoice:
        fixed = self._fixed_tier(admitted)
        if fixed is not None:
            tier, reason = fixed
            decision = RoutingDecision(tier, reason, served.version, 0, 0.0)
            return RequestChoice(replace(decision, profile=admitted.profile))
        request, routing = admitted.request, self._switches.current().routing
        choice = self._choose_tier(
            admitted.query,
            served.prompt,
            served.version,
            choosable_tiers(admitted, self._now()),
            request.deadline,
            router=routing == "on",
            payable=admitted.eligible.router,
            ask=self._choose_tier.ask(request.deadline, request.key.key_id),
            session=session,
            profile=admitted.profile,
        )
        return with_reason(choice, admitted.eligible.tiers)

    def _fixed_tier(self, admitted: AdmittedRequest) -> tuple[Tier, Reason] | None:
        """Return the tier when no routing is needed: the budget is used up, the caller names the
        tier, or the owner pins one, or has one answer in shadow."""
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

    def outcome(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        choice: RequestChoice,
        answer: TierAnswer | None,
        beside: PendingDecision | None,
    ) -> RoutedRequest:
        """Return the request's outcome, with its record, which is not saved yet."""
        request = admitted.request
        live = None if answer is None else answer.live
        if answer is not None and live is not None and live.has_ended:
            answer = self._answer.ended(answer)
        # The decision has time until the end of an answer that is under way.
        under_way = live is not None and not live.has_ended
        shadow = None if beside is None or under_way else beside.take()
        router_call = shadow.router_call if shadow else choice.router_call
        record = self._build_record(admitted, choice, answer, router_call, served.output_ratios)
        if shadow is not None:
            record = with_shadow(
                record,
                shadow,
                answer,
                self._config.models,
                served.output_ratios,
                for_an_hour=asks_for_an_hour(request.messages, request.params),
            )
        answering_ms = sum(a.latency_ms for a in record.attempts if a.tier is not None)
        reply = router_call.completion if router_call else None
        return RoutedRequest(
            record,
            choice.decision,
            answer.completion if answer else None,
            failure_of(answer, request.request_id) if answer else None,
            served.healthy,
            request.deadline.elapsed_ms - answering_ms,
            {tier: of.name for tier, of in self._config.models.tiers.items()},
            estimated_costs_usd(
                self._config.models, admitted.eligible.tiers, admitted.needs, request.params
            ),
            router_reply=reply.text if reply else None,
            budget_spent=admitted.admission.budget_spent,
        )

    def save(
        self,
        admitted: AdmittedRequest,
        record: RequestRecord,
        meanwhile: Callable[[], None] | None = None,
    ) -> bool:
        """Save the record, and in parallel settle the key's budget and do `meanwhile`. Return
        whether it was saved."""
        request = admitted.request
        time_s = self.time_to_record_s(request.deadline)
        if admitted.admission.reserved_usd is None:
            return self._record(record, time_s, meanwhile)
        settling = self._pool.submit(self._admit.settle, request.key, admitted.admission, record)
        recorded = self._record(record, time_s, meanwhile)
        with suppress(TimeoutError):  # then the hourly monitor settles it
            settling.result(self.time_to_record_s(request.deadline))
        return recorded

    @staticmethod
    def time_to_record_s(deadline: Deadline) -> float:
        return min(deadline.remaining_s + RECORD_MARGIN_S, MAX_RECORD_S)

"""Decide in shadow, in parallel with an answer that does not wait for the decision."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace

from route_switch.domain.decision import RoutingDecision
from route_switch.domain.errors import describe_defect
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.pricing import add_known
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.routing import SessionOfRequest
from route_switch.domain.sessions import Ground, Move
from route_switch.domain.shadow import (
    ANSWERED_FIRST,
    ChosenModel,
    ShadowReason,
    WouldCost,
    would_cost,
)
from route_switch.domain.tiers import ModelCatalog
from route_switch.services.answer_query import TierAnswer
from route_switch.services.call_result import CallResult
from route_switch.services.choose_tier import AskRouterLlm, ChooseTier, RequestChoice
from route_switch.services.inbound_request import AdmittedRequest
from route_switch.services.live_prompt import ServedPrompt

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShadowChoice:
    """What routing would have decided; `decision` is None if `reason` says that there is none."""

    reason: ShadowReason
    decision: RoutingDecision | None = None
    router_call: CallResult | None = None


class PendingDecision:
    """A decision in progress, or made."""

    def __init__(self, future: "Future[RequestChoice]", ask: AskRouterLlm) -> None:
        self._future = future
        self._ask = ask
        self._taken: ShadowChoice | None = None

    def take(self) -> ShadowChoice:
        """Return the decision if it has been made, and the same one each time. Never wait, and
        never fail."""
        if self._taken is None:
            self._taken = self._take()
        return self._taken

    def wait(self) -> None:
        wait([self._future])

    def _take(self) -> ShadowChoice:
        if not self._future.done():
            self._future.cancel()
            return ShadowChoice(ShadowReason.LATE, router_call=_left_behind(self._ask.abandon()))
        error = self._future.exception()
        if error is not None:
            logger.error("Routing failed in shadow: %s", describe_defect(error))
            return ShadowChoice(ShadowReason.FAILED, router_call=self._ask.abandon())
        return _shadow_of(self._future.result(), self._ask)


class DecideBeside:
    """`allows` says whether a request's router call is within the budget."""

    def __init__(
        self, choose_tier: ChooseTier, allows: Callable[[str], bool], pool: Executor
    ) -> None:
        self._choose_tier = choose_tier
        self._allows = allows
        self._pool = pool

    def start(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        session: SessionOfRequest | None = None,
    ) -> PendingDecision:
        request = admitted.request
        ask = self._choose_tier.ask(
            request.deadline, request.key.key_id, lambda: self._allows(request.request_id)
        )
        choosing = self._pool.submit(self._choose, admitted, served, ask, session)
        return PendingDecision(choosing, ask)

    def now(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        session: SessionOfRequest | None = None,
    ) -> PendingDecision:
        """Decide at once, even beyond the budget: the caller asked for it."""
        request = admitted.request
        ask = self._choose_tier.ask(request.deadline, request.key.key_id)
        choosing = self._pool.submit(self._choose, admitted, served, ask, session)
        decision = PendingDecision(choosing, ask)
        decision.wait()
        return decision

    def _choose(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        ask: AskRouterLlm,
        session: SessionOfRequest | None,
    ) -> RequestChoice:
        return self._choose_tier(
            admitted.query,
            served.prompt,
            served.version,
            admitted.eligible.tiers,
            admitted.request.deadline,
            payable=admitted.eligible.router,
            ask=ask,
            session=session,
            profile=admitted.profile,
        )


def with_shadow(
    record: RequestRecord,
    shadow: ShadowChoice,
    answer: TierAnswer | None,
    models: ModelCatalog,
    ratios: OutputRatios,
    *,
    for_an_hour: bool = False,
) -> RequestRecord:
    """Return the record with what routing decided in parallel with the answer. `for_an_hour` says
    whether the request asks providers to cache it for an hour."""
    decided = shadow.decision
    if decided is None:
        return replace(record, shadow_reason=shadow.reason)
    chosen = _chosen_model(decided, models, for_an_hour)
    would = _would_cost(record, chosen, answer, models, ratios)
    return replace(
        record,
        shadow_reason=shadow.reason,
        shadow_tier=decided.tier,
        shadow_cost_usd=add_known(would.usd if would else None, record.router_cost_usd),
        shadow_cost_low_usd=add_known(would.low if would else None, record.router_cost_usd),
        shadow_cost_high_usd=add_known(would.high if would else None, record.router_cost_usd),
        routed_tier=decided.routed_tier,
        why=decided.why,
        strategy=decided.local_strategy,
        session=decided.session.move if decided.session else None,
        session_saved_usd=decided.session.saved_usd if decided.session else None,
    )


def _chosen_model(decided: RoutingDecision, models: ModelCatalog, for_an_hour: bool) -> ChosenModel:
    """Only a session that stays on its model finds its conversation in the cache."""
    session = decided.session
    name = session.model if session else None
    has_cache = session is not None and (
        session.move is Move.KEPT or session.ground is Ground.SAME_MODEL
    )
    return ChosenModel(
        decided.tier, name or models.tiers[decided.tier].name, has_cache, for_an_hour
    )


def _would_cost(
    record: RequestRecord,
    chosen: ChosenModel,
    answer: TierAnswer | None,
    models: ModelCatalog,
    ratios: OutputRatios,
) -> WouldCost | None:
    """Return None without an answer, or if a price or the tokens are unknown."""
    if answer is None or answer.completion is None or answer.model is None:
        return None
    if chosen.tier is record.tier:
        usd = record.answer_cost_usd
        return None if usd is None else WouldCost(usd, usd, usd)
    usage = answer.completion.usage
    return would_cost(usage, record.tier, answer.model, chosen, models, ratios)


def _shadow_of(choice: RequestChoice, ask: AskRouterLlm) -> ShadowChoice:
    if ask.was_kept_from_asking:
        return ShadowChoice(ShadowReason.NOT_SAMPLED)
    reason = ShadowReason(choice.decision.reason.value)
    return ShadowChoice(reason, choice.decision, choice.router_call)


def _left_behind(call: CallResult | None) -> CallResult | None:
    if call is None or call.attempt.status != "timed_out":
        return call
    return replace(call, attempt=replace(call.attempt, error=ANSWERED_FIRST))

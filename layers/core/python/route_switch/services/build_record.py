"""The record of a request, from what was decided, called and answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from route_switch.domain.baseline import estimate_baseline
from route_switch.domain.completion import Completion
from route_switch.domain.decision import Reason
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.replay import replay_of
from route_switch.domain.request_record import Attempt, RequestRecord, RequestStatus
from route_switch.domain.session_turns import state_id
from route_switch.domain.sessions import as_answered
from route_switch.domain.tiers import ModelCatalog
from route_switch.services.answer_query import TierAnswer
from route_switch.services.call_models import ModelCaller
from route_switch.services.call_result import CallResult
from route_switch.services.choose_tier import RequestChoice
from route_switch.services.inbound_request import AdmittedRequest


class BuildRecord:
    def __init__(
        self, models: ModelCatalog, caller: ModelCaller, now: Callable[[], datetime]
    ) -> None:
        self._models = models
        self._caller = caller
        self._now = now

    def __call__(
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
        made = (
            _with_notes(self._caller.with_late_answer(call).attempt, admitted.lowered)
            for call in calls
        )
        attempts = tuple(choice.continuation.noted(made))
        elapsed_ms = request.deadline.elapsed_ms
        whole = completion is not None and not (answer and _has_broken_off(answer))
        usage = completion.usage if completion and whole else None
        model = answer.model if answer else None
        answered_by = model if whole else None
        history_tokens = choice.continuation.left_behind(answered_by)
        baseline = estimate_baseline(usage, tier, answered_by, self._models, ratios, history_tokens)
        session = as_answered(decision.session, tier, model)
        was_routed = decision.reason not in (Reason.OVERRIDE, Reason.DEGRADED)
        learnable = whole and was_routed
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
            strategy=decision.local_strategy,
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
            session=session.move if session else None,
            session_saved_usd=session.saved_usd if session else None,
            session_id=_state_id(request.session_id, completion),
            profile=admitted.profile,
            skipped_models=_skipped(choice, answer),
            query_text=query.text,
            answer_text=completion.text if completion else None,
            replay=replay_of(
                request.messages, request.params, query, completion.message if completion else None
            )
            if learnable
            else None,
        )


def _skipped(choice: RequestChoice, answer: TierAnswer | None) -> tuple[str, ...]:
    router = (choice.skipped_router,) if choice.skipped_router else ()
    return (*router, *(answer.skipped if answer else ()))


def _state_id(session_id: str | None, completion: Completion | None) -> str | None:
    if session_id is None or completion is None:
        return session_id
    return state_id(session_id, completion.choices[0].message)


def _with_notes(attempt: Attempt, lowered: tuple[str, ...]) -> Attempt:
    """Note on the answering models' attempts what was lowered before any of them was called."""
    if attempt.tier is None or not lowered:
        return attempt
    return replace(attempt, adjusted=(*lowered, *attempt.adjusted))


def _status(answer: TierAnswer | None) -> RequestStatus:
    if answer is None:
        return "dry_run"
    if _has_broken_off(answer):
        return "partial" if answer.completion else "failed"
    return "answered" if answer.completion or answer.live else "failed"


def _has_broken_off(answer: TierAnswer) -> bool:
    return answer.live is not None and answer.live.error is not None

"""Call a tier's model. If it fails, try its fallbacks, then the tiers above, then those below."""

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.completion import Completion
from route_switch.domain.decision import order_of_descent
from route_switch.domain.errors import (
    AllTiersFailedError,
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
    RouteSwitchError,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.call_models import CallResult, Deadline, ModelCaller
from route_switch.services.eligible_models import Eligible

SHARE_OF_REMAINING = 2 / 3
"""The share of the remaining time that an attempt may take, unless it is the last one."""

MIN_ATTEMPT_S = 0.5

TOO_MANY_REQUESTS = 429

_PERMANENT = (InvalidModelRequestError, ModelUnusableError)


@dataclass(frozen=True, slots=True)
class TierAnswer:
    """The calls in order, and the model that answered, if any."""

    calls: tuple[CallResult, ...]
    tier: Tier
    completion: Completion | None
    model: str | None


class AnswerQuery:
    def __init__(self, catalog: ModelCatalog, caller: ModelCaller) -> None:
        self._catalog = catalog
        self._caller = caller

    def __call__(
        self,
        tier: Tier,
        eligible: Eligible,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        deadline: Deadline,
    ) -> TierAnswer:
        """Stop at the first answer, or when the time is up. A timed-out call is charged anyway, so
        when nothing else is left to try, wait for its answer."""
        models = self._models_to_try(tier, eligible)
        calls: list[CallResult] = []
        for position, (tier_to_try, model) in enumerate(models):
            if deadline.remaining_s < MIN_ATTEMPT_S:
                break
            is_last = position == len(models) - 1
            timeout_s = deadline.remaining_s * (1 if is_last else SHARE_OF_REMAINING)
            call = self._caller.call(model, messages, params, timeout_s, deadline, tier_to_try)
            calls.append(call)
            if call.completion:
                return TierAnswer(tuple(calls), tier_to_try, call.completion, model)
        return self._late_answer(tier, calls, deadline)

    def _late_answer(self, tier: Tier, calls: list[CallResult], deadline: Deadline) -> TierAnswer:
        wait(
            [call.late for call in calls if call.late],
            timeout=deadline.remaining_s,
            return_when=FIRST_COMPLETED,
        )
        updated = tuple(map(self._caller.with_late_answer, calls))
        for call in updated:
            if call.completion:
                answering = call.attempt.tier or tier
                return TierAnswer(updated, answering, call.completion, call.attempt.model)
        return TierAnswer(updated, tier, None, None)

    def _models_to_try(self, tier: Tier, eligible: Eligible) -> list[tuple[Tier, str]]:
        """Return every model once, at the first tier in the order of descent that has it."""
        tiers: dict[str, Tier] = {}
        for tier_to_try in order_of_descent(tier, eligible.tiers):
            for model in self._catalog.tiers[tier_to_try].with_fallbacks:
                if model in eligible.models:
                    tiers.setdefault(model, tier_to_try)
        return [(tier_to_try, model) for model, tier_to_try in tiers.items()]


def failure_of(answer: TierAnswer, request_id: str) -> RouteSwitchError | None:
    """Return what the caller should be told if there is no answer; None if there is one.

    A refusal is the caller's to fix if the first model refused, or if every model did. If only a
    stand-in refused, a repetition may reach the first model again.
    """
    if answer.completion is not None:
        return None
    errors = [call.error for call in answer.calls if call.error]
    transient = [e for e in errors if not isinstance(e, _PERMANENT)]
    if not errors:
        return AllTiersFailedError(
            "No time was left to call a model. Allow more time (request_deadline_s).",
            kind="timed_out",
        )
    refusal = next((e for e in errors if isinstance(e, InvalidModelRequestError)), None)
    if refusal is not None and (refusal is errors[0] or not transient):
        return refusal
    if not transient:
        return AllTiersFailedError(
            f"No model can be used: the provider refuses the key, the account or the model"
            f"{_statuses(errors)}. Repeating the request does not help. The reason is in the "
            f"router's log, and `route-switch results {request_id}` shows each call.",
            kind="unusable",
        )
    return _transient_failure(len(answer.calls), transient, request_id)


def _transient_failure(
    calls: int, errors: Sequence[ModelError], request_id: str
) -> AllTiersFailedError:
    timed_out = isinstance(errors[-1], ModelTimeoutError)
    limited = all(error.status == TOO_MANY_REQUESTS for error in errors)
    waits = [error.retry_after_s for error in errors if error.retry_after_s is not None]
    return AllTiersFailedError(
        f"None of {calls} calls was answered; the last one "
        f"{'ran out of time' if timed_out else 'failed'}. Every model that may answer was tried. "
        f"`route-switch results {request_id}` shows each call.",
        kind="rate_limited" if limited else "timed_out" if timed_out else "failed",
        retry_after_s=min(waits, default=None),
    )


def _statuses(errors: Sequence[ModelError]) -> str:
    found = sorted({error.status for error in errors if error.status})
    return f" (status {', '.join(map(str, found))})" if found else ""

"""Call a tier's model. If it fails, try its fallbacks, then the tiers above, then those below."""

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, replace

from pydantic import JsonValue

from route_switch.domain.completion import Completion
from route_switch.domain.decision import order_of_descent
from route_switch.domain.errors import (
    AllTiersFailedError,
    InvalidModelRequestError,
    ModelError,
    ModelNotCalledError,
    ModelTimeoutError,
    ModelUnusableError,
    RouteSwitchError,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.call_models import ModelCaller
from route_switch.services.call_result import CallResult
from route_switch.services.circuits import ModelOrder
from route_switch.services.continuation import ANY_MODEL, Continuation
from route_switch.services.deadline import Deadline
from route_switch.services.eligible_models import Eligible
from route_switch.services.live_answer import LiveAnswer, StreamLimits

SHARE_OF_REMAINING = 2 / 3
"""The share of the remaining time that an attempt may take, unless it is the last one."""

SILENCE_S = 50.0
"""How long the last model may stay silent before its stream begins with comments in place of a
token: proxies commonly close connections that are idle for 60 s."""

MIN_ATTEMPT_S = 0.5

TOO_MANY_REQUESTS = 429

_PERMANENT = (InvalidModelRequestError, ModelUnusableError)


@dataclass(frozen=True, slots=True)
class TierAnswer:
    """The calls in order, and the model that answered, if any.

    `live` is an answer that has begun; until its end, there is no completion. `skipped` are the
    models that were skipped when their turn came, because they keep failing.
    """

    calls: tuple[CallResult, ...]
    tier: Tier
    completion: Completion | None
    model: str | None
    live: LiveAnswer | None = None
    skipped: tuple[str, ...] = ()


class AnswerQuery:
    def __init__(
        self,
        catalog: ModelCatalog,
        caller: ModelCaller,
        attempt_s: float,
        stall_s: float,
    ) -> None:
        """A model has `attempt_s` for a whole answer before the next one is asked as well. One that
        streams has failed if it sends nothing for `stall_s`."""
        self._catalog = catalog
        self._caller = caller
        self._attempt_s = attempt_s
        self._stall_s = stall_s

    def __call__(
        self,
        tier: Tier,
        eligible: Eligible,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        deadline: Deadline,
        *,
        stream: bool = False,
        continuation: Continuation = ANY_MODEL,
        key_id: str | None = None,
    ) -> TierAnswer:
        """Stop at the first answer, with `stream` at its beginning, or when the time is up.
        `key_id` is the key that sent the request.

        A timed-out call is charged anyway, so when nothing else is left to try, wait for its
        answer.
        """
        order = self._models_to_try(tier, eligible, continuation.first)
        first = order[0][1] if order else None
        caller = self._caller.for_key(key_id)
        turns = ModelOrder(order, _name, caller.is_down)
        calls: list[CallResult] = []
        while turns.left and deadline.remaining_s >= MIN_ATTEMPT_S:
            tier_to_try, model = turns.take()
            is_last = not turns.left
            is_first = not calls and model == first
            sent = continuation.messages_for(model, messages, is_first=is_first)
            if stream:
                limits = self._limits(caller, model, deadline, is_last=is_last)
                call = caller.open(model, sent, params, limits, deadline, tier_to_try)
            else:
                share_s = caller.patience_s(model, self._share(deadline))
                timeout_s = deadline.remaining_s if is_last else share_s
                late = [each.late for each in calls if each.late]
                call = caller.call(model, sent, params, timeout_s, deadline, tier_to_try, late)
            calls.append(call)
            answer = self._answered(tier, tier_to_try, calls)
            if answer is not None:
                return replace(answer, skipped=turns.skipped)
            turns.left = [each for each in turns.left if not _fails_too(each[1], call)]
        return replace(self._late_answer(tier, calls, deadline), skipped=turns.skipped)

    def _answered(
        self, tier: Tier, tier_to_try: Tier, calls: Sequence[CallResult]
    ) -> TierAnswer | None:
        """Return the answer of the last call, or of an earlier one that is late."""
        last = calls[-1]
        if last.completion is None and last.live is None:
            return self._answered_late(tier, calls)
        return TierAnswer(tuple(calls), tier_to_try, last.completion, last.attempt.model, last.live)

    def _share(self, deadline: Deadline) -> float:
        return min(deadline.remaining_s * SHARE_OF_REMAINING, self._attempt_s)

    def _limits(
        self, caller: ModelCaller, model: str, deadline: Deadline, *, is_last: bool
    ) -> StreamLimits:
        longest_s = min(self._share(deadline), self._stall_s)
        patience_s = caller.patience_s(model, longest_s, stream=True)
        first_s = SILENCE_S if is_last else patience_s
        return StreamLimits(first_s, self._stall_s, is_last)

    def ended(self, answer: TierAnswer) -> TierAnswer:
        """Return a streamed answer with its final result."""
        calls = tuple(map(self._caller.with_whole_answer, answer.calls))
        return replace(answer, calls=calls, completion=calls[-1].completion)

    def _late_answer(self, tier: Tier, calls: list[CallResult], deadline: Deadline) -> TierAnswer:
        wait(
            [call.late for call in calls if call.late],
            timeout=deadline.remaining_s,
            return_when=FIRST_COMPLETED,
        )
        updated = tuple(map(self._caller.with_late_answer, calls))
        return self._answered_late(tier, updated) or TierAnswer(updated, tier, None, None)

    def _answered_late(self, tier: Tier, calls: Sequence[CallResult]) -> TierAnswer | None:
        """Return the answer of a call that ran out of its own time, if it has arrived by now."""
        updated = tuple(map(self._caller.with_late_answer, calls))
        for call in updated:
            if call.completion:
                answering = call.attempt.tier or tier
                return TierAnswer(updated, answering, call.completion, call.attempt.model)
        return None

    def _models_to_try(
        self, tier: Tier, eligible: Eligible, first: str | None
    ) -> list[tuple[Tier, str]]:
        """Return every model once, at the first tier in the order of descent that has it; before
        them `first`, which is one of `tier`. A model with other parameters is another one."""
        tiers: dict[str, Tier] = {}
        if first is not None and first in eligible.models:
            tiers[first] = tier
        for tier_to_try in order_of_descent(tier, eligible.tiers):
            for model in self._catalog.tiers[tier_to_try].with_fallbacks:
                if model in eligible.models:
                    tiers.setdefault(model, tier_to_try)
        return [(tier_to_try, model) for model, tier_to_try in tiers.items()]


def _name(model: tuple[Tier, str]) -> str:
    return model[1]


def _fails_too(name: str, failed: CallResult) -> bool:
    """Whether this is the model that failed, with other parameters. A timeout or a refusal may be
    due to the parameters; any other failure is the model's or its provider's."""
    if isinstance(failed.error, ModelTimeoutError | InvalidModelRequestError):
        return False
    return model_of(name) == model_of(failed.attempt.model)


def failure_of(answer: TierAnswer, request_id: str) -> RouteSwitchError | None:
    """Return what the caller should be told if there is no answer; None if there is one.

    A refusal is the caller's to fix if the first model refused, or if every model did. If only a
    stand-in refused, a repetition may reach the first model again. If no model could be called
    because a store is unavailable, that is the failure.
    """
    if answer.completion is not None or answer.live is not None:
        return None
    errors = [call.error for call in answer.calls if call.error]
    transient = [e for e in errors if not isinstance(e, _PERMANENT)]
    if not errors:
        return AllTiersFailedError(
            "No time was left to call a model. Allow more time (request_deadline_s).",
            kind="timed_out",
        )
    stores = [e.store_error for e in errors if isinstance(e, ModelNotCalledError)]
    if len(stores) == len(errors) and stores[0] is not None:
        return stores[0]
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

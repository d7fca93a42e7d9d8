"""Choose the tier of a request, within its deadline."""

from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, replace
from threading import Lock

from pydantic import JsonValue

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import cost_usd
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import (
    RouterReply,
    RoutingContext,
    SessionOfRequest,
    TierChoice,
    choose_tier,
)
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import NEED_NUMBERS, strategy_in_effect, strategy_named
from route_switch.domain.tiers import Tier
from route_switch.services.call_models import HEAD_START_S, ModelCaller
from route_switch.services.call_result import CallResult, PendingCall
from route_switch.services.continuation import ANY_MODEL, Continuation
from route_switch.services.deadline import Deadline
from route_switch.services.estimate_router_calls import output_tokens

SKIPPED = "the router LLM was skipped, because it keeps failing"


@dataclass(frozen=True, slots=True)
class RequestChoice:
    """The decision, the router call that led to it, if there was one, and what the conversation
    asks of the models. `skipped_router` is the router LLM if it was skipped because it keeps
    failing."""

    decision: RoutingDecision
    router_call: CallResult | None = None
    continuation: Continuation = ANY_MODEL
    skipped_router: str | None = None


class ChooseTier:
    """Choose a tier. Never fail: the query gets an allowed tier even if the router LLM fails."""

    def __init__(self, config: RouterConfig, caller: ModelCaller) -> None:
        self._config = config
        self._caller = caller

    def __call__(
        self,
        query: Query,
        prompt: RoutingPrompt,
        version: str,
        allowed: frozenset[Tier],
        deadline: Deadline,
        *,
        router: bool = True,
        payable: bool = True,
        ask: "AskRouterLlm | None" = None,
        session: SessionOfRequest | None = None,
        profile: Profile = BALANCED,
    ) -> RequestChoice:
        """If `router` is False, every query that is not bypassed goes to the safe tier; without
        `payable`, the router LLM is not called, and only a local model can decide. `ask` is for a
        caller that may abandon the router call."""
        started = deadline.elapsed_ms
        ask = ask or self.ask(deadline)
        if session is not None:
            ask.meanwhile = session.read
        context = RoutingContext(self._config, prompt, ask if payable else _no_reply, profile)
        in_time = deadline.remaining_s > 0  # a late router call would be paid for nothing
        name = strategy_in_effect(self._config, prompt)
        can_decide = router and in_time and (payable or name in NEED_NUMBERS)
        strategy = strategy_named(name) if can_decide else None
        choice = choose_tier(query, strategy, context, allowed, session)
        unrouted = choice.suggestion.tier is None and _router_is_down(ask.call)
        balanced = choice.suggestion.balanced
        decision = RoutingDecision(
            tier=choice.tier,
            reason=choice.reason,
            prompt_version=version,
            router_tokens=_tokens(ask.call),
            latency_ms=deadline.elapsed_ms - started,
            routed_tier=None if unrouted else balanced or choice.chosen,
            why=_why(choice, ask.skipped),
            session=choice.session,
            by_strategy=_is_by_strategy(choice),
            strategy=name if can_decide and _was_asked(choice) else None,
            profile=profile,
            profile_tier=None if balanced is None else choice.chosen,
        )
        return RequestChoice(decision, ask.call, skipped_router=ask.skipped)

    def ask(
        self,
        deadline: Deadline,
        key_id: str | None = None,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> "AskRouterLlm":
        """`key_id` is the key that sent the request."""
        return AskRouterLlm(self._config, self._caller.for_key(key_id), deadline, may_ask)


class AskRouterLlm:
    """Calls the router LLM for one request and keeps the call.

    `may_ask` is asked before the call; `was_kept_from_asking` is True if it said no. `meanwhile` is
    called when the call is under way. `skipped` names the router LLM if its circuit was open.
    """

    def __init__(
        self,
        config: RouterConfig,
        caller: ModelCaller,
        deadline: Deadline,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._config = config
        self._caller = caller
        self._deadline = deadline
        self._may_ask = may_ask
        self._lock = Lock()
        self._pending: PendingCall | None = None
        self._is_abandoned = False
        self.call: CallResult | None = None
        self.was_kept_from_asking = False
        self.skipped: str | None = None
        self.meanwhile: Callable[[], None] | None = None

    def __call__(
        self, messages: tuple[JsonObject, ...], params: Mapping[str, JsonValue]
    ) -> RouterReply | None:
        if not self._may_ask():
            self.was_kept_from_asking = True
            return None
        with self._lock:
            if self._is_abandoned:  # the call would be paid for nothing
                return None
            name = self._config.models.router
            if self._caller.is_down(name):
                self.skipped = name
                return None
            self._pending = self._caller.start(name, messages, params, self._deadline)
        if self.meanwhile is not None:
            wait([self._pending.future], HEAD_START_S)
            self.meanwhile()
        longest_s = self._caller.patience_s(name, self._config.router_timeout_s)
        timeout_s = min(longest_s, self._deadline.remaining_s)
        self.call = self._caller.wait(self._pending, timeout_s)
        completion = self.call.completion
        if completion is None:
            return None
        return RouterReply(completion.text, completion.choices[0].finish_reason == "length")

    def abandon(self) -> CallResult | None:
        """Return the call as far as it is known, without waiting. No call starts after this."""
        with self._lock:
            self._is_abandoned = True
        if self.call is not None or self._pending is None:
            return self.call
        return _with_longest_reply(self._caller.wait(self._pending, 0.0), self._config)


def _with_longest_reply(left: CallResult, config: RouterConfig) -> CallResult:
    """Charge an abandoned call with all that it may write: its usage will never be known, and it
    must not exceed a budget."""
    usage = left.attempt.usage
    if usage is None or not left.attempt.estimated:
        return left
    usage = replace(usage, output_tokens=output_tokens(config))
    usd = cost_usd(usage, config.models.price(config.models.router))
    return replace(left, attempt=replace(left.attempt, usage=usage, cost_usd=usd))


def _no_reply(*_: object) -> None:
    """Ask nothing: the router LLM costs money that the key cannot be charged for."""


def _is_by_strategy(choice: TierChoice) -> bool:
    return choice.suggestion.tier is not None and choice.reason is not Reason.BYPASS


def _was_asked(choice: TierChoice) -> bool:
    """Whether the strategy was asked for a tier, with or without success."""
    return _is_by_strategy(choice) or choice.reason is Reason.FALLBACK


def _why(choice: TierChoice, skipped: str | None) -> str:
    if skipped is not None and choice.reason is Reason.FALLBACK:
        return SKIPPED
    if choice.reason is not Reason.SESSION or choice.session is None:
        return choice.suggestion.why
    session = f"{choice.session.move}: {choice.session.ground}"
    return f"{choice.suggestion.why}; {session}" if choice.suggestion.why else session


def _router_is_down(call: CallResult | None) -> bool:
    """Whether the router LLM was off or failing. One that refuses a query, or whose reply names no
    tier, is not down: it would do the same again, and learning measures the safe tier there."""
    return call is None or (
        call.completion is None and not isinstance(call.error, InvalidModelRequestError)
    )


def _tokens(call: CallResult | None) -> int:
    usage = call.attempt.usage if call else None
    return usage.total_tokens if usage else 0

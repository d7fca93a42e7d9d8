"""The seam for routing: how a query gets its tier, whichever strategy proposes it.

Serving, `route`, `evaluate` and the optimizer all call `choose_tier`. A new strategy is one file in
`domain/strategies/` and one row in its registry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.decision import Reason, nearest_allowed
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.sessions import SessionDecision
from route_switch.domain.tiers import Tier


@dataclass(frozen=True, slots=True)
class RouterReply:
    """What the router LLM said; `cut_off` if it ran into its output limit."""

    text: str
    cut_off: bool = False


AskRouter = Callable[[tuple[JsonObject, ...], Mapping[str, JsonValue]], RouterReply | None]
"""Sends messages and parameters to the router LLM; returns its reply, or None if there is none."""


@dataclass(frozen=True, slots=True)
class RoutingContext:
    """What a strategy may use in addition to the query. A strategy that cannot weigh cost against
    quality ignores `profile`."""

    config: RouterConfig
    prompt: RoutingPrompt
    ask: AskRouter
    profile: Profile = BALANCED

    def bypasses(self, query: Query) -> bool:
        """Whether the query is so short that it goes to Tier 1 without a router call."""
        return query.is_shorter_than(bypass_below(self.config, self.prompt))


def bypass_below(config: RouterConfig, prompt: RoutingPrompt) -> int:
    """Return the tokens below which a query is bypassed: the prompt's own number, else the stage's.
    Where the stage switches the bypass off, with 0, it stays off."""
    learned, limit = prompt.bypass_tokens, config.bypass_tokens
    return limit if learned is None or limit == 0 else learned


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A strategy's answer: a tier, or None if it does not know.

    `why` is a short reason for logs and reports and holds no user text. `confidence` is the
    probability, 0 to 1, that the tier is right; None if the strategy cannot tell. `balanced` is the
    tier for the profile `balanced`, if the request's profile changed it; else None.
    """

    tier: Tier | None
    why: str
    confidence: float | None = None
    balanced: Tier | None = None


class RoutingStrategy(Protocol):
    """Suggests a tier for a query. Safe to share between threads."""

    def suggest(self, query: Query, context: RoutingContext) -> Suggestion: ...


class SessionOfRequest(Protocol):
    """The session rule for one request (`domain.sessions`)."""

    def read(self) -> None:
        """Start to read the session's state, if the rule will need it. Does not wait."""
        ...

    def held(self) -> SessionDecision | None:
        """Return the decision if the session's model must stay, regardless of what a strategy
        suggests."""
        ...

    def moved(self, wanted: Tier) -> SessionDecision:
        """Return what happens to the session if routing asks for this allowed tier."""
        ...


@dataclass(frozen=True, slots=True)
class TierChoice:
    """`chosen` is the tier before the caller's allowed tiers and the session rule limit it to
    `tier`."""

    tier: Tier
    chosen: Tier
    reason: Reason
    suggestion: Suggestion
    session: SessionDecision | None = None


def choose_tier(
    query: Query,
    strategy: RoutingStrategy | None,
    context: RoutingContext,
    allowed: frozenset[Tier],
    session: SessionOfRequest | None = None,
) -> TierChoice:
    """Bypass, else a session whose model must stay, else the strategy, else the safe tier; then the
    nearest allowed tier; then the session rule.

    Without a strategy (the router is switched off), every query that is not bypassed goes to the
    safe tier. Raises only what `context.ask` raises.
    """
    bypassed = context.bypasses(query)
    held = None if bypassed or session is None else session.held()
    if held is not None:
        return TierChoice(held.tier, held.tier, Reason.SESSION, Suggestion(None, ""), held)
    if bypassed:
        suggestion, reason = Suggestion(Tier.SMALL, "short query"), Reason.BYPASS
    elif strategy is None:
        suggestion, reason = Suggestion(None, "the router is off"), Reason.FALLBACK
    else:
        suggestion = strategy.suggest(query, context)
        reason = Reason.FALLBACK if suggestion.tier is None else Reason.ROUTER
    chosen = context.config.safe_tier if suggestion.tier is None else suggestion.tier
    tier = nearest_allowed(chosen, allowed)
    if session is None:
        return TierChoice(tier, chosen, reason, suggestion)
    moved = session.moved(tier)
    reason = reason if moved.tier is tier else Reason.SESSION
    return TierChoice(moved.tier, chosen, reason, suggestion, moved)

"""The product's rule for sessions, and what it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from route_switch.domain.sessions import (
    FURTHER_TURNS,
    CachedPart,
    Candidates,
    SessionRule,
    SessionState,
    SessionTurn,
)
from route_switch.domain.tiers import Tier
from route_switch.services.estimate_costs import ASSUMED_OUTPUT_TOKENS
from tests.support.sessions.caches import FIVE_MINUTES, Terms
from tests.support.sessions.play import Asked, Policy, Served


def always(tier: Tier) -> Policy:
    """One model throughout; the next one above where a conversation lacks this tier."""
    return lambda asked: next(each for each in sorted(asked.turn.scores) if each >= tier)


def each_request(asked: Asked) -> Tier:
    """Without sessions, every request is routed by itself, even in tool loops."""
    return asked.router()


def each_turn(asked: Asked) -> Tier:
    """Half of the rule: the model stays in tool loops, and follows the router otherwise."""
    return asked.last.tier if asked.in_tool_loop and asked.last else asked.router()


def first_tier(asked: Asked) -> Tier:
    """Pure stickiness."""
    return asked.router() if asked.last is None else asked.last.tier


def oracle(asked: Asked) -> Tier:
    """The right tier of each turn, without a router. It does not look at caches."""
    return asked.turn.right


@dataclass(frozen=True)
class Sessions:
    """The product's rule, with its own state and its own prices."""

    further_turns: int = FURTHER_TURNS

    def __call__(self, asked: Asked) -> Tier:
        rule = SessionRule(asked.family.catalog, self.further_turns)
        terms, tiers = asked.family.terms, frozenset(asked.turn.scores)
        may = Candidates(tiers, frozenset(terms[tier].model for tier in tiers))
        state = None if asked.last is None else _state(asked.last, terms[asked.last.tier])
        turn = SessionTurn(
            asked.tokens_in,
            ASSUMED_OUTPUT_TOKENS,
            continues=asked.last is not None,
            tool_loop=asked.in_tool_loop,
            cached=CachedPart()
            if any(each.price.cache_write_usd_per_million for each in terms.values())
            else None,
        )
        decision = rule.held(turn, state, may)
        if decision is None:
            decision = rule.moved(turn, state, asked.router(), may, asked.now_s)
        return decision.tier


def _state(last: Served, terms: Terms) -> SessionState:
    usage = last.usage
    return SessionState(
        last.tier,
        terms.model,
        usage.input_tokens,
        usage.cached_input_tokens + usage.cache_write_tokens,
        estimated_tokens=usage.input_tokens,
        answers=last.answers,
        used_at=last.at_s,
        cache_s=round(terms.caching.lifetime_s if terms.caching else FIVE_MINUTES),
    )


class AskedTwice:
    """A variant of the rule: a warm session moves down only if the router asked for a smaller tier
    at the turn before as well. One conversation at a time."""

    def __init__(self, further_turns: int) -> None:
        self._rule = Sessions(further_turns)
        self._wish: Tier | None = None

    def __call__(self, asked: Asked) -> Tier:
        if asked.last is None:
            self._wish = None
        return self._rule(replace(asked, router=lambda: self._confirmed(asked)))

    def _confirmed(self, asked: Asked) -> Tier:
        wish, last, before = asked.router(), asked.last, self._wish
        self._wish = wish
        if last is None or wish >= last.tier or asked.now_s - last.at_s > FIVE_MINUTES:
            return wish
        return last.tier if before is None else min(max(wish, before), last.tier)


SESSIONS = "session rule"
LARGE = "one model: Tier 3"
ORACLE = "oracle"
EACH_TURN = "each turn routed for itself"
POLICIES: Mapping[str, Policy] = {
    "one model: Tier 1": always(Tier.SMALL),
    "one model: Tier 2": always(Tier.MEDIUM),
    LARGE: always(Tier.LARGE),
    "each request routed for itself": each_request,
    EACH_TURN: each_turn,
    "the first turn's tier throughout": first_tier,
    SESSIONS: Sessions(),
    ORACLE: oracle,
}
UNCACHED: Mapping[str, Policy] = {
    "Tier 3, without caching": always(Tier.LARGE),
    "each request, without caching": each_request,
}
"""These are played where no provider caches anything."""

"""The decision which tier a query goes to."""

import re
from dataclasses import dataclass
from enum import StrEnum

from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.sessions import SessionDecision
from route_switch.domain.tiers import Tier


class Reason(StrEnum):
    """Why this tier answered a request."""

    BYPASS = "bypass"
    ROUTER = "router"
    OVERRIDE = "override"
    FALLBACK = "fallback"
    DEGRADED = "degraded"
    CAPPED = "capped"
    """Routing chose Tier 3, but the key is above its cap: see `domain.operations.upgrade_cap`."""
    SHADOW = "shadow"
    """Routing only decides, in parallel with the answer: see `domain.shadow`."""
    SESSION = "session"
    """The session stays on its tier: see `domain.sessions`."""


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """`router_tokens` counts the tokens of the router call, 0 if there was none; `latency_ms` is
    the time that the decision added to the request. `routed_tier` is the tier that the bypass or
    the router chose for the profile `balanced`, before the key's tiers limited it; None if neither
    was asked or the router was down. `profile` is the request's, and `profile_tier` what it made of
    `routed_tier`, None if it changed nothing. `why` is the strategy's reason, without user text;
    `by_strategy` says whether it named a tier. `strategy` is the strategy that was used, None if
    none was. `session` is what the session rule made of it; None if the tier was fixed, or the
    request has no session."""

    tier: Tier
    reason: Reason
    prompt_version: str
    router_tokens: int
    latency_ms: float
    routed_tier: Tier | None = None
    why: str = ""
    session: SessionDecision | None = None
    by_strategy: bool = False
    strategy: str | None = None
    profile: Profile = BALANCED
    profile_tier: Tier | None = None

    @property
    def local_strategy(self) -> str | None:
        """The strategy, if a local model took part."""
        return None if self.strategy == "prompt" else self.strategy


_NAMED = re.compile(r"\btier\W{0,5}([123])(?![\d]|[.,]\d)", re.IGNORECASE)
_LEADING = re.compile(r"\W{0,5}(?:tier\W{0,5})?([123])(?![\w/-]|[.,]\d)", re.IGNORECASE)
_DIGIT = re.compile(r"(?<![\w.,/-])([123])(?![\w/-]|[.,]\d)")


def parse_tier(reply: str, *, leading: bool = False) -> Tier | None:
    """Return the tier that a router LLM's reply names, or None if it names none or several.

    In a reply with explanations, the last "Tier n" counts. Without one, a separate digit 1 to 3
    counts if no other such digit contradicts it. With `leading`, only a tier at the very start
    counts.
    """
    if leading:
        start = _LEADING.match(reply)
        return Tier(int(start[1])) if start else None
    named = _NAMED.findall(reply)
    if named:
        return Tier(int(named[-1]))
    digits = set(_DIGIT.findall(reply))
    return Tier(int(digits.pop())) if len(digits) == 1 else None


def nearest_allowed(tier: Tier, allowed: frozenset[Tier]) -> Tier:
    """Return `tier`, or the closest tier in `allowed` (not empty); of two, the larger one."""
    return min(allowed, key=lambda t: (abs(t - tier), -t))


def order_of_descent(tier: Tier, allowed: frozenset[Tier]) -> tuple[Tier, ...]:
    """Return the allowed tiers to try, in order: `tier` itself, then upwards, then downwards."""
    up = [t for t in sorted(Tier) if t >= tier]
    down = [t for t in sorted(Tier, reverse=True) if t < tier]
    return tuple(t for t in (*up, *down) if t in allowed)

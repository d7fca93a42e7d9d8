"""Which tier a query goes to, and why."""

import re
from dataclasses import dataclass
from enum import StrEnum

from route_switch.domain.tiers import Tier


class Reason(StrEnum):
    """Why a request was answered by the tier it was answered by."""

    BYPASS = "bypass"
    ROUTER = "router"
    OVERRIDE = "override"
    FALLBACK = "fallback"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """`router_tokens` are those of the router call, 0 where there was none; `latency_ms` is what
    the decision added to the request. `routed_tier` is what the bypass or the router chose, before
    the key's tiers limit it; None where neither was asked, or the router was down."""

    tier: Tier
    reason: Reason
    prompt_version: str
    router_tokens: int
    latency_ms: float
    routed_tier: Tier | None = None


_NAMED = re.compile(r"\btier\W{0,5}([123])(?![\d]|[.,]\d)", re.IGNORECASE)
_DIGIT = re.compile(r"(?<![\w.,/-])([123])(?![\w/-]|[.,]\d)")


def parse_tier(reply: str) -> Tier | None:
    """The tier that a router LLM's reply names, or None where it names none or several.

    A reply that explains itself is taken at its last "Tier n"; failing that, a digit 1 to 3 that
    stands by itself counts if no other such digit contradicts it.
    """
    named = _NAMED.findall(reply)
    if named:
        return Tier(int(named[-1]))
    digits = set(_DIGIT.findall(reply))
    return Tier(int(digits.pop())) if len(digits) == 1 else None


def nearest_allowed(tier: Tier, allowed: frozenset[Tier]) -> Tier:
    """`tier`, or the closest tier in `allowed` (never empty), the larger one first."""
    return min(allowed, key=lambda t: (abs(t - tier), -t))


def order_of_descent(tier: Tier, allowed: frozenset[Tier]) -> tuple[Tier, ...]:
    """The tiers to try when `tier` fails: itself, then up, then down; only allowed ones."""
    up = [t for t in sorted(Tier) if t >= tier]
    down = [t for t in sorted(Tier, reverse=True) if t < tier]
    return tuple(t for t in (*up, *down) if t in allowed)

"""Policies that send nearly every query to one tier, and so hardly route."""

from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.figures import PolicyFigures
from route_switch.optimizer.report.text_format import share

NEARLY_ALL = 0.98
"""From this share of queries on one tier, a policy is reported as one that hardly routes."""


def only_tier(policy: PolicyFigures) -> Tier | None:
    """Return the tier that gets nearly every query, or None."""
    return next((tier for tier, part in policy.mix.items() if part >= NEARLY_ALL), None)


def share_of_queries(policy: PolicyFigures, tier: Tier) -> str:
    part = policy.mix[tier]
    return "every query" if part == 1 else f"{share(part)} of queries"

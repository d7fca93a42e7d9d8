"""Keep a key's requests off Tier 3 while its upgrades are limited.

Only the choice of the tier is limited. If Tier 2 fails, Tier 3 still answers: a cap must not cost
an answer.
"""

from dataclasses import replace
from datetime import datetime

from route_switch.domain.decision import Reason
from route_switch.domain.tiers import Tier
from route_switch.services.choose_tier import RequestChoice
from route_switch.services.inbound_request import AdmittedRequest


def choosable_tiers(admitted: AdmittedRequest, now: datetime) -> frozenset[Tier]:
    """Return the tiers that routing may choose: never none."""
    tiers = admitted.eligible.tiers
    if not admitted.request.key.limits_upgrades(now):
        return tiers
    return tiers - {Tier.LARGE} or tiers


def with_reason(choice: RequestChoice, eligible: frozenset[Tier]) -> RequestChoice:
    """Give the decision the reason `capped` if, of the eligible tiers, only the cap excluded the
    one that routing chose."""
    decision = choice.decision
    chosen = decision.profile_tier or decision.routed_tier
    if (
        decision.reason is not Reason.ROUTER
        or decision.tier is Tier.LARGE
        or chosen is not Tier.LARGE
        or Tier.LARGE not in eligible
    ):
        return choice
    return replace(choice, decision=replace(decision, reason=Reason.CAPPED))

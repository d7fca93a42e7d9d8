"""Routed requests with a given answer, for tests of what clients see."""

from dataclasses import replace

from route_switch.domain.completion import Completion
from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.tiers import Tier
from route_switch.services.inbound_request import RoutedRequest
from tests.support.records import RECORD


def routed(completion: Completion | None, request_id: str = "resp_1a2b") -> RoutedRequest:
    return RoutedRequest(
        record=replace(RECORD, request_id=request_id),
        decision=RoutingDecision(Tier.SMALL, Reason.ROUTER, "live@1", 0, 0.0),
        completion=completion,
        failure=None,
        prompt_healthy=True,
        overhead_ms=1.0,
        models={tier: f"openai/{tier.name.lower()}" for tier in Tier},
        estimated_usd={},
    )

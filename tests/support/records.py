"""Records of requests, for tests of later processing."""

from dataclasses import replace
from datetime import UTC, datetime

from route_switch.domain.decision import Reason
from route_switch.domain.pricing import Usage
from route_switch.domain.request_record import Attempt, Replay, RequestRecord
from route_switch.domain.tiers import Tier

RECORD = RequestRecord(
    request_id="chatcmpl-1",
    key_id="key_1",
    created_at=datetime(2026, 1, 31, 23, 59, tzinfo=UTC),
    status="answered",
    tier=Tier.SMALL,
    decided_tier=Tier.SMALL,
    reason=Reason.ROUTER,
    model="openai/small",
    prompt_version="live@1",
    attempts=(),
    query_tokens=3,
    latency_ms=1.0,
    routing_ms=0.5,
    baseline_cost_usd=None,
)


def answered(
    request_id: str, query: str, day: datetime, *, tier: Tier = Tier.SMALL
) -> RequestRecord:
    """A routed request that can be replayed."""
    model = f"openai/{tier.name.lower()}"
    return replace(
        RECORD,
        request_id=request_id,
        created_at=day,
        tier=tier,
        decided_tier=tier,
        model=model,
        attempts=(Attempt(model, tier, "answered", 120.0, Usage(11, 7), 0.00002),),
        query_text=query,
        answer_text=f"{tier.name}'s answer to {query}",
        replay=Replay(),
    )

"""The counters that the watch of keys reads (`domain.operations.key_watch`)."""

from route_switch.domain.decision import Reason
from route_switch.domain.request_record import RequestRecord

LONG_ANSWER_TOKENS = 400
"""An answer with this many output tokens is long for a query that was short enough to bypass."""


def watched_counters(record: RequestRecord) -> dict[str, float]:
    """Return what one request adds. The first tier counts, not the one that answered after a
    failure, and a dry run, which buys no answer, does not count."""
    if record.status == "dry_run":
        return {}
    if record.reason in {Reason.ROUTER, Reason.CAPPED}:
        # A larger tier that the client asked for (min_tier, a profile) does not count as routing's
        # choice.
        tier = min(record.decided_tier, record.routed_tier or record.decided_tier)
        return {f"routed:{tier.value}": 1}
    if record.reason is Reason.BYPASS:
        usages = [each.usage for each in record.attempts if each.usage]
        is_long = any(usage.output_tokens >= LONG_ANSWER_TOKENS for usage in usages)
        return {"bypassed": 1, "bypassed:long": 1} if is_long else {"bypassed": 1}
    return {}

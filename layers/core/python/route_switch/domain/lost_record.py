"""A record that is missing from the results table, as JSON for the queue and the log.

It holds what the counters need, and neither text nor user.
"""

import math
from dataclasses import replace

from pydantic import JsonValue

from route_switch.domain.request_record import RequestRecord, record_as_json

_MONEY = (
    "baseline_low_usd",
    "baseline_high_usd",
    "shadow_cost_low_usd",
    "shadow_cost_high_usd",
)
"""Fields that are never shown, but that the counters need."""
_DERIVED = {
    "router_cost_usd",
    "cost_usd",
    "saved_usd",
    "saved_usd_low",
    "saved_usd_high",
    "saving_basis",
    "router_tokens",
    "baseline_estimated",
}


def without_text(record: RequestRecord) -> RequestRecord:
    return replace(record, query_text=None, answer_text=None, replay=None)


def lost_record_as_json(record: RequestRecord) -> dict[str, JsonValue]:
    """Deletion by user searches the table, neither the queue nor the log: leave the user out."""
    content = record_as_json(replace(without_text(record), user=None))
    for name in _MONEY:
        content[name] = getattr(record, name)
    return {**content, "baseline_basis": record.baseline_basis.value}


def read_lost_record(content: dict[str, JsonValue]) -> RequestRecord:
    """Read what `lost_record_as_json` wrote, in this release or an older one. Raise `ValueError`
    (pydantic's included) if it is not a record, or if its costs are not amounts of money."""
    from pydantic import TypeAdapter  # the router only writes such records

    stored = {name: value for name, value in content.items() if name not in _DERIVED}
    stored.setdefault("baseline_basis", content.get("saving_basis"))
    cost = content.get("cost_usd")
    for bound, saved in (
        ("baseline_low_usd", "saved_usd_low"),
        ("baseline_high_usd", "saved_usd_high"),
    ):
        margin = content.get(saved)
        if (
            bound not in stored
            and isinstance(cost, int | float)
            and isinstance(margin, int | float)
        ):
            stored[bound] = cost + margin
    record = TypeAdapter(RequestRecord).validate_python(stored)
    _check(record)
    return without_text(replace(record, user=None))


def _check(record: RequestRecord) -> None:
    if record.created_at.tzinfo is None:
        raise ValueError("created_at has no time zone")
    if not record.request_id or not record.key_id:
        raise ValueError("the request or its key has no id")
    amounts = [record.baseline_cost_usd, *(getattr(record, name) for name in _MONEY)]
    amounts += [attempt.cost_usd for attempt in record.attempts]
    if any(usd is not None and (not math.isfinite(usd) or usd < 0) for usd in amounts):
        raise ValueError("a cost is negative or no number")

"""What the router's log knows of requests, for those whose record is nowhere else.

Three kinds of lines name a request, from the most exact to the least:

- `Record not saved (…): {…}` holds the whole record;
- the line of its metrics holds its costs, its tier and its reason;
- the line before its first call (`services.announce_request`) holds the most that it may cost.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum

from pydantic import BaseModel, JsonValue

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.lost_record import read_lost_record
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import in_usd
from route_switch.domain.request_record import Attempt, RequestRecord, RequestStatus
from route_switch.domain.tiers import Tier

ANNOUNCED = "route_switch_request"
NOT_SAVED = "Record not saved ("
STATUSES: tuple[RequestStatus, ...] = ("answered", "partial", "failed", "dry_run")
UNRECORDED = "unrecorded"
"""Stands for the model of a call that the log does not name."""
MARKS = (ANNOUNCED, "Record not saved", "requests_")
"""Each line of interest contains one of them."""


class LineSource(IntEnum):
    ANNOUNCEMENT = 1
    METRICS = 2
    RECORD = 3


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """`at_most_usd` is the bound of a cost that is unknown."""

    record: RequestRecord
    source: LineSource
    at_most_usd: float | None = None


class _Announcement(BaseModel):
    request_id: str
    key_id: str
    created_at: datetime
    worst_usd: float


def best_of(
    lines: Iterable[str], earlier: Mapping[str, LoggedRequest] | None = None
) -> tuple[dict[str, LoggedRequest], int]:
    """Return what is known of each request, by its id, and how many lines could not be read.
    `earlier` is what earlier lines said."""
    found = dict(earlier or {})
    unreadable = 0
    for line in lines:
        try:
            logged = read_line(line)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            unreadable += 1
            continue
        if logged is not None:
            request_id = logged.record.request_id
            found[request_id] = _better(found.get(request_id), logged)
    return found, unreadable


def read_line(line: str) -> LoggedRequest | None:
    """Return None for a line of another kind. Raise `ValueError` or its like if it is damaged."""
    if not any(mark in line for mark in MARKS):
        return None
    content = json.loads(line[line.index("{") :])
    if ANNOUNCED in content:
        return _announced(_Announcement.model_validate(content[ANNOUNCED]))
    if "_aws" in content and "request_id" in content:
        return _from_metrics(content)
    message = content.get("message")
    if isinstance(message, str) and message.startswith(NOT_SAVED):
        return LoggedRequest(
            read_lost_record(json.loads(message[message.index("): {") + 3 :])), LineSource.RECORD
        )
    return None


def _better(one: LoggedRequest | None, other: LoggedRequest) -> LoggedRequest:
    """Keep the time of the announcement: metrics are written at the end, perhaps a day later."""
    if one is None:
        return other
    worse, better = sorted((one, other), key=lambda logged: logged.source)
    created_at = min(worse.record.created_at, better.record.created_at)
    if better.source is not LineSource.METRICS:
        return better
    return replace(better, record=replace(better.record, created_at=created_at))


def _announced(said: _Announcement) -> LoggedRequest:
    """The request may have cost nothing, or up to the bound: its cost is unknown."""
    why = (
        f"The function ended before its answer was known. It cost at most {in_usd(said.worst_usd)}."
    )
    record = _record(said.request_id, said.key_id, said.created_at, Tier.SMALL, Reason.DEGRADED)
    attempt = Attempt(UNRECORDED, Tier.SMALL, "failed", 0.0, error="never recorded")
    return LoggedRequest(
        replace(record, attempts=(attempt,), why=why), LineSource.ANNOUNCEMENT, said.worst_usd
    )


def _from_metrics(content: JsonObject) -> LoggedRequest:
    aws = content["_aws"]
    if not isinstance(aws, dict) or not isinstance(ms := aws["Timestamp"], int | float):
        raise TypeError("the line has no time")
    record = _record(
        str(content["request_id"]),
        str(content["key_id"]),
        datetime.fromtimestamp(ms / 1000, UTC),
        Tier(int(str(content["tier"]))),
        Reason(str(content["reason"])),
    )
    model, baseline = content.get("answered_by"), _figure(content, "baseline_cost_usd")
    record = replace(
        record,
        status=_status(content["status"]),
        model=model if isinstance(model, str) else None,
        prompt_version=str(content.get("routed_with", UNRECORDED)),
        latency_ms=_figure(content, "latency_ms") or 0.0,
        baseline_cost_usd=baseline,
        baseline_basis=SavingBasis.NO_ANSWER if baseline is None else SavingBasis.MEASURED,
        why="Restored from the log, with its costs but without its tokens.",
    )
    return LoggedRequest(replace(record, attempts=_attempts(record, content)), LineSource.METRICS)


def _attempts(record: RequestRecord, content: JsonObject) -> tuple[Attempt, ...]:
    router_usd, attempts = _figure(content, "router_cost_usd"), []
    if router_usd != 0:
        attempts.append(Attempt(UNRECORDED, None, "answered", 0.0, None, router_usd))
    for tier in Tier:
        usd = _figure(content, f"tier_{tier}_cost_usd")
        if usd is not None:
            model = record.model if tier is record.tier and record.model else UNRECORDED
            attempts.append(Attempt(model, tier, "answered", 0.0, None, usd))
    if _figure(content, "cost_usd") is None:
        attempts.append(Attempt(UNRECORDED, record.tier, "failed", 0.0))
    return tuple(attempts)


def _record(
    request_id: str, key_id: str, created_at: datetime, tier: Tier, reason: Reason
) -> RequestRecord:
    if not request_id or not key_id or created_at.tzinfo is None:
        raise ValueError("the line lacks the request's id, its key or its time")
    return RequestRecord(
        request_id=request_id,
        key_id=key_id,
        created_at=created_at,
        status="failed",
        tier=tier,
        decided_tier=tier,
        reason=reason,
        model=None,
        prompt_version=UNRECORDED,
        attempts=(),
        query_tokens=0,
        latency_ms=0.0,
        routing_ms=0.0,
        baseline_cost_usd=None,
    )


def _status(value: JsonValue) -> RequestStatus:
    for status in STATUSES:
        if value == status:
            return status
    raise ValueError("the line has no status")


def _figure(content: JsonObject, name: str) -> float | None:
    """Return the figure of a metric, whose values Powertools writes as a list."""
    value = content.get(name)
    if isinstance(value, list):
        value = value[0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= abs(value) < 1e12:
        raise ValueError(f"{name} is not a number")
    return float(value)

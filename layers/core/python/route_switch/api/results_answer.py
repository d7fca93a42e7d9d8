"""`GET /v1/results` and `GET /v1/results/{id}`: query parameters and responses."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, timedelta
from typing import TypeVar, get_args

from route_switch.api.query_parameters import bad_parameter, read_day, read_limit
from route_switch.domain.decision import Reason
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.operations.result_query import (
    Failed,
    RatedRow,
    ResultQuery,
    Thumb,
    thumb_of,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import RequestStatus
from route_switch.domain.tiers import Tier
from route_switch.services.operations.list_results import ResultPage

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
MAX_NAME_LENGTH = 500
MAX_CURSOR_LENGTH = 500
MAX_COST_USD = 1_000_000
PARAMETERS = (
    *("limit", "cursor", "from", "to", "tier", "reason", "model", "key", "status", "thumb"),
    *("min_cost_usd", "error"),
)
THUMBS = (*get_args(Thumb), "none")
STATUSES = get_args(RequestStatus)
FAILED = get_args(Failed)
_YEAR, _CENTURY = timedelta(366), 36_500
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_POSITION = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{6}Z#.{1,300})?", re.ASCII)

Value = TypeVar("Value")


def results_query(params: Mapping[str, str], today: date, retention_days: int) -> ResultQuery:
    """Raise `RequestRefusedError` (400) naming the invalid parameter. By default, all requests that
    are kept are listed."""
    kept = timedelta(min(retention_days, _CENTURY))
    oldest = today - max(kept, _YEAR)
    last = min(read_day(params, "to", today), today)
    first = max(read_day(params, "from", today - kept), oldest)
    if "from" in params and read_day(params, "from", today) > read_day(params, "to", today):
        raise bad_parameter("from", "'from' is after 'to'. Send both, in order.")
    tier = _one_of(params, "tier", {str(tier.value): tier for tier in Tier})
    return ResultQuery(
        first=first,
        last=last,
        limit=read_limit(params, DEFAULT_LIMIT, MAX_LIMIT),
        before=_before(params),
        tier=tier,
        reason=_one_of(params, "reason", {reason.value: reason for reason in Reason}),
        model=_name(params, "model"),
        key_id=_name(params, "key"),
        status=_one_of(params, "status", _by_name(STATUSES)),
        thumb=_one_of(params, "thumb", _by_name(THUMBS)),
        min_cost_usd=_min_cost(params),
        error=_one_of(params, "error", _by_name(FAILED)),
    )


def results_body(page: ResultPage) -> JsonObject:
    return {
        "object": "list",
        "data": [row_as_json(each) for each in page.rows],
        "has_more": page.older is not None,
        "cursor": None if page.older is None else cursor_of(page.older),
        "examined": page.examined,
    }


def row_as_json(rated: RatedRow) -> JsonObject:
    row, feedback = rated.row, rated.feedback
    return {
        **asdict(row),
        "created_at": row.created_at.astimezone(UTC).isoformat(),
        "thumb": thumb_of(feedback),
        "score": None if feedback is None else feedback.rating,
    }


def result_body(record: JsonObject, feedback: GivenFeedback | None) -> JsonObject:
    """Return a record with its feedback."""
    if feedback is None:
        return {**record, "feedback": None}
    said: JsonObject = {"score": feedback.rating, "thumb": thumb_of(feedback)}
    if feedback.comment is not None:
        said["comment"] = feedback.comment
    return {**record, "feedback": said}


def cursor_of(position: str) -> str:
    return urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _before(params: Mapping[str, str]) -> str | None:
    if "cursor" not in params:
        return None
    try:
        text = params["cursor"]
        position = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        if _POSITION.fullmatch(position) and cursor_of(position) == text:
            date.fromisoformat(position[:10])
            return position
    except ValueError:
        pass  # not base64, not UTF-8, or no day
    raise bad_parameter(
        "cursor",
        "'cursor' is not one that this route returned. Send the 'cursor' of the previous answer, "
        "or none to begin with the newest request.",
    )


def _by_name(names: Sequence[Value]) -> dict[str, Value]:
    return {str(name): name for name in names}


def _one_of(params: Mapping[str, str], name: str, values: Mapping[str, Value]) -> Value | None:
    text = params.get(name)
    if text is None:
        return None
    if text in values:
        return values[text]
    raise bad_parameter(name, f"'{name}' must be one of {', '.join(values)}.")


def _name(params: Mapping[str, str], name: str) -> str | None:
    text = params.get(name)
    if text is None or 1 <= len(text) <= MAX_NAME_LENGTH:
        return text
    raise bad_parameter(name, f"'{name}' must have 1 to {MAX_NAME_LENGTH} characters.")


def _min_cost(params: Mapping[str, str]) -> float | None:
    text = params.get("min_cost_usd")
    if text is None:
        return None
    if _AMOUNT.fullmatch(text) and float(text) <= MAX_COST_USD:
        return float(text)
    raise bad_parameter(
        "min_cost_usd", f"'min_cost_usd' must be a number of USD from 0 to {MAX_COST_USD}."
    )

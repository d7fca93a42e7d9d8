"""Query parameters. A bad one is a `RequestRefusedError` (400)."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from route_switch.domain.errors import RequestRefusedError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

MAX_NAME = 100
"""Characters of an unknown name that an error repeats."""


def check_parameters(event: "BaseProxyEvent", known: Collection[str]) -> None:
    """Raise unless the request has only parameters that its route knows, each once. A misspelled
    filter must not list everything."""
    sent = {**event.query_string_parameters, **event.multi_value_query_string_parameters}
    for name in sent:
        if name not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise RequestRefusedError(
                f"'{name[:MAX_NAME]}' is not a query parameter of this route. {takes}",
                code="unknown_parameter",
                param=name[:MAX_NAME],
            )
    for name, values in event.multi_value_query_string_parameters.items():
        if len(values) > 1:
            raise bad_parameter(name, f"'{name}' is sent {len(values)} times. Send it once.")


def bad_parameter(name: str, message: str) -> RequestRefusedError:
    return RequestRefusedError(message, code="invalid_value", param=name)


def read_limit(params: Mapping[str, str], default: int, most: int) -> int:
    """Return `limit`, from 1 to `most` (at most 999)."""
    limit = params.get("limit", str(default))
    if re.fullmatch(r"[0-9]{1,3}", limit) and 1 <= int(limit) <= most:
        return int(limit)
    raise bad_parameter("limit", f"'limit' must be a whole number from 1 to {most}.")


def read_day(params: Mapping[str, str], name: str, default: date) -> date:
    """Return a day in UTC."""
    text = params.get(name)
    if text is None:
        return default
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2026-02-30
    raise bad_parameter(
        name, f"'{name}' is not a date: '{text}'. Write it as YYYY-MM-DD, a day in UTC."
    )

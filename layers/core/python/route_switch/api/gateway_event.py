"""What API Gateway's proxy events contain besides the request itself."""

import re
from collections.abc import Mapping
from functools import lru_cache

REPLAYED_AFTER_S = 1000.0
"""An event that is older was recorded: API Gateway waits for 900 s at most."""

Event = dict[str, object]


def waited_s(event: Mapping[str, object], now: float) -> float:
    """Return the seconds since API Gateway received the request: its own time limit began then, not
    when the function was ready. 0 if the event does not say or was recorded.

    `now` is in Unix seconds.
    """
    context = event.get("requestContext")
    received_ms = context.get("requestTimeEpoch") if isinstance(context, Mapping) else None
    if not isinstance(received_ms, int | float):
        return 0.0
    waited = now - received_ms / 1000
    return waited if 0 < waited < REPLAYED_AFTER_S else 0.0


def without_base_path(event: Event) -> Event:
    """Return the event with the path of its route. A custom domain that maps a base path (`/llm`)
    to the API leaves it in `path`."""
    path, resource = event.get("path"), event.get("resource")
    if not isinstance(path, str) or not isinstance(resource, str):
        return event
    found = _path_at_the_end(resource).fullmatch(path)
    return {**event, "path": found["path"]} if found and found["path"] != path else event


@lru_cache(maxsize=64)
def _path_at_the_end(resource: str) -> re.Pattern[str]:
    """Match a path that ends with the resource's, such as `/v1/models/{id+}`, after as few segments
    as possible."""
    pattern = re.sub(r"\\{\w+\\\+\\}", ".+", re.escape(resource))
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", pattern)
    return re.compile(rf"(?:/[^/]+)*?(?P<path>{pattern})")

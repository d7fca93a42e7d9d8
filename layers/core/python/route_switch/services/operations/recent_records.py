"""Requests whose record may not be stored yet: an answer reaches its client first."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

PAUSES_S = (0.1, 0.3, 0.6)
_GIVEN = re.compile(r"[a-z]+[-_][0-9a-f]{32}")
"""The form of the ids that the router assigns. Other ids are not waited for."""

Found = TypeVar("Found")


def found_soon(
    request_id: str,
    read: Callable[[], Found | None],
    sleep: Callable[[float], None] = time.sleep,
) -> Found | None:
    """Return what is found about the request, after a second if necessary; None if there is
    nothing."""
    found = read()
    for pause_s in PAUSES_S if _GIVEN.fullmatch(request_id) else ():
        if found is not None:
            break
        sleep(pause_s)
        found = read()
    return found

"""Name a request in the log before it can cost anything.

If the function is killed before the request's record is saved, `route-switch records replay` finds
the request by this line. Like metrics, it goes to standard output at every log level: it is part of
the accounts, costs no call, and survives the process.
"""

import json
import sys
from datetime import datetime

FIELD = "route_switch_request"
"""The line's only field: `domain.operations.logged_requests` looks for it."""


def announce_request(request_id: str, key_id: str, now: datetime, worst_usd: float) -> None:
    """`worst_usd` is the most that the request is likely to cost."""
    sys.stdout.write(announcement(request_id, key_id, now, worst_usd) + "\n")
    sys.stdout.flush()


def announcement(request_id: str, key_id: str, now: datetime, worst_usd: float) -> str:
    intent = {
        "request_id": request_id,
        "key_id": key_id,
        "created_at": now.isoformat(),
        "worst_usd": round(worst_usd, 9),
    }
    return json.dumps({FIELD: intent}, separators=(",", ":"))

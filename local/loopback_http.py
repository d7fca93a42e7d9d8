"""Get JSON from a server on this machine, without a key or a proxy, and within a time limit."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

Address = tuple[str, int]
MAX_BYTES = 1_000_000


def get_json(address: Address, path: str, timeout_s: float) -> Any:  # JSON
    """Return the answer; None without a server, or if the answer is not JSON."""
    connection = HTTPConnection(*address, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return json.loads(response.read(MAX_BYTES)) if response.status == 200 else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()

"""The ports of a stack. Its next start takes the same ones, so that its addresses stay valid in a
browser, a shell and a client's settings."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PORTS_FILE = "ports.json"
"""A file in the state folder. It stays when the stack stops, unlike stack.json."""
ANY = 0
FIRST, LAST = 1024, 65_535


@dataclass(frozen=True)
class Ports:
    """The ports of the API and of the simulated AWS. `ANY` is any free port."""

    api: int = ANY
    aws: int = ANY


def last_ports(state: Path) -> Ports:
    """Return the ports of the last start; any, if there was none or its file is damaged."""
    try:
        found = json.loads((state / PORTS_FILE).read_text("utf-8"))
        ports = Ports(int(found["api"]), int(found["aws"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return Ports()
    return ports if all(FIRST <= port <= LAST for port in (ports.api, ports.aws)) else Ports()


def keep_ports(state: Path, ports: Ports) -> None:
    (state / PORTS_FILE).write_text(json.dumps(asdict(ports)), "utf-8")


def on_port(start: Callable[[int], T], port: int) -> T:
    """Start a server on this port, or on any free one if the port is taken."""
    try:
        return start(port)
    except OSError:
        if port == ANY:
            raise
        return start(ANY)

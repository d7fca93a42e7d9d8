"""Types are checked against everything that is imported."""

import re
import tomllib
from pathlib import Path

IMPORT = re.compile(r"\baws_cdk(?:\.| import )(aws_\w+)")


def test_mypy_reads_every_module_of_the_cdk_that_is_imported() -> None:
    """Of one that it skips, everything would have any type."""
    mypy = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    (read,) = (set(o["module"]) for o in mypy["overrides"] if o.get("follow_imports") == "normal")
    files = (file for folder in ("infra", "local", "tests") for file in Path(folder).rglob("*.py"))
    imported = {name for file in files for name in IMPORT.findall(file.read_text("utf-8"))}
    assert len(imported) > 20
    assert {f"aws_cdk.{name}" for name in imported} <= read

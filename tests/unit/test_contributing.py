"""The worked changes of CONTRIBUTING.md: they work as printed, and the files they name exist."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path("CONTRIBUTING.md").read_text("utf-8")
SOURCES = Path("layers/core/python")
PACKAGE = "route_switch"
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE))
PARTS = re.compile(r"\n\n+(?=\S|    .*,$)", re.MULTILINE)
"""Blank lines before an import, a function or a row, which is indented and ends with a comma."""
BLOCK = re.compile(r"^```python\n# (\S+?)(?:, (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)

SCRIPTS = {
    "A provider": """
import sys
from route_switch.cli.main import app
app(["route", "--queries", "queries.jsonl", "--router-model", "echo/any", "--json"])
""",
    "A grading method": """
from route_switch.domain.learning.grading import grade
print(grade("Not on 2023-02-28 but on 2024-02-29.", "2024-02-29"), grade("29", "2024-02-29"))
""",
    "A routing strategy": """
import os
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.query import Query
from route_switch.domain.tiers import ALL_TIERS
from route_switch.services.deadline import Deadline
from route_switch.wiring.router import build_tier_chooser
config = router_config("local/encoder").model_copy(update={"strategy": "length"})
choose, prompt = build_tier_chooser(config, os.environ.get), packaged_prompt()
for query in ("Explain the tides, step by step and in detail.", "word " * 300):
    decision = choose(Query(query), prompt, "v1", ALL_TIERS, Deadline(10)).decision
    print(decision.tier.value, decision.reason, decision.why)
""",
}
"""A program for each change, that uses it."""
PRINTED = {
    "A provider": '"tier": 3, "reason": "router"',
    "A grading method": "1.0 0.0",
    "A routing strategy": "1 router by length\n3 router by length",
}
QUERY = '{"id": 1, "query": "Send this to Tier 3, please, although it is a short question."}\n'


def apply(block: tuple[str, str, str], package: Path) -> None:
    """Write a new file, or add to an existing one what is printed for it."""
    name, registry, body = block
    file = package / name
    if not registry:
        assert not file.exists(), f"{name} exists: the example must add a file"
        file.write_text(body, "utf-8")
        return
    text = file.read_text("utf-8")
    for part in re.split(PARTS, body.strip("\n")):
        text = add(part, registry, text)
    file.write_text(text, "utf-8")


def add(part: str, registry: str, text: str) -> str:
    """Imports go to the imports, rows (which are indented) into the registry, else before it."""
    opening = re.search(rf"^{registry}\b.*[\[({{]$", text, re.MULTILINE)
    assert opening is not None, f"{registry} is not a registry of one row per line"
    if part.startswith("from "):
        place = text.index("\nfrom ") + 1
        return f"{text[:place]}{part}\n{text[place:]}"
    if part.startswith(" "):
        return f"{text[: opening.end()]}\n{part}{text[opening.end() :]}"
    return f"{text[: opening.start()]}{part}\n\n\n{text[opening.start() :]}"


@pytest.mark.parametrize("title", SCRIPTS)
def test_a_worked_change_works_as_it_is_printed(title: str, tmp_path: Path) -> None:
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCES / PACKAGE, tmp_path / PACKAGE, ignore=leave_out)
    blocks = BLOCK.findall(SECTIONS[title])
    assert [bool(registry) for _, registry, _ in blocks] == [False, True], "one file, one registry"
    for block in blocks:
        apply(block, tmp_path / PACKAGE)
    (tmp_path / "queries.jsonl").write_text(QUERY, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPTS[title]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PRINTED[title] in done.stdout


def test_there_are_six_worked_changes() -> None:
    assert [*SECTIONS] == [*SCRIPTS, "A command", "An alarm", "A setting"]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_worked_change_names_files_that_exist(title: str) -> None:
    named = re.findall(r"`([\w./]+\.(?:py|md|json))`", SECTIONS[title])
    changed = [name for name, registry, _ in BLOCK.findall(SECTIONS[title]) if registry]
    assert named or changed
    for name in (*named, *changed):
        assert Path(name).is_file() or (SOURCES / PACKAGE / name).is_file(), name

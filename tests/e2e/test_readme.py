"""What the README says, run: its `bash` and `python` blocks; `console` blocks need AWS."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, linked_checkout

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
UP_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def up(checkout: Path) -> Iterator[None]:
    """`make up`, ended by Ctrl-C; then nothing of it may be left."""
    process = subprocess.Popen(
        ["make", "up"], cwd=checkout, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    stack_file = checkout / ".local/stack.json"
    deadline = time.monotonic() + UP_TIMEOUT_S
    while not stack_file.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)  # another process decides when it is ready
    assert stack_file.exists()
    yield
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert "curl" in printed
    assert "OpenAI(" in printed
    assert not stack_file.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def run(language: str, block: str, checkout: Path) -> str:
    command = ["bash", "-euo", "pipefail"] if language == "bash" else [sys.executable, "-"]
    done = subprocess.run(
        command, input=block, cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_demo_shows_real_queries_and_totals_and_says_what_was_simulated(
    checkout: Path,
) -> None:
    language, block = BLOCKS[0]
    assert block == "make demo\n"
    printed = run(language, block, checkout)
    rows = re.findall(r" (?:bypass|router|fallback) +offline/", printed)
    assert len(rows) >= 30
    for words in ("cost / all on Tier 3", "tier 1 / 2 / 3", "p50", "What was simulated"):
        assert words in printed
    assert not (checkout / ".local/demo/stack.json").exists()


@pytest.mark.usefixtures("up")
def test_every_block_runs_in_the_order_of_the_page(checkout: Path) -> None:
    printed = "".join(run(language, block, checkout) for language, block in BLOCKS[1:])
    assert '"object":"chat.completion"' in printed
    assert '"estimated_cost_usd"' in printed
    assert "card_arrival" in printed, "the recorded answer to the OpenAI client's query"
    assert "version 2" in printed, "the pushed prompt"
    assert "+- a greeting, a thank-you" in printed, "what it changed"
    assert "version 3 -> version 4, the content of version 2" in printed, "the rollback"
    assert '"reason": "bypass"' in printed


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    documents = [README, (ROOT / "CONTRIBUTING.md").read_text("utf-8")]
    named = {target for text in documents for target in re.findall(r"`make ([a-z]+)", text)}
    assert named >= {"demo", "test", "up", "bench", "weekly"}
    assert {target for target in named if not re.search(f"^{target}:", makefile, re.M)} == set()

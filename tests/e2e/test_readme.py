"""Run the snippets of the README and of the pages below, in reading order.

`bash` and `python` blocks run. `console` blocks need AWS or another terminal, so only their
commands are checked (tests/unit/test_documents.py). A `text` block below a snippet is its output,
with `…` for parts that differ between runs.
"""

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

PAGES = (
    "README.md",
    *(f"docs/{name}.md" for name in ("local", "own-log", "learning", "api", "costs", "operations")),
)
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
BLOCK = re.compile(
    r"^```(bash|python)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
BLOCKS: list[tuple[str, str, str]] = [
    block for page in PAGES for block in BLOCK.findall(DOCUMENTS[page])
]
UP_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def up(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`make up`, stopped with Ctrl-C: the file with its output. Afterwards, none of its processes
    may be left."""
    output = tmp_path_factory.mktemp("up") / "printed.txt"
    process = subprocess.Popen(
        ["make", "up", "PROFILE=offline"],  # an OpenAI key in the environment must not be used
        cwd=checkout,
        stdout=output.open("wb"),
        start_new_session=True,
    )
    stack_file = checkout / ".local/stack.json"
    deadline = time.monotonic() + UP_TIMEOUT_S
    while (
        "Models: " not in output.read_text("utf-8")
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.1)  # another process decides when it is ready
    assert stack_file.exists()
    yield output
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=60)
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


def check_output(printed: str, shown: str) -> None:
    """Assert that each shown line is in the output, in the same order."""
    lines = iter(printed.replace("\r\n", "\n").splitlines())
    for line in shown.splitlines():
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(pattern.fullmatch(each) for each in lines), f"{line}\nis not in\n{printed}"


def test_the_demo_shows_real_queries_and_totals_and_says_what_was_simulated(
    checkout: Path,
) -> None:
    language, block, _ = BLOCKS[0]
    assert block == "make demo\n"
    printed = run(language, block, checkout)
    rows = re.findall(r" (?:bypass|router|fallback) +offline/", printed)
    assert len(rows) >= 30
    for words in ("cost / all on Tier 3", "tier 1 / 2 / 3", "p50", "What was simulated"):
        assert words in printed
    assert not (checkout / ".local/demo/stack.json").exists()


def test_make_up_prints_the_readmes_request_and_says_last_which_models_are_used(
    checkout: Path, up: Path
) -> None:
    printed = up.read_text("utf-8")
    shown, answer = re.findall(
        r"^```console\n(curl .*?)^```$\n\n```text\n(.*?)^```$", DOCUMENTS["README.md"], re.M | re.S
    )[0]
    request = printed[printed.index("curl ") : printed.index("\n\nfrom openai import OpenAI\n")]
    check_output(request, shown)
    check_output(run("bash", request, checkout), answer)
    python = printed[printed.index("from openai") :].partition("\n\n")[0]
    assert "y = 56/8 = 7" in run("python", python, checkout)
    assert printed.splitlines()[-1] == (
        "Models: PROFILE=offline is set, so recorded answers are replayed."
    )
    assert "Annotation" not in printed
    assert "Unzipped" not in printed


@pytest.mark.usefixtures("up")
def test_every_block_runs_in_page_order(checkout: Path) -> None:
    outputs = [run(language, block, checkout) for language, block, _ in BLOCKS[1:]]
    for (_, _, shown), output in zip(BLOCKS[1:], outputs, strict=True):
        check_output(output, shown)
    printed = "".join(outputs)
    assert '"object":"chat.completion"' in printed
    assert '"estimated_cost_usd"' in printed
    assert "card_arrival" in printed, "the recorded answer to the OpenAI client's query"
    assert "version 2" in printed, "the pushed prompt"
    assert "+- a greeting, a thank-you" in printed, "the diff of the push"
    assert "version 3 -> version 4, the content of version 2" in printed, "the rollback"
    assert '"reason": "bypass"' in printed


def test_every_page_with_snippets_is_listed() -> None:
    assert {page for page, text in DOCUMENTS.items() if BLOCK.search(text)} - {
        "CONTRIBUTING.md"
    } == {*PAGES}


def test_the_readme_quotes_a_rule_of_the_packaged_prompt() -> None:
    prompt = (ROOT / "layers/core/python/route_switch/data/hand_written.md").read_text("utf-8")
    [heading, rule] = re.findall(
        r"^> (Tier 2.*?for:) … (.+)$", DOCUMENTS["README.md"], re.MULTILINE
    )[0]
    assert f"- {rule}\n" in prompt.partition(heading)[2].partition("\n\n")[0] + "\n"


def test_every_documented_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {t for text in DOCUMENTS.values() for t in re.findall(r"`make ([a-z0-9-]+)", text)}
    assert named >= {"demo", "test", "up", "bench", "weekly", "docs", "picture"}
    assert {target for target in named if not re.search(f"^{target}:", makefile, re.M)} == set()

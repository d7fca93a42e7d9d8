"""The browser that the console is tested in. `python -m tests.support.chromium` installs it.

It is Debian's. Playwright would download one of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

DEBIANS = "/usr/bin/chromium"
PACKAGES = ("chromium", "fonts-liberation")
"""Without a font, a page has no text."""
UPDATE = ("apt-get", "update", "-qq")
INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)


class NoChromiumError(Exception):
    """There is no Chromium, and it cannot be installed."""


def executable() -> Path:
    return Path(os.environ.get("CHROMIUM", DEBIANS))


def install_if_missing() -> None:
    if executable().is_file():
        return
    if "CHROMIUM" in os.environ:
        raise NoChromiumError(_advice(f"CHROMIUM names {executable()}, which is no file"))
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoChromiumError(_advice("only root can install it, with apt-get"))
    print("Installing Chromium for the tests of the console.", file=sys.stderr)  # noqa: T201 (a command)
    for command in (UPDATE, INSTALL):
        subprocess.run(
            command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=sys.stderr
        )
    if not executable().is_file():
        raise NoChromiumError(_advice("apt-get could not install it"))


def _advice(why: str) -> str:
    return (
        f"The console's tests need Chromium: {why}. Install the package chromium "
        "(Debian: apt-get install chromium), or set CHROMIUM to the path of a Chromium."
    )


if __name__ == "__main__":
    try:
        install_if_missing()
    except NoChromiumError as error:
        sys.exit(str(error))

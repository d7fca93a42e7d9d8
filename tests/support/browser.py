"""Chromium, driven by Playwright, and what must never happen on a page of the console."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.chromium import executable

PLAYWRIGHT = Path(".build/browser/python").resolve()
AXE = Path(".build/browser/node/node_modules/axe-core/axe.min.js")
SCREENSHOTS = Path(".build/console")
PHONE, DESKTOP = (375, 812), (1440, 900)
SERIOUS = ("serious", "critical")
WITHOUT_GPU = ("--disable-gpu", "--disable-software-rasterizer")
"""Emulating one takes a third of the processor time."""
COUNT_VIOLATIONS = """
addEventListener("securitypolicyviolation",
    event => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""
RUN_AXE = """
([rules, serious]) => axe.run({ resultTypes: ["violations"], preload: false, ...rules }).then(
    ({ violations }) => violations.filter(({ impact }) => serious.includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`))
"""
COLORS = {"runOnly": ["color-contrast"]}
WIDER = """
Math.max(...[document.documentElement, ...document.querySelectorAll("dialog[open]")]
    .map(each => each.scrollWidth - each.clientWidth))
"""
HEIGHT = """
[...document.querySelectorAll("dialog[open]")].at(-1)?.scrollHeight
    ?? document.documentElement.scrollHeight
"""
MARGIN = 32
"""Above and below a dialog in the middle of the window."""
NETWORK = "Failed to load resource"
"""How Chromium begins its message about a response with an error status."""

sys.path.append(str(PLAYWRIGHT))
try:
    from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
except ImportError as error:
    raise ImportError("Playwright is missing. Run: make console-test") from error

__all__ = ["Browser", "BrowserContext", "Page", "expect"]


@cache
def axe_core() -> str:
    return AXE.read_text("utf-8")


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root.
        options = [*WITHOUT_GPU, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        yield playwright.chromium.launch(executable_path=executable(), args=options)


@dataclass
class Watched:
    """A page, and everything on it that must not happen."""

    page: Page
    origin: str
    problems: list[str] = field(default_factory=list)
    warned: int = 0
    """How often the page asked whether it may be left. It stays each time."""

    def __post_init__(self) -> None:
        self.page.add_init_script(COUNT_VIOLATIONS)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("console", self._message)
        self.page.on("request", self._request)

    def axe(self, *, colors_only: bool = False) -> list[str]:
        """Return the serious findings of axe-core: rule, and the elements that break it. Another
        color scheme changes colors only."""
        if not self.page.evaluate("'axe' in window"):
            # Not add_script_tag: the page's policy forbids inline scripts.
            self.page.evaluate(axe_core())
        found: list[str] = self.page.evaluate(RUN_AXE, [COLORS if colors_only else {}, SERIOUS])
        return found

    def overflow(self) -> int:
        """Return how many pixels the page, or a dialog on it, is wider than its room."""
        return int(self.page.evaluate(WIDER))

    def screenshot(self, name: str) -> Path:
        """Take a picture of the whole page, or of the whole dialog on it."""
        file = SCREENSHOTS / f"{name}.png"
        window = self.page.viewport_size
        assert window is not None
        height = int(self.page.evaluate(HEIGHT))
        if height > window["height"]:
            self.page.set_viewport_size({"width": window["width"], "height": height + MARGIN})
        self.page.screenshot(path=file, animations="disabled")
        if height > window["height"]:
            self.page.set_viewport_size(window)
        return file

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            self.warned += 1
            dialog.dismiss()
            return
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _message(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(NETWORK):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.problems.append(f"request to another origin: {request.url}")

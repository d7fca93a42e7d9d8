"""Opens the console in Chromium for tests, with a session of its own for each page."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.browser import (
    DESKTOP,
    SCREENSHOTS,
    Browser,
    BrowserContext,
    Watched,
    expect,
    running_browser,
)
from tests.support.console_answers import NOW
from tests.support.fake_api import FakeApi

TIMEOUT_S = 10
"""For an element to appear. The machine may be busy."""
ALL_SCREENSHOTS = os.environ.get("SCREENSHOTS") == "all"
"""Each test leaves screenshots, not only one that fails. That takes a quarter of the time."""
RESTORED = """
if (sessionStorage.getItem("tests.restored") === null) {
    sessionStorage.setItem("tests.restored", "yes");
    sessionStorage.setItem("route-switch.session", %s);
}
"""
"""The role and the key of a tab whose session goes on. Later loads have what the page kept."""
expect.set_options(timeout=TIMEOUT_S * 1000)


@dataclass
class LazyBrowser:
    """Chromium and its contexts, from the first use to `close`.

    Contexts are shared, because making one takes long: all that the console keeps is in the session
    storage of a tab, which no other tab sees.
    """

    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    _opened: ExitStack = field(default_factory=ExitStack)
    _browser: Browser | None = None

    def context(self, clock: str) -> BrowserContext:
        """Return a context whose clock is `real`, `fixed` at the time of the answers, or `stepped`:
        it begins at that time, and tests can let time pass."""
        if clock not in self.contexts:
            self.contexts[clock] = made = self.new_context()
            if clock == "fixed":
                made.clock.set_fixed_time(NOW)
            elif clock == "stepped":
                made.clock.install(time=NOW)
        return self.contexts[clock]

    def new_context(self) -> BrowserContext:
        if self._browser is None:
            self._browser = self._opened.enter_context(running_browser())
        context = self._browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
            color_scheme="light",
            locale="en-US",
            timezone_id="Europe/Zurich",
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(TIMEOUT_S * 1000)
        return context

    def close(self) -> None:
        self._opened.close()
        self.contexts, self._browser = {}, None


CHROMIUM = LazyBrowser()


def end_with_folder(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End Chromium after the last test of a folder: Playwright runs an event loop in the tests'
    thread, and no later test of this process could start one."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        CHROMIUM.close()


@dataclass
class Consoles:
    endpoint: str
    opened: list[Watched] = field(default_factory=list)
    own: list[BrowserContext] = field(default_factory=list)
    """Contexts that no other test uses."""

    def open(
        self,
        size: tuple[int, int] = DESKTOP,
        scheme: str = "light",
        *,
        context: BrowserContext | None = None,
    ) -> Watched:
        """Open a page, and load nothing yet."""
        page = (context or CHROMIUM.context("real")).new_page()
        if size != DESKTOP:
            page.set_viewport_size({"width": size[0], "height": size[1]})
        if scheme != "light":
            page.emulate_media(color_scheme=scheme)
        watched = Watched(page, self.endpoint)
        self.opened.append(watched)
        return watched

    def fresh(self) -> BrowserContext:
        """Return a context that has loaded nothing."""
        self.own.append(CHROMIUM.new_context())
        return self.own[-1]

    def signed_in(
        self, key: str, view: str = "", size: tuple[int, int] = DESKTOP, role: str = "admin"
    ) -> Watched:
        """Open a view in a tab that has the key already, on the real API."""
        watched = self.open(size)
        self.restore(watched, key, view, role)
        return watched

    def restore(self, watched: Watched, key: str, view: str = "", role: str = "admin") -> None:
        watched.page.add_init_script(RESTORED % json.dumps(f"{role} {key}"))
        watched.page.goto(f"{self.endpoint}/console#/{view}")

    def entered(self, key: str, view: str = "") -> Watched:
        """Open a view as a person does, who pastes the key, on the real API."""
        watched = self.open()
        self.enter(watched, key, view)
        return watched

    def enter(self, watched: Watched, key: str, view: str = "") -> None:
        watched.page.goto(f"{self.endpoint}/console#/{view}")
        watched.page.get_by_label("API key").fill(key)
        watched.page.get_by_role("button", name="Open the console").click()

    def faked(
        self,
        api: FakeApi,
        view: str = "",
        size: tuple[int, int] = DESKTOP,
        scheme: str = "light",
        *,
        has_timers: bool = False,
    ) -> Watched:
        """Open a view on made-up answers, on the day that they are from. With `has_timers`, the
        test can let time pass."""
        context = CHROMIUM.context("stepped" if has_timers else "fixed")
        watched = self.open(size, scheme, context=context)
        self.restore(watched, api.key, view)
        return watched


@contextmanager
def watched_consoles(request: pytest.FixtureRequest, endpoint: str) -> Iterator[Consoles]:
    """Check afterwards that nothing forbidden happened on any page. A test that fails leaves
    screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    made, failures = Consoles(endpoint), request.session.testsfailed
    yield made
    if ALL_SCREENSHOTS or request.session.testsfailed > failures:
        leave_screenshots(made, request.node.name.removeprefix("test_").replace("/", "-"))
    problems = [problem for watched in made.opened for problem in watched.problems]
    for watched in made.opened:
        watched.page.unroute_all(behavior="ignoreErrors")
        watched.page.close()
    for context in made.own:
        context.close()
    for context in CHROMIUM.contexts.values():
        for page in context.pages:  # further tabs that a test has opened
            page.close()
    assert problems == []


def leave_screenshots(made: Consoles, name: str) -> None:
    for number, watched in enumerate(made.opened):
        watched.screenshot(f"{name}-{number}" if number else name)

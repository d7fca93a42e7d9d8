"""Use a page as people do who neither see it nor have a mouse: by its keys and by what it says."""

from tests.support.browser import Page

FOCUSED = "document.activeElement"
NAME = f"""
(e => (e.ariaLabel ?? e.labels?.[0]?.innerText ?? e.innerText ?? "").trim())({FOCUSED})
"""
RING = f"""
(e => [e, e.nextElementSibling].some(
    each => each && getComputedStyle(each).outlineStyle !== "none"
))({FOCUSED})
"""
"""Radio buttons are invisible; the text beside one has the ring."""
IN_DIALOG = f"{FOCUSED} === document.body || {FOCUSED}.closest('dialog') !== null"
MOST_STOPS = 90


def press_until(page: Page, name: str, key: str = "Tab") -> None:
    """Press a key until the element with this name has the focus, and shows it."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        if page.evaluate(NAME) == name:
            assert page.evaluate(RING), f"no focus ring on {name}"
            return
    raise AssertionError(f"{key} does not reach {name}")


def focused(page: Page) -> str:
    """Return the name of the focused element."""
    return str(page.evaluate(NAME))


def stays_in_dialog(page: Page, presses: int = 25) -> bool:
    """Whether Tab never leaves the open dialog. Chromium stops at its own bar in between."""
    inside = []
    for _ in range(presses):
        page.keyboard.press("Tab")
        inside.append(bool(page.evaluate(IN_DIALOG)))
    return all(inside)


LISTEN = """
() => {
    window.heard = [];
    const hear = () => document.querySelectorAll("[role=status]").forEach(
        each => heard.push(each.textContent));
    new MutationObserver(hear).observe(
        document.body, { subtree: true, childList: true, characterData: true });
}
"""
HEARD = "text => heard.some(each => each.includes(text))"


def listen(page: Page) -> None:
    """Keep what live regions say, as a screen reader hears it: some of it is gone in a moment."""
    page.evaluate(LISTEN)


def hears(page: Page, text: str) -> None:
    """Wait until a live region has said this since `listen`."""
    page.wait_for_function(HEARD, arg=text)

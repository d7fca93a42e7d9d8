"""Takes the pictures of docs/console.md: `make console-screenshots`. pytest runs this file only if
it is named.

The figures are made up, so that the same sources give the same pictures, but for the times of the
comparison.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browser import PHONE, Page, expect
from tests.support.console_states import (
    answered_twice,
    api_of_states,
    decided,
    judged,
    nothing,
    previewed,
    recorded,
)
from tests.support.consoles import Consoles

IMAGES = Path("docs/images")
WINDOW = (1280, 720)
MOST_BYTES = 450_000
Picture = tuple[str, Callable[[Page], None], tuple[int, int], str]

PICTURES: dict[str, Picture] = {
    "overview": ("overview", nothing, WINDOW, "light"),
    "playground": ("playground", decided, WINDOW, "light"),
    "comparison": ("playground", answered_twice, WINDOW, "light"),
    "decisions": ("decisions", nothing, WINDOW, "light"),
    "record": ("decisions", recorded, WINDOW, "light"),
    "prompt": ("prompt", nothing, WINDOW, "light"),
    "preview": ("prompt", previewed, WINDOW, "light"),
    "learning": ("learning", nothing, WINDOW, "light"),
    "run": ("learning", judged, WINDOW, "light"),
    "access": ("access", nothing, WINDOW, "light"),
    "dark": ("overview", nothing, WINDOW, "dark"),
    "phone": ("access", nothing, PHONE, "light"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_take_the_picture_of_a_view(consoles: Consoles, name: str) -> None:
    view, act, size, scheme = PICTURES[name]
    console = consoles.faked(api_of_states(), view, size, scheme)
    page = console.page
    page.wait_for_load_state("networkidle")
    act(page)
    expect(page.get_by_role("button", name="Run", exact=True, disabled=True)).to_have_count(0)
    page.mouse.move(0, 0)
    taken = console.screenshot(f"docs-{name}")
    picture = IMAGES / f"console-{name}.png"
    picture.write_bytes(taken.read_bytes())
    assert picture.stat().st_size <= MOST_BYTES

"""Takes the pictures of docs/console.md: `make console-screenshots`. pytest runs this file only if
it is named.

The figures are made up, so that the same sources give the same pictures.
"""

from pathlib import Path

import pytest

from tests.support.browser import PHONE, Watched, expect
from tests.support.console_traffic import route
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response

IMAGES = Path("docs/images")
WINDOW = (1280, 720)
MOST_BYTES = 150_000


def decided(console: Watched) -> None:
    page = console.page
    page.get_by_label("Text of message 1").fill(
        "Is a gift from my aunt taxable, and at which rate?"
    )
    page.get_by_role("button", name="Decide only").click()
    expect(page.get_by_role("article", name="Decision")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


PICTURES = {
    "overview": ("overview", WINDOW, "light"),
    "playground": ("playground", WINDOW, "light"),
    "decisions": ("decisions", WINDOW, "light"),
    "prompt": ("prompt?tab=compare", WINDOW, "light"),
    "learning": ("learning", WINDOW, "light"),
    "access": ("access", WINDOW, "light"),
    "dark": ("overview", WINDOW, "dark"),
    "phone": ("access", PHONE, "light"),
}
BEFORE = {"playground": decided}


@pytest.mark.parametrize("name", PICTURES)
def test_take_the_picture_of_a_view(consoles: Consoles, name: str) -> None:
    view, size, scheme = PICTURES[name]
    api = FakeApi()
    api.answers["POST /v1/route"] = Response(route())
    console = consoles.faked(api, view, size, scheme)
    console.page.wait_for_load_state("networkidle")
    if name in BEFORE:
        BEFORE[name](console)
    expect(console.page.get_by_role("main")).not_to_contain_text("Loading")
    console.page.mouse.move(0, 0)
    taken = console.screenshot(f"docs-{name}")
    picture = IMAGES / f"console-{name}.png"
    picture.write_bytes(taken.read_bytes())
    assert picture.stat().st_size <= MOST_BYTES
